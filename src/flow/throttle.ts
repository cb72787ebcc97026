import {
  type CancelReason,
  DrivenStream,
  type Limiter,
  type ScopeNode,
  enter,
  expectMs,
  now,
  openScope,
  sleep,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { DrivenSource } from "./internal/driven-source.ts";
import { Room } from "./internal/room.ts";
import type { Source } from "./source.ts";

/** How fast {@link throttle} lets items through: by time, or as a limiter lets it. */
export type ThrottleOptions =
  | {
      /** The least time between two items, in milliseconds, 0 or more. */
      readonly everyMs: number;
    }
  | {
      /** Gives a permit for each item, which is released at once. A limiter of rates is meant. */
      readonly limiter: Limiter;
    };

/** The items of {@link throttle}. To be read once. */
export type ThrottledStream<T> = AsyncGenerator<T, void, void>;

/**
 * Yields the items of a source, but no faster than the options allow. None is dropped: the source waits.
 *
 * The source is read one item ahead. Time counts from when an item is taken, so a slow reader is not given several at
 * once afterwards. The stream belongs to the scope in which its first item is asked for. Leaving the loop closes the
 * source, and disposes of an item that was read and not yet given, if it is disposable.
 *
 * Cancel: closes the source before the cancellation goes on. Nothing is lost: an item that was read can still be asked
 * for, in a `shield`.
 *
 * @param items - any sync or async iterable
 *
 * @example
 * ```ts
 * import { now, throttle } from "taskwright";
 *
 * const startedMs = now();
 * for await (const _ of throttle(["a", "b", "c"], { everyMs: 20 })) continue;
 * console.log(now() - startedMs >= 40); // => true
 * ```
 */
export function throttle<T>(items: Source<T>, options: ThrottleOptions): ThrottledStream<T> {
  if (!("limiter" in options)) expectMs("everyMs", options.everyMs, 0);
  return new Throttled(items, options);
}

class Throttled<T> extends DrivenStream<T> {
  readonly #items: Source<T>;
  readonly #options: ThrottleOptions;
  readonly #room = new Room("a reader of throttle");
  /** The item that was read, if it has not been taken. */
  #held: { readonly item: T } | undefined;
  /** Whether it may be taken. */
  #isDue = false;
  /** When the next may, by `everyMs`. */
  #nextAtMs = -Infinity;
  #source: DrivenSource<T> | undefined;
  /** Where an item waits for its time: cancelled when nobody waits for it any more. */
  #pace: ScopeNode | undefined;

  constructor(items: Source<T>, options: ThrottleOptions) {
    super("throttle", { keepsUnread: true });
    this.#items = items;
    this.#options = options;
  }

  protected override async drive(driver: ScopeNode): Promise<void> {
    const source = new DrivenSource(this.#items);
    const pace = openScope("pace");
    this.#source = source;
    this.#pace = pace;
    try {
      await source.read((item) => this.#pass(item, driver));
    } catch (error) {
      if (pace.own === undefined || pace.cancellationBehind(error) !== pace.own) this.failed(error, driver);
    }
    // What was read before an error, or before the reader was cancelled.
    this.#isDue = true;
    this.deliver();
    pace.close();
    await source.close();
  }

  protected override stop(reason: CancelReason): void {
    this.#source?.stop(reason);
    this.#pace?.cancel(reason);
    this.#room.close();
  }

  async #pass(item: T, driver: ScopeNode): Promise<void> {
    this.#held = { item };
    await enter(this.#pace!, () => this.#untilDue(), undefined, undefined);
    this.#isDue = true;
    this.deliver();
    if (this.#held !== undefined) await this.#room.wait(driver);
  }

  async #untilDue(): Promise<void> {
    if ("limiter" in this.#options) (await this.#options.limiter.acquire()).release();
    else if (this.#nextAtMs > now()) await sleep(this.#nextAtMs - now());
  }

  protected override get hasReady(): boolean {
    return this.#isDue && this.#held !== undefined;
  }

  protected override take(): T {
    const { item } = this.#held!;
    this.#held = undefined;
    this.#isDue = false;
    if ("everyMs" in this.#options) this.#nextAtMs = now() + this.#options.everyMs;
    this.#room.open();
    return item;
  }

  protected override async discard(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) await disposeDiscarded(held.item);
  }
}
