import {
  type CancelReason,
  Crew,
  Deque,
  Failures,
  type Limiter,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  TaskCancelledError,
  type TaskNode,
  type TaskOwner,
  arrive,
  expectInteger,
  spawn,
  stopError,
} from "../core/index.ts";
import { disposeDiscarded } from "./dispose.ts";
import type { MapFunction } from "./map.ts";
import { failureOf } from "./outcome.ts";
import { Reader, type Source } from "./source.ts";

/** Settings of {@link mapStream}. */
export interface MapStreamOptions {
  /** How many items are in work, or done and not yet read, at once; 1 or more. */
  readonly concurrency: number;
  /** Each call holds a permit of this limiter, besides. */
  readonly limiter?: Limiter;
  /** Results in the order of the items; `false`: as they come. @default true */
  readonly ordered?: boolean;
}

/** The results of {@link mapStream}. To be read once. */
export type ResultStream<R> = AsyncGenerator<R, void, void>;

/**
 * Calls `fn` for each item, several at once, and yields the results. In constant memory for any number of items: the
 * source is never read ahead, and results wait to be read in the room of `concurrency`.
 *
 * It belongs to the scope in which its first result is asked for. Leaving the loop, or the end of that scope, cancels
 * the calls that run and waits for them. When a call fails, the others are cancelled; results that were ready are
 * yielded before the error is thrown.
 *
 * Cancel: cancels the calls that run, and waits for them before the cancellation goes on.
 *
 * @param items - any sync or async iterable
 *
 * @example
 * ```ts
 * import { mapStream, sleep } from "taskwright";
 *
 * for await (const square of mapStream([1, 2, 3], async (n) => (await sleep(1), n * n), { concurrency: 2 })) {
 *   console.log(square); // => 1
 *   break;
 * }
 * ```
 */
export function mapStream<T, R>(
  items: Source<T>,
  fn: MapFunction<T, R>,
  options: MapStreamOptions,
): ResultStream<Awaited<R>> {
  expectInteger("concurrency", options.concurrency, 1);
  return new MapStream(items, fn as MapFunction<T, Awaited<R>>, options);
}

/** A result on its way. In an ordered stream it takes its place when its call starts. */
interface Slot<R> {
  isReady: boolean;
  value: R | undefined;
}

/**
 *     idle ── first next() ──> reading ── source at its end, failure, cancellation ──> ended
 *       └───────────── return() ─────────────────────────────────────────────────────────┘
 */
class MapStream<T, R> implements ResultStream<R>, TaskOwner {
  readonly #source: Source<T>;
  readonly #fn: MapFunction<T, R>;
  readonly #options: MapStreamOptions;
  readonly #slots = new Deque<Slot<R>>();
  readonly #readers = new LinkedList<ResultWaiter<R>>();
  readonly #rooms = new LinkedList<RoomWaiter>();
  readonly #failures = new Failures();
  #driver: TaskNode<void> | undefined;
  #ended: PromiseWithResolvers<void> = Promise.withResolvers();
  #isEnded = false;
  /** Items in work, and results not yet read. */
  #taken = 0;
  /** Why results are missing, if that is because of a cancellation. */
  #cut: CancelReason | undefined;

