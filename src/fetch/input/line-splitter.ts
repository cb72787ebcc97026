import { isUtf8 } from "node:buffer";

/** A line that cannot be a request, and why. */
export class BadLine {
  /** Counted from 1. */
  readonly line: number;
  /** Character in the line, counted from 1; undefined where the line as a whole is wrong. */
  readonly column: number | undefined;
  readonly message: string;
  /** What the line asked for, as far as it could be read, without credentials. */
  readonly url: string | undefined;
  readonly id: string | number | undefined;
  /** Place among all lines, those of inputs before this one included: what a request in it would be called. */
  index: number;
  /** Which of several inputs the line is in; undefined where there is only one. */
  input: string | undefined = undefined;
  /** Whether it is a request of an iterable, and `line` only its place there. */
  isOfIterable = false;

  constructor(line: number, message: string, column?: number, url?: string, id?: string | number) {
    this.line = line;
    this.index = line;
    this.column = column;
    this.message = message;
    this.url = url;
    this.id = id;
  }
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const replacement = "\ufffd";
const nothing: Buffer = Buffer.alloc(0);
/** A larger buffer is not kept for the next line. */
const keptBytes = 64 * 1024;

/**
 * Cuts a stream of bytes into lines of text, on demand.
 *
 * Each line is decoded by itself, at most once: a substring of a decoded chunk would keep the whole chunk in memory
 * for as long as the request it became.
 */
export class LineSplitter {
  /** Number of the line that `next()` returned last, counted from 1. */
  line = 0;
  /** What that line ended with. */
  lineEnd: "\n" | "\r\n" = "\n";
  /** If that line was not valid UTF-8: its text all the same, with U+FFFD for what is wrong in it. */
  brokenText: string | undefined;
  /** Bytes of the lines returned so far, line ends included. */
  bytes = 0;
  readonly #maxLineBytes: number;
  #chunk: Buffer = nothing;
  /** Where the next line starts in the chunk. */
  #at = 0;
  /** The beginning of a line whose end is in no chunk yet. It grows by doubling: chunks may be of one byte each. */
  #pending: Buffer = nothing;
  /** Bytes of that line so far, those that are not kept included. */
  #pendingBytes = 0;
  /** The line that is being read is too long: only its end is looked for. */
  #isSkipping = false;
  #hasEnded = false;

  /** @param maxLineBytes - a longer line is a {@link BadLine}, and is never held in memory */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Hands over more bytes. Only when `next()` has returned undefined. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** No more bytes will come: what is left is the last line. */
  end(): void {
    this.#hasEnded = true;
  }

  /** The next line without its end, or undefined if more bytes are needed. */
  next(): string | BadLine | undefined {
    const chunk = this.#chunk;
    const from = this.#at;
    const to = chunk.indexOf(newline, from);
    if (to === -1) return this.#keep(from);
    this.#at = to + 1;
    this.line++;
    this.bytes += this.#pendingBytes + to + 1 - from;
    if (this.#isSkipping || this.#pendingBytes + to - from > this.#maxLineBytes) return this.#refuse();
    if (this.#pendingBytes === 0) return this.#decode(chunk, from, to);
    this.#append(from, to);
    return this.#decodePending();
  }

  #keep(from: number): string | BadLine | undefined {
    const rest = this.#chunk.length - from;
    if (rest > 0) {
      if (this.#pendingBytes + rest > this.#maxLineBytes) {
        this.#isSkipping = true;
        this.#pendingBytes += rest;
      } else this.#append(from, this.#chunk.length);
      this.#at = this.#chunk.length;
    }
    if (!this.#hasEnded || this.#pendingBytes === 0) return undefined;
    this.line++;
    this.bytes += this.#pendingBytes;
    return this.#isSkipping ? this.#refuse() : this.#decodePending();
  }

  #append(from: number, to: number): void {
    const bytes = this.#pendingBytes + to - from;
    if (bytes > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(1_024, bytes, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#pendingBytes);
      this.#pending = larger;
    }
    this.#chunk.copy(this.#pending, this.#pendingBytes, from, to);
    this.#pendingBytes = bytes;
  }

  #forgetPending(): void {
    this.#isSkipping = false;
    this.#pendingBytes = 0;
    if (this.#pending.length > keptBytes) this.#pending = nothing;
  }

  #refuse(): BadLine {
    this.brokenText = undefined;
    this.#forgetPending();
    return new BadLine(this.line, `The line is longer than ${this.#maxLineBytes.toLocaleString("en")} bytes`);
  }

  #decodePending(): string | BadLine {
    const line = this.#decode(this.#pending, 0, this.#pendingBytes);
    this.#forgetPending();
    return line;
  }

  #decode(bytes: Buffer, from: number, to: number): string | BadLine {
    this.lineEnd = "\n";
    if (to > from && bytes[to - 1] === carriageReturn) {
      this.lineEnd = "\r\n";
      to--;
    }
    if (this.line === 1) {
      const start = bytes.subarray(from, Math.min(to, from + 3));
      this.brokenText = undefined;
      if (isUtf16(start)) return new BadLine(1, "The input is UTF-16: save it as UTF-8");
      if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) from += 3;
    }
    const text = bytes.toString("utf8", from, to);
    // Bytes that are no UTF-8 decode to U+FFFD, which may also stand in the text itself.
    if (text.includes(replacement) && !isUtf8(bytes.subarray(from, to))) {
      this.brokenText = text;
      return new BadLine(this.line, "The line is not valid UTF-8", text.indexOf(replacement) + 1);
    }
    return text;
  }
}

function isUtf16(start: Buffer): boolean {
  return (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
}
