import { type WriteBytes, binaryWriterOf } from "./binary-values.ts";
import { copyLine } from "./copy-text.ts";
import { WireWriter } from "./wire-writer.ts";

/** As much goes to the server in one piece. */
const pieceBytes = 64 * 1024;
/** A row that goes a little beyond it needs no more memory. */
const roomBytes = pieceBytes + 8 * 1024;

const copyData = "d".charCodeAt(0);
const copyDone = "c".charCodeAt(0);
const signature = Buffer.from("PGCOPY\n\u00FF\r\n\0", "latin1");

/**
 * Rows as COPY takes them, in messages that are worth sending.
 *
 * Where the types of all columns allow it, they are written as bytes, which takes the server half the time that text does. Text
 * takes more kinds of values: from the first row on that has another one, all rows are text. One COPY has one form, so the
 * server is told of two; the second may remain empty.
 */
export class CopyRows {
  readonly #types: readonly number[];
  /** Undefined once rows are text. */
  #writers: readonly WriteBytes[] | undefined;
  readonly #out: WireWriter = new WireWriter(roomBytes);
  #isBegun = false;

  /** @param types - of the columns */
  constructor(types: readonly number[]) {
    this.#types = types;
    const writers = types.map(binaryWriterOf);
    if (!writers.includes(undefined)) this.#writers = writers as WriteBytes[];
  }

  /** What the server is to be asked. */
  query(copy: string): string {
    return this.#writers === undefined ? copy : `${copy} (format binary); ${copy}`;
  }

  /**
   * @returns a piece, once there is enough for one
   * @throws {TypeError} nothing can be made of a value
   */
  add(row: readonly unknown[]): Buffer | undefined {
    const out = this.#out;
    if (out.length === 0) out.begin(copyData);
    if (this.#writers !== undefined && !this.#addBytes(row, this.#writers)) this.#goOnInText();
    if (this.#writers === undefined) out.text(copyLine(row, this.#types));
    if (out.length < pieceBytes) return undefined;
    out.end();
    return out.take();
  }

  /** The rest, and the end. */
  finish(): Buffer {
    const out = this.#out;
    if (out.length === 0) out.begin(copyData);
    if (this.#writers !== undefined) this.#goOnInText();
    out.end();
    writeDone(out);
    return out.take();
  }

  #addBytes(row: readonly unknown[], writers: readonly WriteBytes[]): boolean {
    const out = this.#out;
    this.#beginBytes();
    const start = out.length;
    out.int2(writers.length);
    for (let index = 0; index < writers.length; index++) {
      const value = row[index];
      if (value === null || value === undefined) out.int4(-1);
      else if (!writers[index]!(out, value)) {
        out.cut(start);
        return false;
      }
    }
    return true;
  }

  #beginBytes(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#out.bytes(signature, 0, signature.length);
    // No flags, and nothing more before the rows.
    this.#out.int8(0, 0);
  }

  /** Ends the COPY of bytes, and begins that of text. */
  #goOnInText(): void {
    const out = this.#out;
    this.#beginBytes();
    this.#writers = undefined;
    out.int2(-1);
    out.end();
    writeDone(out);
    out.begin(copyData);
  }
}

function writeDone(out: WireWriter): void {
  out.begin(copyDone);
  out.end();
}
