import { arrive, openScope } from "./current.ts";
import { TaskCancelledError } from "./errors.ts";
import { Failures } from "./failures.ts";
import { grant } from "./grant.ts";
import { LinkedList } from "./linked-list.ts";
import { QueuedWaiter, takeFirst } from "./queued-waiter.ts";
import type { CancelReason } from "./reason.ts";
import { type ScopeNode, stopError } from "./scope.ts";
import { TaskNode } from "./task.ts";
import { Waiter } from "./waiter.ts";

/** Settings of a {@link DrivenStream}. */
interface DrivenStreamOptions {
  /**
   * Whether what is ready can still be read after a `next()` was cancelled, until the scope of the stream ends: for items
   * that come from elsewhere and would be lost. Otherwise it is discarded then, as it is when the reader leaves.
   * @default false
   */
  readonly keepsUnread?: boolean;
}

/**
 * An async iterator whose values come from a task of its own, the driver.
 *
 *     idle ── first next() ──> driven ── drive() is over ──> through ── all is read and told ──> ended
 *       │                        │                              │                                 ↑
 *       │                        └──────── the reader left, or the scope of the stream ended ─────┤
 *       └──────── return() ───────────────────────────────────────────────────────────────────────┘
 *
 * The driver is a daemon of the scope of the first `next()`. When the reader leaves, or its `next()` fails, the driver is
 * stopped and waited for before the reader goes on. Errors are told to whoever reads or leaves next, once: V8 calls the
 * `return()` of an iterator again and again while that rejects (Array.fromAsync, Node 24 and 26). If nobody comes before
 * the scope ends, they fail its group.
 */
export abstract class DrivenStream<R> implements AsyncGenerator<R, void, void> {
  readonly #name: string;
  readonly #keepsUnread: boolean;
  readonly #readers = new LinkedList<ReadWaiter<R>>();
  readonly #failures = new Failures();
  readonly #through = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: "idle" | "driven" | "through" | "ended" = "idle";
  #driver: Driver | undefined;
  /** What the driver waits in until all is read and told. */
  #unread: UnreadWaiter | undefined;
  /** Why values are missing, if that is because of a cancellation. */
  #cut: CancelReason | undefined;
  /** Whether nobody will come for what is left. */
  #isLeft = false;

  /** @param name - what it is called in the tree and in messages */
  constructor(name: string, options: DrivenStreamOptions = {}) {
    this.#name = name;
    this.#keepsUnread = options.keepsUnread ?? false;
  }

  /** The driver's body. What it throws is the stream's failure, or says that values are missing. */
  protected abstract drive(scope: ScopeNode): Promise<void>;
  /** Whether a value can be taken. */
  protected abstract get hasReady(): boolean;
  /** Takes the next value. Only called while there is one. */
  protected abstract take(): R;
  /** Lets go of values that nobody will read. Nothing to do unless there may be some that want to be disposed. */
  protected async discard(): Promise<void> {}

  /** Makes {@link drive} come to its end soon, because nobody needs it any more. */
  protected stop(reason: CancelReason): void {
    this.#driver?.cancel(reason);
  }

  /**
   * Something failed in `scope`: an error to be told, or the trace of a cancellation, for which values are missing.
   *
   * @returns whether it is an error
   */
  protected failed(error: unknown, scope: ScopeNode): boolean {
    const cancellation = scope.cancellationBehind(error);
    if (cancellation === undefined) this.#failures.add(error);
    else this.cutBy(cancellation.reason);
    return cancellation === undefined;
  }

