import type { WireValue } from "../postgres.ts";

/** Enough for hundreds of small queries. */
const someBytes = 16 * 1024;
/** Of longer text it is worth finding out how many bytes it takes: three times its length would be a lot. */
const longText = 1_024;
/** What is shorter is copied by hand in less time than it takes to ask for it. */
const shortBytes = 64;
const nothing = Buffer.alloc(0);

/** Messages to a server, one after another in one piece of memory. */
export class WireWriter {
  readonly #firstBytes: number;
  #bytes: Buffer = nothing;
  /** The same, for numbers. */
  #view: DataView = viewOf(nothing);
  /** Where what is not yet taken begins. */
  #start = 0;
  #at = 0;
  /** Where the length of the message stands that is being written, from the start. */
  #lengthAt = 0;

  /** @param firstBytes - as much memory is taken at once, for one message or many */
  constructor(firstBytes: number = someBytes) {
    this.#firstBytes = firstBytes;
  }

  /** How many bytes it holds. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** Begins a message. */
  begin(code: number): void {
    this.byte(code);
    this.#lengthAt = this.length;
    this.int4(0);
  }

  /** Ends the message. */
  end(): void {
    this.#view.setInt32(this.#start + this.#lengthAt, this.length - this.#lengthAt);
  }

  /** What was written. What comes next stands behind it: the socket may still be at this. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    // Of a large message the memory is not kept.
    if (this.#bytes.length > this.#firstBytes) this.#use(nothing);
    return taken;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  int2(value: number): void {
    this.#room(2);
    this.#view.setInt16(this.#at, value);
    this.#at += 2;
  }

  int4(value: number): void {
    this.#room(4);
    this.#view.setInt32(this.#at, value);
    this.#at += 4;
  }

  int8(high: number, low: number): void {
    this.#room(8);
    this.#view.setInt32(this.#at, high);
    this.#view.setUint32(this.#at + 4, low);
    this.#at += 8;
  }

  float4(value: number): void {
    this.#room(4);
    this.#view.setFloat32(this.#at, value);
    this.#at += 4;
  }

  float8(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  /** A name, with a NUL behind it. */
  name(text: string): void {
    this.text(text);
    this.byte(0);
  }

  text(text: string): void {
    this.#room(text.length < longText ? text.length * 3 : Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** Bytes of another piece of memory. */
  bytes(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    this.#room(length);
    if (length > shortBytes) this.#bytes.set(source.subarray(from, to), this.#at);
    else for (let index = 0; index < length; index++) this.#bytes[this.#at + index] = source[from + index]!;
    this.#at += length;
  }

  /** A value, with its length before it. */
  value(value: WireValue): void {
    if (value === null) return this.int4(-1);
    if (typeof value === "string") return this.sizedText(value);
    this.int4(value.length);
    this.bytes(value, 0, value.length);
  }

  /** Text, with its length before it. */
  sizedText(text: string): void {
    const lengthAt = this.length;
    this.int4(0);
    this.text(text);
    this.#view.setInt32(this.#start + lengthAt, this.length - lengthAt - 4);
  }

  /** Forgets what comes behind so many bytes. */
  cut(length: number): void {
    this.#at = this.#start + length;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const { length } = this;
    const next = Buffer.allocUnsafeSlow(Math.max(length + bytes, length * 2, this.#firstBytes));
    this.#bytes.copy(next, 0, this.#start, this.#at);
    this.#use(next);
    this.#at = length;
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#start = 0;
    this.#at = 0;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
