import { type Clock, realClock, Timer } from "../../core/index.ts";

/** Takes bytes, one write at a time. */
export interface Destination {
  /** Writes all of `bytes`, which are whole lines, or fails. */
  write(bytes: Buffer): Promise<void>;
  /** Gives up a write that is under way, if that is possible: it fails. */
  abandon(): void;
  close(): Promise<void>;
}

export interface LineOutputOptions {
  readonly destination: Destination;
  /** More should not be handed over: much is still to be written. `onReady` comes when it may. */
  readonly onFull: () => void;
  readonly onReady: () => void;
  /** A write has failed. What was handed over and not written is lost; nothing more is written. */
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

/** As much as is written at once, if it is there. */
const chunkBytes = 256 * 1024;
/** As much as is worth writing without waiting for more. */
const enoughBytes = 192 * 1024;
/** How long a line waits for others to be written with. */
const lingerMs = 50;
const fullBytes = 8 * 1024 * 1024;
const readyBytes = 2 * 1024 * 1024;

/**
 * Collects lines of JSON and writes them in large chunks, one after the other, never part of a line.
 *
 * Parts of lines are encoded one by one into the chunk: to join them first and encode the whole takes twice as long.
 *
 *     idle ── a line ──> lingering ── a whole chunk, `lingerMs`, end() ──> writing ── done ──> idle or writing
 *                                                                             └── failed ──> failed: lines are dropped
 */
export class LineOutput {
  /** Bytes written. */
  bytes = 0;
  /** Bytes of whole lines that are not written yet. */
  waitingBytes = 0;
  readonly #options: LineOutputOptions;
  readonly #clock: Clock;
  readonly #linger = new Timer(() => this.#startWriting());
  #state: "idle" | "lingering" | "writing" | "failed" = "idle";
  /** Whole chunks, to be written one after the other. */
  #chunks: Buffer[] = [];
  /** What comes after them, and still grows. */
  #current: Buffer = Buffer.allocUnsafe(chunkBytes);
  #currentBytes = 0;
  /** Where the line begins that is being handed over. */
  #lineStart = 0;
  /** A chunk that was written, for the next time one is needed. */
  #spare: Buffer | undefined = undefined;
  #isFull = false;
  #isEnding = false;
  #failure: unknown;
  #onWritten: (() => void) | undefined;

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
  }

  /** Hands over part of a line. It is not written before the line has ended. */
  append(part: string): void {
    if (this.#state === "failed") return;
    // A UTF-16 unit is 3 bytes at most.
    if (part.length * 3 > this.#current.length - this.#currentBytes) this.#nextChunk(part.length * 3);
    this.#currentBytes += this.#current.write(part, this.#currentBytes);
  }

  /** Ends the line, and with it the object that stands in it. */
  endObject(): void {
    if (this.#state === "failed") return;
    if (this.#currentBytes + 2 > this.#current.length) this.#nextChunk(2);
    this.#current[this.#currentBytes++] = 0x7d;
    this.#current[this.#currentBytes++] = 0x0a;
    this.waitingBytes += this.#currentBytes - this.#lineStart;
    this.#lineStart = this.#currentBytes;
    if (this.#state === "idle") this.#lingerOrWrite();
    else if (this.#state === "lingering" && this.#isEnough) this.#startWriting();
    if (this.waitingBytes >= fullBytes && !this.#isFull) {
      this.#isFull = true;
      this.#options.onFull();
    }
  }

  /** Writes all that was handed over, and closes the destination. Rejects if any write has failed. */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.#state === "lingering") this.#startWriting();
    while (this.#state === "writing") {
      await new Promise<void>((resolve) => (this.#onWritten = resolve));
    }
    await this.#options.destination.close();
    if (this.#state === "failed") throw this.#failure;
  }

  /** Gives up what is not written yet, because nobody takes it. */
  abandon(): void {
    if (this.#state === "writing") this.#options.destination.abandon();
  }

  get #isEnough(): boolean {
    return this.waitingBytes >= enoughBytes;
  }

  /** Begins a chunk with room for `neededBytes`. The line that is being handed over moves there. */
  #nextChunk(neededBytes: number): void {
    const line = this.#current.subarray(this.#lineStart, this.#currentBytes);
    if (this.#lineStart > 0) this.#chunks.push(this.#current.subarray(0, this.#lineStart));
    const spare = this.#spare;
    this.#spare = undefined;
    const room = line.length + neededBytes;
    this.#current = spare !== undefined && room <= chunkBytes ? spare : Buffer.allocUnsafe(Math.max(chunkBytes, room));
    line.copy(this.#current);
    this.#lineStart = 0;
    this.#currentBytes = line.length;
  }

  #lingerOrWrite(): void {
    if (this.#isEnding || this.#isEnough) return this.#startWriting();
    this.#state = "lingering";
    this.#clock.schedule(this.#clock.now() + lingerMs, this.#linger);
  }

  #startWriting(): void {
    this.#linger.cancel();
    this.#state = "writing";
    if (this.#chunks.length === 0) this.#nextChunk(0);
    const chunk = this.#chunks.shift()!;
    this.#options.destination.write(chunk).then(
      () => this.#written(chunk),
      (error: unknown) => this.#fail(error),
    );
  }

  #written(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.waitingBytes -= chunk.length;
    // Only whole chunks are worth keeping: the buffer of a subarray is the chunk that it was cut from.
    if (chunk.buffer.byteLength === chunkBytes) this.#spare = Buffer.from(chunk.buffer);
    this.#state = "idle";
    if (this.waitingBytes > 0) this.#lingerOrWrite();
    if (this.#isFull && this.waitingBytes <= readyBytes) {
      this.#isFull = false;
      this.#options.onReady();
    }
    this.#onWritten?.();
  }

  #fail(error: unknown): void {
    this.#state = "failed";
    this.#failure = error;
    this.#chunks = [];
    this.#options.onError(error);
    this.#onWritten?.();
  }
}