  /** Values are missing because of a cancellation. */
  protected cutBy(reason: CancelReason): void {
    this.#cut ??= reason;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<R, void>> {
    const scope = arrive();
    try {
      if (scope.stop !== undefined) throw stopError(scope);
      if (this.#state === "idle") this.#open(scope);
      if (this.#readers.head === null && this.hasReady) {
        const result = this.#takeReady();
        return scope.tree.conductor === undefined ? result : await grant(scope, result);
      }
      if (this.#state === "driven") return await this.#wait(scope);
    } catch (error) {
      throw await this.#leave(scope, !this.#keepsUnread, error);
    }
    // With an error to tell, the driver waits for somebody who comes for it.
    this.#unread?.resolve();
    await this.#until(this.#ended, scope);
    return this.#lastResult();
  }

  async return(): Promise<IteratorResult<R, void>> {
    const error = await this.#leave(arrive(), true, nothing);
    if (error !== nothing) throw error;
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Hands `value` to a reader that waits, and says whether there was one. */
  protected handOver(value: R): boolean {
    const reader = takeFirst(this.#readers);
    reader?.resolve({ done: false, value });
    return reader !== undefined;
  }

  /** Gives what is ready to those who wait. */
  protected deliver(): void {
    while (this.hasReady) {
      const reader = takeFirst(this.#readers);
      if (reader === undefined) return;
      reader.resolve({ done: false, value: this.take() });
    }
  }

  #open(scope: ScopeNode): void {
    this.#state = "driven";
    this.#driver = new Driver(scope, this.#name, { dismissed: () => this.#dismiss(), ended: () => this.#end() });
    this.#driver.start(() => this.#run(this.#driver!));
  }

  /** The driver's life: what it throws fails the group that it is in. */
  async #run(driver: Driver): Promise<void> {
    try {
      await this.drive(driver);
    } catch (error) {
      this.failed(error, driver);
    }
    this.#state = "through";
    this.#through.resolve();
    if (!this.#isLeft && this.#isUntold) await this.#untilTold();
    if (this.#isLeft) await this.discard();
    if (driver.isDismissed && this.#isUntold) this.#failAround(driver);
  }

  /** Whether there is something to be read, or an error to be told, for which nobody waits. */
  get #isUntold(): boolean {
    return this.#readers.head === null && (this.hasReady || this.#failures.count > 0);
  }

  /** Waits shielded: a reader who is cancelled comes all the same, or the scope ends and dismisses the driver. */
  async #untilTold(): Promise<void> {
    const around = openScope("unread", true);
    try {
      this.#unread = new UnreadWaiter(around, this.#name);
      await this.#unread.promise;
    } finally {
      around.close();
    }
  }

  /** The scope of the stream ends, and nobody has come for its errors. */
  #failAround(driver: Driver): void {
    const cause = this.#failures.first();
    this.#failures.clear();
    if (driver.parent!.crew!.owner !== undefined) throw cause;
    process.emitWarning(new Error(`${this.#name} had failed when its scope ended, and nobody was told`, { cause }));
  }

  /** All other tasks of its scope have ended. */
  #dismiss(): void {
    if (this.#isLeft) return;
    const reason: CancelReason = { kind: "unneeded", why: `the scope of ${this.#name} has ended` };
    if (this.hasReady) this.cutBy(reason);
    this.#stopFor(reason, true);
  }

  #stopFor(reason: CancelReason, isLeft: boolean): void {
    this.#isLeft ||= isLeft;
    if (this.#state === "driven") {
      this.cutBy(reason);
      this.stop(reason);
    }
    if (isLeft) this.#unread?.resolve();
  }

  /** The driver is gone. */
  #end(): void {
    this.#state = "ended";
    this.#through.resolve();
    this.#ended.resolve();
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers)) {
      try {
        reader.resolve(this.#lastResult());
      } catch (error) {
        reader.reject(error);
      }
    }
  }

  #wait(scope: ScopeNode): Promise<IteratorResult<R, void>> {
    const reader = new ReadWaiter<R>(scope, this.#name);
    this.#readers.push(reader);
    return reader.promise;
  }

  #takeReady(): IteratorResult<R, void> {
    const value = this.take();
    if (this.#unread !== undefined && !this.#isUntold) this.#unread.resolve();
    return { done: false, value };
  }

  /** What an ended stream says: its error, then why values are missing, each once. */
  #lastResult(): IteratorResult<R, void> {
    const failure = this.#takeFailure(nothing);
    if (failure !== nothing) throw failure;
    if (this.#cut !== undefined) {
      const reason = this.#cut;
      this.#cut = undefined;
      throw new TaskCancelledError(this.#name, reason);
    }
    return { done: true, value: undefined };
  }

  /** The stream's error, which counts as told, or `otherwise`. */
  #takeFailure(otherwise: unknown): unknown {
    if (this.#failures.count === 0) return otherwise;
    const error = this.#failures.first();
    this.#failures.clear();
    this.#cut = undefined;
    return error;
  }

  /**
   * A reader leaves. Waits until nothing works for it any more.
   *
   * @param isForGood - nobody will come for what is left
   * @param error - why it leaves
   * @returns what it is to be told: the stream's error, or its own
   */
  async #leave(scope: ScopeNode, isForGood: boolean, error: unknown): Promise<unknown> {
    if (this.#state === "idle") this.#end();
    if (this.#state !== "ended")
      this.#stopFor({ kind: "unneeded", why: `the reader of ${this.#name} left` }, isForGood);
    await this.#until(isForGood ? this.#ended : this.#through, scope);
    const told = this.#takeFailure(error);
    this.#cut = undefined;
    if (!this.#isUntold) {
      this.#unread?.resolve();
      await this.#until(this.#ended, scope);
    }
    return told;
  }

  /** Waits for the driver, which ends by itself. */
  async #until({ promise }: PromiseWithResolvers<void>, scope: ScopeNode): Promise<void> {
    if (this.#state === "ended") return;
    scope.flows--;
    await promise;
    scope.flows++;
  }
}

/** In place of an error, which may be anything. */
const nothing: unique symbol = Symbol("no error");

/** The task of a stream. It hears when nobody needs it any more, and stops its own way: cancelled, it could not clean up. */
class Driver extends TaskNode<void> {
  readonly #stream: { dismissed(): void; ended(): void };
  isDismissed = false;

  constructor(parent: ScopeNode, name: string, stream: { dismissed(): void; ended(): void }) {
    super(parent, name, true);
    this.#stream = stream;
  }

  override dismiss(): void {
    this.isDismissed = true;
    this.#stream.dismissed();
  }

  override close(): void {
    super.close();
    this.#stream.ended();
  }
}

class ReadWaiter<R> extends QueuedWaiter<IteratorResult<R, void>> {
  readonly #stream: string;

  constructor(scope: ScopeNode, stream: string) {
    super(scope);
    this.#stream = stream;
  }

  describe(): string {
    return `the next result of ${this.#stream}`;
  }
}

class UnreadWaiter extends Waiter<void> {
  readonly #stream: string;

  constructor(scope: ScopeNode, stream: string) {
    super(scope);
    this.#stream = stream;
  }

  protected override leave(): void {}

  describe(): string {
    return `a reader of ${this.#stream}`;
  }
}
