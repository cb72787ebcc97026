import { type Clock, realClock, Timer } from "../../core/index.ts";

/** Takes bytes, one write at a time. */
export interface Destination {
  /** Writes all of `bytes`, which end with a whole line, or fails. */
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface LineOutputOptions {
  readonly destination: Destination;
  /** More must not be handed over: much is still to be written. `onReady` comes when it may. */
  readonly onFull: () => void;
  readonly onReady: () => void;
  /** A write has failed. What was handed over and not written is lost; nothing more is written. */
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

/** As much as is written at once, if it is there. In characters, as everything here. */
const chunkLength = 256 * 1024;
/** How long a line waits for others to be written with. */
const lingerMs = 50;
const fullLength = 8 * 1024 * 1024;
const readyLength = 2 * 1024 * 1024;
/** As much as is ever joined: strings have a greatest length, and all answers on the wire may be large. */
const maxJoinedLength = 4 * 1024 * 1024;

/**
 * Collects lines and writes them in large chunks, one after the other, never part of a line.
 *
 *     idle ── lines ──> lingering ── enough, or `lingerMs` ──> writing ── done ──> idle, lingering or writing
 *                                                                └── failed ──> failed: lines are dropped
 */
export class LineOutput {
  /** Bytes written. */
  bytes = 0;
  readonly #options: LineOutputOptions;
  readonly #clock: Clock;
  readonly #linger = new Timer(() => this.#startWriting());
  #state: "idle" | "lingering" | "writing" | "failed" = "idle";
  /** What is to be written after what is being written: whole pieces first, then the one that still grows. */
  #pieces: string[] = [];
  #text = "";
  #length = 0;
  #isFull = false;
  #failure: unknown;
  #onWritten: (() => void) | undefined;

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
  }

  /** Hands over one or more whole lines. */
  write(lines: string): void {
    if (this.#state === "failed") return;
    this.#append(lines);
    if (this.#state === "idle") {
      this.#state = "lingering";
      this.#clock.schedule(this.#clock.now() + lingerMs, this.#linger);
    }
    if (this.#length < chunkLength) return;
    if (this.#state === "lingering") this.#startWriting();
    else if (this.#length >= fullLength && !this.#isFull) {
      this.#isFull = true;
      this.#options.onFull();
    }
  }

  #append(lines: string): void {
    if (this.#text.length + lines.length > maxJoinedLength && this.#text !== "") {
      this.#pieces.push(this.#text);
      this.#text = "";
    }
    this.#text += lines;
    this.#length += lines.length;
  }

  #takePiece(): string {
    let piece = this.#pieces.shift();
    if (piece === undefined) {
      piece = this.#text;
      this.#text = "";
    }
    this.#length -= piece.length;
    return piece;
  }

  /** Writes all that was handed over, and closes the destination. Rejects if any write has failed. */
  async end(): Promise<void> {
    if (this.#state === "lingering") this.#startWriting();
    while (this.#state === "writing") {
      await new Promise<void>((resolve) => (this.#onWritten = resolve));
    }
    await this.#options.destination.close();
    if (this.#state === "failed") throw this.#failure;
  }

  #startWriting(): void {
    this.#linger.cancel();
    this.#state = "writing";
    const bytes = Buffer.from(this.#takePiece());
    this.#options.destination.write(bytes).then(
      () => this.#written(bytes.length),
      (error: unknown) => this.#fail(error),
    );
  }

  #written(bytes: number): void {
    this.bytes += bytes;
    this.#state = "idle";
    if (this.#length > 0) this.#startWriting();
    if (this.#isFull && this.#length <= readyLength) {
      this.#isFull = false;
      this.#options.onReady();
    }
    this.#onWritten?.();
  }

  #fail(error: unknown): void {
    this.#state = "failed";
    this.#failure = error;
    this.#pieces = [];
    this.#text = "";
    this.#options.onError(error);
    this.#onWritten?.();
  }
}
