/** Where a line ends. */
const newline = 0x0a;

/**
 * Cuts bytes into lines, ended by `\n` or `\r\n`; the last may lack its end. A byte order mark at the beginning goes.
 *
 * Bytes are only joined when a line is complete, so a long line that comes in many pieces costs no more than a short.
 *
 * The lines before one that is too long are given, wherever the bytes are cut; what is called next throws.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #onTooLong: () => Error;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isStart = true;
  #isTooLong = false;

  constructor(maxLineBytes: number, onTooLong: () => Error) {
    this.#maxLineBytes = maxLineBytes;
    this.#onTooLong = onTooLong;
  }

  /** The lines that `chunk` completes. */
  push(chunk: Uint8Array): string[] {
    this.check();
    const end = chunk.lastIndexOf(newline);
    const lines = end === -1 ? [] : this.#cut(this.#take(chunk.subarray(0, end)));
    this.#keep(chunk.subarray(end + 1));
    if (lines.length === 0) this.check();
    return lines;
  }

  /** The last line, if it has no end. */
  finish(): string[] {
    this.check();
    if (this.#pendingBytes === 0) return [];
    const text = this.#take(nothing);
    const lines = text === "" ? [] : this.#cut(text);
    this.check();
    return lines;
  }

  /** Throws if a line was too long: for who does not call at once again. */
  check(): void {
    if (this.#isTooLong) throw this.#onTooLong();
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > this.#maxLineBytes) this.#isTooLong = true;
  }

  /** What was kept and `bytes`, as text. UTF-8 never has a newline inside a character, so none is cut apart. */
  #take(bytes: Uint8Array): string {
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([...this.#pending, bytes]);
    this.#pending = [];
    this.#pendingBytes = 0;
    const text = Buffer.from(all.buffer, all.byteOffset, all.length).toString("utf8");
    const isMarked = this.#isStart && text.startsWith("\uFEFF");
    this.#isStart = false;
    return isMarked ? text.slice(1) : text;
  }

  #cut(text: string): string[] {
    const lines = text.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.endsWith("\r")) lines[i] = line.slice(0, -1);
      // Four bytes at most for two units: only lines that may be too long are measured.
      if (line.length * 3 > this.#maxLineBytes && Buffer.byteLength(line) > this.#maxLineBytes) {
        this.#isTooLong = true;
        return lines.slice(0, i);
      }
    }
    return lines;
  }
}

const nothing = new Uint8Array(0);
