import { type ScopeNode, Waiter, afterThisTurn, arrive, expectInteger, grant, stopError } from "../core/index.ts";

/**
 * Puts steps of several tasks into one order, for tests of what happens when they come in just that.
 *
 * Steps have the numbers 0, 1, 2 ..., each once. A step that never comes is a deadlock for those after it, which is told
 * under virtual time. If a step is cancelled while it waits for its turn, those after it fail.
 *
 * @example
 * ```ts
 * import { taskGroup } from "taskwright";
 * import { Sequencer } from "taskwright/testing";
 *
 * const order = new Sequencer();
 * const log: string[] = [];
 * await taskGroup((group) => {
 *   group.spawn(async () => {
 *     await order.at(1);
 *     log.push("second");
 *   });
 *   group.spawn(async () => {
 *     await order.at(0);
 *     log.push("first");
 *     await order.at(2);
 *     log.push("third");
 *   });
 * });
 * console.log(log.join(", ")); // => first, second, third
 * ```
 */
export class Sequencer {
  /** The step that is under way, or comes next. */
  #step = 0;
  #isUnderWay = false;
  /** Between `at` and the rest of the code that follows it: no time passes. */
  #isSettling = false;
  readonly #taken = new Set<number>();
  readonly #waiting = new Map<number, StepWaiter>();
  /** The first step that was cancelled. Those after it do not come. */
  #brokenAt = Infinity;

  /**
   * Waits for the turn of step `n`. The step is what follows, up to the next wait of the task.
   *
   * Cancel: stops waiting; the steps after it fail.
   *
   * @param n - 0 or more
   * @throws {Error} `n` was taken before, or a step before it was cancelled
   */
  async at(n: number): Promise<void> {
    await this.#come(n);
    this.#isSettling = true;
    afterThisTurn({ resume: () => this.#end() });
  }

  /**
   * Waits for the turn of step `n`, and runs `fn` as the step: the next comes when it has ended.
   *
   * Cancel: stops waiting, and the steps after it fail; once `fn` runs it is `fn` that is cancelled.
   *
   * @param n - 0 or more
   * @throws {Error} `n` was taken before, or a step before it was cancelled
   */
  async run<T>(n: number, fn: () => T | PromiseLike<T>): Promise<T> {
    await this.#come(n);
    try {
      return await fn();
    } finally {
      this.#end();
    }
  }

  /** @internal */
  get isSettling(): boolean {
    return this.#isSettling;
  }

  /** @internal */
  describeWait(n: number): string {
    return `step ${n} of a Sequencer, where step ${this.#step} ${this.#isUnderWay ? "is under way" : "has not come"}`;
  }

  /** @internal */
  giveUp(n: number): void {
    this.#waiting.delete(n);
    this.#brokenAt = Math.min(this.#brokenAt, n);
    for (const [other, waiter] of this.#waiting) {
      if (other < n) continue;
      this.#waiting.delete(other);
      waiter.reject(this.#brokenError());
    }
  }

  async #come(n: number): Promise<void> {
    expectInteger("n", n, 0);
    const scope = arrive();
    if (scope.stop !== undefined) {
      this.giveUp(n);
      throw stopError(scope);
    }
    if (this.#taken.has(n))
      throw new Error(`step ${n} of this Sequencer was taken before: each number is for one step`);
    this.#taken.add(n);
    if (n > this.#brokenAt) throw this.#brokenError();
    if (n === this.#step && !this.#isUnderWay) {
      this.#isUnderWay = true;
      return grant(scope, undefined);
    }
    const waiter = new StepWaiter(scope, this, n);
    this.#waiting.set(n, waiter);
    return waiter.promise;
  }

  #brokenError(): Error {
    return new Error(`step ${this.#brokenAt} of this Sequencer was cancelled, so those after it cannot come`);
  }

  #end(): void {
    this.#isUnderWay = false;
    this.#isSettling = false;
    const next = this.#waiting.get(++this.#step);
    if (next === undefined) return;
    this.#waiting.delete(this.#step);
    this.#isUnderWay = true;
    next.resolve();
  }
}

class StepWaiter extends Waiter<void> {
  readonly #sequencer: Sequencer;
  readonly #n: number;

  constructor(scope: ScopeNode, sequencer: Sequencer, n: number) {
    super(scope);
    this.#sequencer = sequencer;
    this.#n = n;
  }

  // While another step settles, this may be over with the next turn: no time passes, and nobody takes it for blocked.

  override get isExternal(): boolean {
    return this.#sequencer.isSettling;
  }

  override get isYielding(): boolean {
    return this.#sequencer.isSettling;
  }

  describe(): string {
    return this.#sequencer.describeWait(this.#n);
  }

  protected override leave(): void {
    this.#sequencer.giveUp(this.#n);
  }
}
