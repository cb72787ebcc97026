import { Deque } from "../../core/index.ts";
import type { OutputEvents } from "./result-output.ts";

/** How much is written at once, if it is there. */
export interface ParcelSize {
  readonly bytes: number;
  readonly entries: number;
}

const fullBytes = 16 * 1024 * 1024;
const readyBytes = 4 * 1024 * 1024;

/**
 * Has written what is handed over, in that order, by whoever extends it.
 *
 * While some is written, others gather, and are written together: so a message, a transaction, and whatever else costs the
 * same for one and for many, is paid for rarely when there is much to do, and nothing waits when there is little.
 */
export abstract class ParcelWriter<E extends { readonly bytes: number }> {
  /** Bytes of what is not written yet. */
  waitingBytes = 0;
  readonly #size: ParcelSize;
  readonly #onWritten: (entries: readonly E[]) => void;
  readonly #gathered = new Deque<E>();
  /** What is being written. */
  #parcel: readonly E[] = [];
  #events: OutputEvents | undefined;
  #isFull = false;
  #failure: { readonly error: unknown } | undefined;
  #onIdle: (() => void) | undefined;

  /** @param onWritten - they were written, in the order in which they came */
  constructor(size: ParcelSize, onWritten: (entries: readonly E[]) => void) {
    this.#size = size;
    this.#onWritten = onWritten;
  }

  /** Writes all of them. Rejects if it cannot: then nothing more is written. */
  protected abstract write(entries: readonly E[]): Promise<void>;
  /** All is written, and nothing more comes. */
  protected abstract finish(): Promise<void>;
  /** Ends what writes, whether or not all was written. */
  protected abstract dispose(): Promise<void>;
  /** Gives up a write that is under way: it rejects. */
  protected abstract giveUp(): void;

  /** Whether something is being written. */
  get isBusy(): boolean {
    return this.#parcel.length > 0;
  }

  /** To be called before anything is handed over. */
  start(events: OutputEvents): void {
    this.#events = events;
  }

  take(entry: E): void {
    if (this.#failure !== undefined) return;
    this.#gathered.push(entry);
    this.waitingBytes += entry.bytes;
    if (!this.isBusy) this.#send();
    this.#tellFullness();
  }

  /** Waits until all is written, and ends what writes. Rejects if anything could not be written. */
  async end(): Promise<void> {
    while (this.isBusy) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    try {
      if (this.#failure === undefined) await this.finish();
    } catch (error) {
      this.fail(error);
    } finally {
      await this.dispose();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Gives up what is not written yet. */
  abandon(): void {
    if (this.isBusy) this.giveUp();
  }

  /** Says something about the writing that users should know. */
  protected tell(message: string): void {
    this.#events?.onTrouble?.(message);
  }

  /** Nothing more can be written. */
  protected fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#parcel = [];
    this.#gathered.takeAll();
    this.#events?.onError(error);
    this.#onIdle?.();
  }

  #send(): void {
    const entries: E[] = [];
    let bytes = 0;
    while (this.#gathered.size > 0 && entries.length < this.#size.entries && bytes < this.#size.bytes) {
      const entry = this.#gathered.shift();
      entries.push(entry);
      bytes += entry.bytes;
    }
    this.#parcel = entries;
    if (entries.length === 0) return this.#onIdle?.();
    this.write(entries).then(
      () => this.#written(entries),
      (error: unknown) => this.fail(error),
    );
  }

  #written(entries: readonly E[]): void {
    if (this.#failure !== undefined) return;
    for (const { bytes } of entries) this.waitingBytes -= bytes;
    this.#onWritten(entries);
    this.#send();
    this.#tellFullness();
  }

  #tellFullness(): void {
    const isFull = this.waitingBytes >= (this.#isFull ? readyBytes : fullBytes);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#events?.onFull();
    else this.#events?.onReady();
  }
}
