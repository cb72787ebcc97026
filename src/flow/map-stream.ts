import {
  type CancelReason,
  Crew,
  Deque,
  DrivenStream,
  type Limiter,
  type ScopeNode,
  type TaskOwner,
  expectInteger,
  openScope,
  spawn,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { DrivenSource } from "./internal/driven-source.ts";
import type { MapFunction } from "./map.ts";
import { failureOf } from "./outcome.ts";
import { Room } from "./internal/room.ts";
import type { Source } from "./source.ts";

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
  readonly #items: Source<T>;
  readonly #fn: MapFunction<T, R>;
  readonly #options: MapStreamOptions;
  readonly #slots = new Deque<Slot<R>>();
  readonly #room = new Room("a reader of mapStream");
  #source: DrivenSource<T> | undefined;
  /** The scope of the calls. */
  #calls: ScopeNode | undefined;
  /** Items in work, and results not yet read. */
  #taken = 0;

  constructor(items: Source<T>, fn: MapFunction<T, R>, options: MapStreamOptions) {
    super("mapStream");
    this.#items = items;
    this.#fn = fn;
    this.#options = options;
  }

  taskFailed(_name: string, error: unknown): void {
    this.#fail(error);
  }

  taskCancelled(): void {
    this.cutBy(this.#calls!.cancelled!);
  }

  /** The one task that reads the source and starts the calls. */
  protected override async drive(driver: ScopeNode): Promise<void> {
    const calls = openScope("calls");
    calls.crew = new Crew(calls, this);
    this.#calls = calls;
    try {
      this.#source = new DrivenSource(this.#items);
      await this.#source.read((item, index) => this.#begin(item, index, driver));
    } catch (error) {
      this.#fail(error);
    }
    while (calls.hasTasks) await calls.crew.drain();
    calls.close();
    await this.#discardUnreachable();
    await this.#source?.close();
  }

  protected override stop(reason: CancelReason): void {
    this.#source?.stop(reason);
    this.#calls?.cancel(reason);
    this.#room.close();
  }

  #begin(item: T, index: number, driver: ScopeNode): Promise<void> | undefined {
    this.#taken++;
    const slot: Slot<R> = { isReady: false, value: undefined };
    if (this.#options.ordered !== false) this.#slots.push(slot);
    spawn(this.#calls!, (scope) => this.#call(item, index, slot, scope as ScopeNode), { name: `call ${index}` });
    return this.#taken < this.#options.concurrency ? undefined : this.#room.wait(driver);
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

  /** The first failure stops what still runs. */
  #fail(error: unknown): void {
    if (this.failed(error, this.#calls!)) this.stop({ kind: "sibling-failed", task: "a call of mapStream", error });
  }

  protected override get hasReady(): boolean {
    return this.#slots.size > 0 && this.#slots.first!.isReady;
  }

  protected override take(): R {
    const { value } = this.#slots.shift();
    this.#taken--;
    this.#room.open();
    return value as R;
  }

  /** When all calls have ended: what stands behind one that has failed will never be read. */
  async #discardUnreachable(): Promise<void> {
    const slots = this.#slots.takeAll();
    const end = slots.findIndex((slot) => !slot.isReady);
    const reachable = end === -1 ? slots : slots.slice(0, end);
    for (const slot of reachable) this.#slots.push(slot);
    for (const slot of slots.slice(reachable.length)) await disposeDiscarded(slot.value);
  }

  protected override async discard(): Promise<void> {
    while (this.#slots.size > 0) await disposeDiscarded(this.#slots.shift().value);
  }
}
