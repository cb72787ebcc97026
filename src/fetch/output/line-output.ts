import { type Clock, realClock, Timer } from "../../core/index.ts";
import type { ResultKind } from "../journal/done-set.ts";
import { RecordWriter } from "../journal/line-records.ts";
import type { LineSink } from "./result-line.ts";
import type { OutputEvents } from "./result-output.ts";

/** Takes bytes, one write at a time. */
export interface Destination {
  /**
   * Writes all of `bytes`, which are whole lines, or fails.
   *
   * @param records - what the lines are, packed; empty unless the output is told to keep records
   */
  write(bytes: Buffer, records: Buffer): Promise<void>;
  /** Gives up a write that is under way, if that is possible: it fails. */
  abandon(): void;
  close(): Promise<void>;
}

export interface LineOutputOptions {
  readonly destination: Destination;
  /** Whether each line is marked, and the destination told what the lines of each chunk are. @default false */
  readonly isRecorded?: boolean;
  readonly clock?: Clock;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly records: Buffer;
}

const nothing: Buffer = Buffer.alloc(0);

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
export class LineOutput implements LineSink {
  /** Bytes written. */
  bytes = 0;
  /** Bytes of whole lines that are not written yet. */
  waitingBytes = 0;
  readonly #destination: Destination;
  readonly #clock: Clock;
  #events: OutputEvents | undefined;
  /** What the lines of the current chunk are. */
  readonly #records: RecordWriter | undefined;
  /** What the line is that is being handed over. */
  #index = 0;
  #kind: ResultKind = "ok";
  #hash = 0;
  readonly #linger = new Timer(() => this.#startWriting());
  #state: "idle" | "lingering" | "writing" | "failed" = "idle";
  /** Whole chunks, to be written one after the other. */
  #chunks: Chunk[] = [];
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
    this.#destination = options.destination;
    this.#clock = options.clock ?? realClock;
    if (options.isRecorded === true) this.#records = new RecordWriter();
  }

  /** To be called before anything is handed over. */
  start(events: OutputEvents): void {
    this.#events = events;
  }

  /** Says what the line is that is handed over next. */
  mark(index: number, kind: ResultKind, hash: number): void {
    this.#index = index;
    this.#kind = kind;
    this.#hash = hash;
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
    const lineBytes = this.#currentBytes - this.#lineStart;
    this.#records?.add(this.#index, this.#kind, this.#hash, lineBytes);
    this.waitingBytes += lineBytes;
    this.#lineStart = this.#currentBytes;
    if (this.#state === "idle") this.#lingerOrWrite();
    else if (this.#state === "lingering" && this.#isEnough) this.#startWriting();
    if (this.waitingBytes >= fullBytes && !this.#isFull) {
      this.#isFull = true;
      this.#events?.onFull();
    }
  }

  /** Says that what was marked has no line. It is recorded all the same. */
  endNothing(): void {
    if (this.#state === "failed" || this.#records === undefined) return;
    this.#records.add(this.#index, this.#kind, this.#hash, 0);
    if (this.#state === "idle") this.#lingerOrWrite();
  }

  /** Writes all that was handed over, and closes the destination. Rejects if any write has failed. */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.#state === "lingering") this.#startWriting();
    while (this.#state === "writing") {
      await new Promise<void>((resolve) => (this.#onWritten = resolve));
    }
    await this.#destination.close();
    if (this.#state === "failed") throw this.#failure;
  }

  /** Gives up what is not written yet, because nobody takes it. */
  abandon(): void {
    if (this.#state === "writing") this.#destination.abandon();
  }

  get #isEnough(): boolean {
    return this.waitingBytes >= enoughBytes;
  }

  /** Begins a chunk with room for `neededBytes`. The line that is being handed over moves there. */
  #nextChunk(neededBytes: number): void {
    const line = this.#current.subarray(this.#lineStart, this.#currentBytes);
    if (this.#lineStart > 0) {
      this.#chunks.push({ bytes: this.#current.subarray(0, this.#lineStart), records: this.#takeRecords() });
    }
    const spare = this.#spare;
    this.#spare = undefined;
    const room = line.length + neededBytes;
    this.#current = spare !== undefined && room <= chunkBytes ? spare : Buffer.allocUnsafe(Math.max(chunkBytes, room));
    line.copy(this.#current);
    this.#lineStart = 0;
    this.#currentBytes = line.length;
  }

  #takeRecords(): Buffer {
    return this.#records?.take() ?? nothing;
  }

  get #isWaiting(): boolean {
    return this.waitingBytes > 0 || this.#records?.isEmpty === false;
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
    // Records alone, of what has no lines.
    const chunk = this.#chunks.shift() ?? { bytes: nothing, records: this.#takeRecords() };
    this.#destination.write(chunk.bytes, chunk.records).then(
      () => this.#written(chunk.bytes),
      (error: unknown) => this.#fail(error),
    );
  }

  #written(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.waitingBytes -= chunk.length;
    // Only whole chunks are worth keeping: the buffer of a subarray is the chunk that it was cut from.
    if (chunk.buffer.byteLength === chunkBytes) this.#spare = Buffer.from(chunk.buffer);
    this.#state = "idle";
    if (this.#isWaiting) this.#lingerOrWrite();
    if (this.#isFull && this.waitingBytes <= readyBytes) {
      this.#isFull = false;
      this.#events?.onReady();
    }
    this.#onWritten?.();
  }

  #fail(error: unknown): void {
    this.#state = "failed";
    this.#failure = error;
    this.#chunks = [];
    this.#events?.onError(error);
    this.#onWritten?.();
  }
}