  constructor(source: Source<T>, fn: MapFunction<T, R>, options: MapStreamOptions) {
    this.#source = source;
    this.#fn = fn;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<R, void>> {
    const scope = arrive();
    try {
      if (scope.stop !== undefined) throw stopError(scope);
      if (this.#driver === undefined && !this.#isEnded) this.#open(scope);
      if (this.#readers.head === null && this.#hasReady) return { done: false, value: this.#shift() };
      if (this.#isEnded) return this.#last();
      const reader = new ResultWaiter<R>(scope);
      this.#readers.push(reader);
      return await reader.promise;
    } catch (error) {
      await this.#tearDown(scope);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<R, void>> {
    await this.#tearDown(arrive());
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.#tearDown(arrive());
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  taskFailed(_name: string, error: unknown): void {
    this.#failed(error);
  }

  taskCancelled(): void {
    this.#cut = this.#driver!.cancelled;
  }

  #open(scope: ScopeNode): void {
    this.#driver = spawn(scope, (own) => this.#drive(own as ScopeNode), { name: "mapStream", daemon: true });
  }

  /** The one task that reads the source and starts the calls, which are tasks in it. */
  async #drive(scope: ScopeNode): Promise<void> {
    scope.crew = new Crew(scope, this);
    let reader: Reader<T> | undefined;
    try {
      reader = new Reader(this.#source);
      await this.#feed(scope, reader);
    } catch (error) {
      this.#failed(error, scope);
    }
    while (scope.hasTasks) await scope.crew.drain();
    try {
      await reader?.close();
    } catch (error) {
      this.#failed(error, scope);
    }
    this.#end();
  }

  async #feed(scope: ScopeNode, reader: Reader<T>): Promise<void> {
    for (;;) {
      if (this.#taken >= this.#options.concurrency) await this.#room(scope);
      if (scope.stop !== undefined) throw stopError(scope);
      const step = await reader.next();
      if (step === undefined) return;
      this.#taken++;
      const slot: Slot<R> = { isReady: false, value: undefined };
      if (this.#options.ordered !== false) this.#slots.push(slot);
      spawn(scope, (own) => this.#call(step.item, step.index, slot, own as ScopeNode), { name: `call ${step.index}` });
    }
  }

  async #call(item: T, index: number, slot: Slot<R>, scope: ScopeNode): Promise<void> {
    const { limiter, ordered } = this.#options;
    const fn = this.#fn;
    try {
      slot.value =
        limiter === undefined ? await fn(item, index, scope) : await limiter.run(() => fn(item, index, scope));
    } catch (error) {
      throw failureOf(scope, error);
    }
    slot.isReady = true;
    if (ordered === false) this.#slots.push(slot);
    this.#deliver();
  }

  #room(scope: ScopeNode): Promise<void> {
    const waiter = new RoomWaiter(scope);
    this.#rooms.push(waiter);
    return waiter.promise;
  }

  get #hasReady(): boolean {
    return this.#slots.size > 0 && this.#slots.first!.isReady;
  }

  #shift(): R {
    const { value } = this.#slots.shift();
    this.#taken--;
    this.#rooms.shift()?.resolve();
    return value as R;
  }

  #deliver(): void {
    while (this.#hasReady) {
      const reader = this.#readers.shift();
      if (reader === undefined) return;
      reader.resolve({ done: false, value: this.#shift() });
    }
  }

  #failed(error: unknown, scope: ScopeNode = this.#driver!): void {
    const cancellation = scope.cancellationBehind(error);
    if (cancellation !== undefined) {
      this.#cut = cancellation.reason;
      return;
    }
    this.#failures.add(error);
    scope.cancel({ kind: "sibling-failed", task: "a call of mapStream", error });
  }

  #end(): void {
    this.#isEnded = true;
    this.#ended.resolve();
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      try {
        reader.resolve(this.#last());
      } catch (error) {
        reader.reject(error);
      }
    }
  }

  /** What an ended stream says: its error, once, and then that it is done. */
  #last(): IteratorResult<R, void> {
    if (this.#failures.count > 0) {
      const error = this.#failures.first();
      this.#forgive();
      throw error;
    }
    if (this.#cut !== undefined) {
      const reason = this.#cut;
      this.#forgive();
      throw new TaskCancelledError("mapStream", reason);
    }
    return { done: true, value: undefined };
  }

  /** Somebody has been told how it ended, or has left. */
  #forgive(): void {
    this.#cut = undefined;
    this.#failures.clear();
  }

  /** Cancels what runs, waits for it, and lets unread results go. Nothing is thrown afterwards. */
  async #tearDown(scope: ScopeNode): Promise<void> {
    if (this.#driver === undefined) this.#end();
    else this.#driver.cancel({ kind: "unneeded", why: "the reader of the stream left" });
    if (!this.#isEnded) {
      scope.flows--;
      await this.#ended.promise;
      scope.flows++;
    }
    this.#forgive();
    while (this.#slots.size > 0) await disposeDiscarded(this.#slots.shift().value);
  }
}

class ResultWaiter<R> extends QueuedWaiter<IteratorResult<R, void>> {
  describe(): string {
    return "the next result of mapStream";
  }
}

class RoomWaiter extends QueuedWaiter<void> {
  describe(): string {
    return "a reader of mapStream";
  }
}
