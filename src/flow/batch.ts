import {
  type CancelReason,
  Deque,
  DrivenStream,
  type ScopeNode,
  Timer,
  expectInteger,
  expectMs,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { DrivenSource } from "./internal/driven-source.ts";
import { Room } from "./internal/room.ts";
import type { Source } from "./source.ts";

/** Settings of {@link batch}. */
export interface BatchOptions<T> {
  /** How many items make a batch full; 1 or more. */
  readonly size: number;
  /** A batch goes out so long after its first item came, full or not, in milliseconds, 0 or more. @default Infinity */
  readonly withinMs?: number;
  /**
   * What the items of a batch may weigh together. An item that would be too much begins the next batch; one that is too
   * heavy alone has a batch of its own. Wants `weight`.
   * @default Infinity
   */
  readonly maxWeight?: number;
  /** What an item weighs, 0 or more: its bytes, for one. @default nothing */
  readonly weight?: (item: T) => number;
  /**
   * What becomes of a batch that is not full when the source fails: `"give"` gives it out before the error; `"drop"` drops
   * it, for who would rather have nothing than a part. @default "give"
   */
  readonly afterFailure?: "give" | "drop";
}

/** The batches of {@link batch}: none is empty. To be read once. */
export type BatchStream<T> = AsyncGenerator<T[], void, void>;

/**
 * Groups items. A batch goes out when it is full, or when `withinMs` have passed since its first item came; at the end
 * of the source, or before its error, what is left goes out; see `afterFailure`.
 *
 * The source is read in the background, one batch ahead of the reader and no further. The stream belongs to the scope in
 * which its first batch is asked for. Leaving the loop closes the source, and disposes of items that were read and not
 * yet given, if they are disposable.
 *
 * Cancel: closes the source before the cancellation goes on. Nothing is lost: items that were read can still be asked
 * for, in a `shield`.
 *
 * @param items - any sync or async iterable
 *
 * @example
 * ```ts
 * import { batch } from "taskwright";
 *
 * for await (const letters of batch("abcde", { size: 2 })) {
 *   console.log(letters.join("")); // => ab
 *   break;
 * }
 * ```
 */
export function batch<T>(items: Source<T>, options: BatchOptions<T>): BatchStream<T> {
  const { size, withinMs = Infinity, maxWeight = Infinity, afterFailure = "give" } = options;
  expectInteger("size", size, 1);
  expectMs("withinMs", withinMs, 0);
  if (!(maxWeight > 0)) {
    throw new RangeError(`Expected \`maxWeight\` to be more than 0, got \`${maxWeight}\` (${typeof maxWeight})`);
  }
  if (maxWeight !== Infinity && options.weight === undefined) {
    throw new TypeError("Expected `weight` with `maxWeight`, to know what an item weighs");
  }
  if (afterFailure !== "give" && afterFailure !== "drop") {
    throw new TypeError(`Expected \`afterFailure\` to be "give" or "drop", got \`${String(afterFailure)}\``);
  }
  return new Batches(items, options);
}

class Batches<T> extends DrivenStream<T[]> {
  readonly #items: Source<T>;
  readonly #options: BatchOptions<T>;
  readonly #room = new Room("a reader of batch");
  /** Batches that are complete: while there is one, nothing more is read. */
  readonly #ready = new Deque<T[]>();
  /** The batch that is being filled. */
  #filling: T[] = [];
  #weight = 0;
  /** Whether what is being filled may go out as it is. */
  #isDue = false;
  #timer: Timer | undefined;
  #source: DrivenSource<T> | undefined;

  constructor(items: Source<T>, options: BatchOptions<T>) {
    super("batch", { keepsUnread: true });
    this.#items = items;
    this.#options = options;
  }

  protected override async drive(driver: ScopeNode): Promise<void> {
    const source = new DrivenSource(this.#items);
    this.#source = source;
    try {
      await source.read((item) => {
        this.#add(item, driver);
        return this.#ready.size > 0 ? this.#room.wait(driver) : undefined;
      });
    } catch (error) {
      const isFailure = this.failed(error, driver);
      if (isFailure && this.#options.afterFailure === "drop") {
        for (const item of this.#takeFilling()) await disposeDiscarded(item);
      }
    }
    if (this.#filling.length > 0) this.#complete();
    await source.close();
  }

  protected override stop(reason: CancelReason): void {
    this.#source?.stop(reason);
    this.#room.close();
  }

  #add(item: T, driver: ScopeNode): void {
    const { size, maxWeight = Infinity } = this.#options;
    const weight = this.#weigh(item);
    if (this.#filling.length > 0 && this.#weight + weight > maxWeight) this.#complete();
    this.#filling.push(item);
    this.#weight += weight;
    if (this.#filling.length >= size || this.#weight >= maxWeight) this.#complete();
    else if (this.#filling.length === 1) this.#setTimer(driver);
  }

  #weigh(item: T): number {
    const weight = this.#options.weight?.(item) ?? 0;
    if (typeof weight === "number" && weight >= 0) return weight;
    throw new RangeError(`Expected \`weight\` to return 0 or more, got \`${String(weight)}\` (${typeof weight})`);
  }

  #setTimer(driver: ScopeNode): void {
    const { clock } = driver.tree;
    this.#timer = new Timer(() => {
      this.#isDue = true;
      this.deliver();
    });
    clock.schedule(clock.now() + (this.#options.withinMs ?? Infinity), this.#timer);
  }

  #complete(): void {
    this.#ready.push(this.#takeFilling());
    this.deliver();
  }

  #takeFilling(): T[] {
    const items = this.#filling;
    this.#filling = [];
    this.#weight = 0;
    this.#isDue = false;
    this.#timer?.cancel();
    return items;
  }

  protected override get hasReady(): boolean {
    return this.#ready.size > 0 || (this.#isDue && this.#filling.length > 0);
  }

  protected override take(): T[] {
    if (this.#ready.size === 0) return this.#takeFilling();
    const items = this.#ready.shift();
    if (this.#ready.size === 0) this.#room.open();
    return items;
  }

  protected override async discard(): Promise<void> {
    for (const items of this.#ready.takeAll()) for (const item of items) await disposeDiscarded(item);
  }
}
