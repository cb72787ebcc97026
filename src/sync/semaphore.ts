import {
  LinkedList,
  type Limiter,
  type Permit,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  expectInteger,
  grant,
  refuse,
} from "../core/index.ts";
import { runWithPermit } from "./run-with-permit.ts";

/** Settings of a {@link Semaphore}. */
export interface SemaphoreOptions {
  /** For messages: what is limited. */
  readonly name?: string;
  /** @internal What it is part of. */
  readonly kind?: string;
  /** @internal The heaviest weight that may be asked for, if that is not the limit of the moment. */
  readonly maxWeight?: number;
  /** @internal Makes the permit that is given out of the semaphore's own. `inUse` counts its weight too. */
  readonly wrap?: (permit: Permit, inUse: number) => Permit;
}

/** What a semaphore is doing. */
export interface SemaphoreStatistics {
  /** Weight that may be out. */
  readonly limit: number;
  /** Weight of all permits out. May exceed a limit that was lowered meanwhile. */
  readonly inUse: number;
  /** Callers waiting. */
  readonly waiting: number;
}

/**
 * Lets at most `limit` holders in at a time, first come, first served.
 *
 * @example
 * ```ts
 * import { Semaphore } from "taskwright";
 *
 * const connections = new Semaphore(2, { name: "connections" });
 * {
 *   using _permit = await connections.acquire();
 *   console.log(connections.statistics().inUse); // => 1
 * }
 * console.log(connections.statistics().inUse); // => 0
 * ```
 */
export class Semaphore implements Limiter {
  readonly #waiting = new LinkedList<SemaphoreWaiter>();
  readonly #name: string;
  readonly #initialLimit: number;
  readonly #maxWeight: number | undefined;
  readonly #wrap: SemaphoreOptions["wrap"];
  #limit: number;
  #inUse = 0;

  /** @param limit - how many may be in, 0 or more; `Infinity` for no limit */
  constructor(limit: number, options: SemaphoreOptions = {}) {
    expectInteger("limit", limit, 0);
    this.#limit = limit;
    this.#initialLimit = limit;
    const { kind = "Semaphore", maxWeight, name, wrap } = options;
    this.#maxWeight = maxWeight;
    this.#wrap = wrap;
    this.#name = name === undefined ? kind : `${kind} "${name}"`;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * Raising it lets waiters in at once; lowering it takes effect as permits come back. A waiter that has become heavier
   * than the limit goes alone, when nothing else is in use. At 0 nobody is let in.
   */
  set limit(limit: number) {
    expectInteger("limit", limit, 0);
    this.#limit = limit;
    this.#letIn();
  }

  acquire(n = 1): Promise<Permit> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (n !== 1) {
      try {
        this.#checkWeight(n);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#waiting.head === null && this.#fits(n)) {
      return grant(scope, this.#give(n));
    }
    const waiter = new SemaphoreWaiter(scope, this, n);
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  tryAcquire(n = 1): Permit | undefined {
    this.#checkWeight(n);
    if (this.#waiting.head !== null || !this.#fits(n)) return undefined;
    return this.#give(n);
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  /** Whether nothing is in use, nobody waits, and the limit is the one it was made with. */
  get isIdle(): boolean {
    return this.#inUse === 0 && this.#waiting.size === 0 && this.#limit === this.#initialLimit;
  }

  /** @internal */
  get label(): string {
    return this.#name;
  }

  /** What the semaphore is doing right now. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({ limit: this.#limit, inUse: this.#inUse, waiting: this.#waiting.size });
  }

  /** @internal */
  giveBack(n: number): void {
    this.#inUse -= n;
    this.#letIn();
  }

  /** @internal A waiter was cancelled: the ones behind it may now fit. */
  withdraw(waiter: SemaphoreWaiter): void {
    const wasFirst = this.#waiting.head === waiter;
    this.#waiting.remove(waiter);
    if (wasFirst) this.#letIn();
  }

  /** @internal */
  describeWait(waiter: SemaphoreWaiter): string {
    const place = [...this.#waiting].indexOf(waiter) + 1;
    return `${this.#name}, place ${place} of ${this.#waiting.size}`;
  }

  #letIn(): void {
    for (let first = this.#waiting.head; first !== null && this.#fits(first.n);) {
      // It withdraws within this turn, and calls here again.
      if (first.isLeaving) return;
      this.#waiting.remove(first);
      first.resolve(this.#give(first.n));
      first = this.#waiting.head;
    }
  }

  #give(n: number): Permit {
    this.#inUse += n;
    const permit = new SemaphorePermit(this, n);
    return this.#wrap === undefined ? permit : this.#wrap(permit, this.#inUse);
  }

  #fits(n: number): boolean {
    return this.#inUse + n <= this.#limit || (this.#inUse === 0 && this.#limit > 0);
  }

  #checkWeight(n: number): void {
    expectInteger("n", n, 1);
    if (n === Infinity) throw new RangeError("Expected `n` to be finite, got `Infinity`");
    const max = this.#maxWeight ?? this.#limit;
    if (n > max && max > 0) {
      throw new RangeError(`Expected \`n\` to be at most the limit of ${max}, got \`${n}\`: it would wait for ever`);
    }
  }
}

class SemaphoreWaiter extends QueuedWaiter<Permit> {
  readonly n: number;
  readonly #semaphore: Semaphore;

  constructor(scope: ScopeNode, semaphore: Semaphore, n: number) {
    super(scope);
    this.#semaphore = semaphore;
    this.n = n;
  }

  protected override leave(): void {
    this.#semaphore.withdraw(this);
  }

  describe(): string {
    return this.#semaphore.describeWait(this);
  }
}

class SemaphorePermit implements Permit {
  readonly #n: number;
  #semaphore: Semaphore | undefined;

  constructor(semaphore: Semaphore, n: number) {
    this.#semaphore = semaphore;
    this.#n = n;
  }

  release(): void {
    if (this.#semaphore === undefined) throw new Error("This permit was released before");
    const semaphore = this.#semaphore;
    this.#semaphore = undefined;
    semaphore.giveBack(this.#n);
  }

  report(): void {}

  [Symbol.dispose](): void {
    if (this.#semaphore !== undefined) this.release();
  }
}
