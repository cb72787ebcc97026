import { Worker } from "node:worker_threads";
import { Deque, siblingModule } from "../../core/index.ts";
import type { OutputEvents } from "./result-output.ts";
import type { WriterReply } from "./writer-thread-side.ts";

export interface WriterThreadOptions<E> {
  /** What the thread runs: the name of a file beside this one. */
  readonly module: "body-writer" | "row-writer";
  /** For the module, as its `workerData`. */
  readonly data: unknown;
  /** Makes one message of what is to be written, and says which memory goes over with it. May throw: that is a failure. */
  readonly pack: (entries: readonly E[]) => { readonly parcel: unknown; readonly transfer?: readonly ArrayBuffer[] };
  /** They were written, in the order in which they came. */
  readonly onWritten: (entries: readonly E[]) => void;
}

/** So much goes to the thread at once. */
const parcelBytes = 1024 * 1024;
const parcelEntries = 256;
const fullBytes = 16 * 1024 * 1024;
const readyBytes = 4 * 1024 * 1024;

/**
 * A thread that writes what is handed over, in that order.
 *
 * While it writes some, others gather, and go to it together: so a message, and whatever else costs the same for one and
 * for many, is paid for rarely when there is much to do, and nothing waits when there is little.
 */
export class WriterThread<E extends { readonly bytes: number }> {
  /** Bytes of what is not written yet. */
  waitingBytes = 0;
  readonly #options: WriterThreadOptions<E>;
  readonly #worker: Worker;
  readonly #gathered = new Deque<E>();
  /** What the thread is at. */
  #parcel: readonly E[] = [];
  #events: OutputEvents | undefined;
  #isFull = false;
  #failure: { readonly error: unknown } | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: WriterThreadOptions<E>) {
    this.#options = options;
    const module = siblingModule(import.meta.url, options.module);
    this.#worker = new Worker(module, { workerData: options.data });
    this.#worker.on("message", (reply: WriterReply) => this.#replied(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that writes has ended")));
  }

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

  /** Waits until all is written, and ends the thread. Rejects if anything could not be written. */
  async end(): Promise<void> {
    while (this.isBusy) await this.#untilIdle();
    if (this.#failure === undefined) {
      this.#worker.postMessage(null);
      await this.#untilIdle();
    }
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Gives up what is not written yet. */
  abandon(): void {
    if (this.isBusy) void this.#worker.terminate();
  }

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  #send(): void {
    const entries: E[] = [];
    let bytes = 0;
    while (this.#gathered.size > 0 && entries.length < parcelEntries && bytes < parcelBytes) {
      const entry = this.#gathered.shift();
      entries.push(entry);
      bytes += entry.bytes;
    }
    this.#parcel = entries;
    if (entries.length === 0) return this.#onIdle?.();
    try {
      const { parcel, transfer = [] } = this.#options.pack(entries);
      this.#worker.postMessage(parcel, transfer);
    } catch (error) {
      this.#fail(error);
    }
  }

  #replied(reply: WriterReply): void {
    if (this.#failure !== undefined) return;
    if (reply !== undefined) return this.#fail(Object.assign(new Error(reply.message), { code: reply.code }));
    const written = this.#parcel;
    for (const { bytes } of written) this.waitingBytes -= bytes;
    this.#options.onWritten(written);
    this.#send();
    this.#tellFullness();
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#parcel = [];
    this.#gathered.takeAll();
    this.#events?.onError(error);
    this.#onIdle?.();
  }

  #tellFullness(): void {
    const isFull = this.waitingBytes >= (this.#isFull ? readyBytes : fullBytes);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#events?.onFull();
    else this.#events?.onReady();
  }
}
