import {
  type CancelReason,
  Crew,
  Deque,
  DrivenStream,
  Failures,
  type Limiter,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  TaskCancelledError,
  type TaskOwner,
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

class MapStream<T, R> extends DrivenStream<R> implements TaskOwner {
  readonly #source: Source<T>;
  readonly #fn: MapFunction<T, R>;
  readonly #options: MapStreamOptions;
  readonly #slots = new Deque<Slot<R>>();
  readonly #rooms = new LinkedList<RoomWaiter>();
  readonly #failures = new Failures();
  /** Items in work, and results not yet read. */
  #taken = 0;
  /** Why results are missing, if that is because of a cancellation. */
  #cut: CancelReason | undefined;

  constructor(source: Source<T>, fn: MapFunction<T, R>, options: MapStreamOptions) {
    super("mapStream");
    this.#source = source;
    this.#fn = fn;
    this.#options = options;
  }

  taskFailed(_name: string, error: unknown): void {
    this.#failed(error);
  }

  taskCancelled(): void {
    this.#cut = this.driver!.cancelled;
  }

  /** The one task that reads the source and starts the calls, which are tasks in it. */
  protected override async drive(scope: ScopeNode): Promise<void> {
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
    this.deliver();
  }

  #room(scope: ScopeNode): Promise<void> {
    const waiter = new RoomWaiter(scope);
    this.#rooms.push(waiter);
    return waiter.promise;
  }

  protected override get hasReady(): boolean {
    return this.#slots.size > 0 && this.#slots.first!.isReady;
  }

  protected override take(): R {
    const { value } = this.#slots.shift();
    this.#taken--;
    this.#rooms.shift()?.resolve();
    return value as R;
  }

  #failed(error: unknown, scope: ScopeNode = this.driver!): void {
    const cancellation = scope.cancellationBehind(error);
    if (cancellation !== undefined) {
      this.#cut = cancellation.reason;
      return;
    }
    this.#failures.add(error);
    scope.cancel({ kind: "sibling-failed", task: "a call of mapStream", error });
  }

  protected override last(): void {
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
  }

  /** Somebody has been told how it ended, or has left. */
  #forgive(): void {
    this.#cut = undefined;
    this.#failures.clear();
  }

  protected override async forget(): Promise<void> {
    this.#forgive();
    while (this.#slots.size > 0) await disposeDiscarded(this.#slots.shift().value);
  }
}

class RoomWaiter extends QueuedWaiter<void> {
  describe(): string {
    return "a reader of mapStream";
  }
}
