import { outside } from "../../core/index.ts";
import { type Coding, type Decompressor, openDecompressor } from "./content-codings.ts";

/** Bytes that may wait to be decompressed before no more are wanted. */
const highWaterBytes = 64 * 1024;

/** Whom a {@link DecodingStage} tells what becomes of the bytes. */
export interface StageOwner {
  decoded(chunk: Buffer): void;
  ended(): void;
  failed(error: Error): void;
  /** Much is waiting: nothing more is wanted for now. */
  full(): void;
  /** More is wanted again. */
  drained(): void;
}

/**
 * Undoes one coding of a body that comes piece by piece, on the threads of zlib.
 *
 * Pieces are given to zlib one after the other, so that it is known which bytes it has not used: a body of zstd may have
 * several frames, which Node does not go on with by itself; of the others, more after the end is an error.
 */
export class DecodingStage {
  readonly #coding: Coding;
  readonly #owner: StageOwner;
  #stream: Decompressor | undefined = undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #isFull = false;
  #isPaused = false;
  /** Whether all has been pushed. */
  #isAtEnd = false;
  /** Whether the stream has been told that. */
  #isEnding = false;
  /** What zlib is working on. */
  #current: Buffer | undefined = undefined;
  /** Bytes given to the present stream. */
  #givenBytes = 0;
  /** Whether what is still to come may be anything. */
  #isPadding = false;
  #isOver = false;

  constructor(coding: Coding, owner: StageOwner) {
    this.#coding = coding;
    this.#owner = owner;
  }

  push(chunk: Buffer): void {
    if (this.#isOver || this.#isPadding) return;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (!this.#isFull && this.#queuedBytes > highWaterBytes) {
      this.#isFull = true;
      this.#owner.full();
    }
    this.#goOn();
  }

  /** All has been pushed. */
  end(): void {
    this.#isAtEnd = true;
    this.#goOn();
  }

  /** Nothing more is to be decompressed for now, once what is on its way has come. */
  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    const stream = this.#stream;
    // Reading on is not the work of the task that happens to want more.
    if (stream !== undefined) outside(() => stream.resume());
  }

  /** Gives up. Nothing more is told. */
  destroy(): void {
    this.#isOver = true;
    this.#queue = [];
    this.#stream?.destroy();
  }

  #goOn(): void {
    if (this.#isOver || this.#current !== undefined || this.#isEnding) return;
    const chunk = this.#queue.shift();
    if (chunk !== undefined) this.#give(chunk);
    else if (this.#isAtEnd) this.#finish();
  }

  #give(chunk: Buffer): void {
    this.#queuedBytes -= chunk.length;
    this.#current = chunk;
    this.#stream ??= this.#open(chunk);
    this.#givenBytes += chunk.length;
    const stream = this.#stream;
    stream.write(chunk, () => {
      // If bytes are left, the stream is about to end.
      if (stream === this.#stream && stream.bytesWritten === this.#givenBytes) this.#taken();
    });
    this.#tellIfDrained();
  }

  #tellIfDrained(): void {
    if (!this.#isFull || this.#queuedBytes > highWaterBytes) return;
    this.#isFull = false;
    this.#owner.drained();
  }

  #taken(): void {
    this.#current = undefined;
    this.#goOn();
  }

  #finish(): void {
    this.#isEnding = true;
    // Of nothing nothing is made, and after padding there is no stream.
    if (this.#stream === undefined) this.#end();
    else this.#stream.end();
  }

  #open(first: Buffer): Decompressor {
    const stream = outside(() => openDecompressor(this.#coding, first));
    stream.on("data", (chunk: Buffer) => {
      if (!this.#isOver) this.#owner.decoded(chunk);
    });
    stream.on("end", () => this.#streamEnded(stream));
    stream.on("error", (error: Error) => this.#fail(error));
    if (this.#isPaused) stream.pause();
    return stream;
  }

  #streamEnded(stream: Decompressor): void {
    if (this.#isOver) return;
    const unused = this.#givenBytes - stream.bytesWritten;
    if (unused === 0) return this.#end();
    const rest = this.#current!.subarray(this.#current!.length - unused);
    stream.destroy();
    this.#stream = undefined;
    this.#givenBytes = 0;
    if (this.#coding === "zstd") {
      this.#queue.unshift(rest);
      this.#queuedBytes += rest.length;
    } else if (isPadding(this.#coding, rest)) {
      this.#isPadding = true;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#tellIfDrained();
    } else return this.#fail(trailing(this.#coding));
    this.#taken();
  }

  #end(): void {
    this.#isOver = true;
    this.#owner.ended();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.destroy();
    this.#owner.failed(error);
  }
}

/** Zeros may follow gzip, which was made for tapes. */
export function isPadding(coding: Coding, rest: Uint8Array): boolean {
  return coding === "gzip" && rest[0] === 0;
}

/** What fails a body that goes on after the end of what was compressed. */
export function trailing(coding: Coding): Error {
  return new Error(`more follows the end of the ${coding} data`);
}
