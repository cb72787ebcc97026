import type { ResultKind } from "./done-set.ts";

/** What a line of results stands for. */
export interface LineRecord {
  /** Place of the request in the input. */
  readonly index: number;
  readonly kind: ResultKind;
  /** Of what was asked. */
  readonly hash: number;
  /** Length of the line, its end included; 0 if there is none, because it was not to be written. */
  readonly bytes: number;
}

const kinds = ["ok", "failed", "bad-line"] as const;
/** The distance from a place to another, both up to 2^52; a kind; 32 bits of hash; a length. */
const maxRecordBytes = 8 + 1 + 4 + 8;

/**
 * Records of lines, packed: some eight bytes each. Of a place, only the distance from the one before is kept; the hash,
 * which has no pattern, is kept as it is.
 */
export class RecordWriter {
  #buffer: Buffer = Buffer.allocUnsafe(4_096);
  #at = 0;
  #lastIndex = 0;

  /** Whether there is something to take. */
  get isEmpty(): boolean {
    return this.#at === 0;
  }

  add(index: number, kind: ResultKind, hash: number, bytes: number): void {
    if (this.#buffer.length - this.#at < maxRecordBytes) this.#grow();
    const distance = index - this.#lastIndex;
    this.#lastIndex = index;
    // Distances go both ways: the sign becomes the last bit.
    this.#number(distance < 0 ? -distance * 2 - 1 : distance * 2);
    this.#buffer[this.#at++] = kinds.indexOf(kind);
    this.#at = this.#buffer.writeUInt32LE(hash, this.#at);
    this.#number(bytes);
  }

  /** All that were added since the last time. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    this.#lastIndex = 0;
    return taken;
  }

  #number(value: number): void {
    let rest = value;
    // Not with shifts: those know 32 bits only.
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/**
 * Unpacks records.
 *
 * @throws {RangeError} the bytes are no records
 */
export function* readRecords(packed: Uint8Array): Generator<LineRecord, void, void> {
  let at = 0;
  let index = 0;
  const byte = (): number => {
    const value = packed[at++];
    if (value === undefined) throw new RangeError("records end in the middle of one");
    return value;
  };
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const next = byte();
      value += (next % 0x80) * scale;
      if (next < 0x80) return value;
    }
  };
  while (at < packed.length) {
    const zigzag = number();
    index += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    const kind = kinds[byte()];
    if (kind === undefined) throw new RangeError("a record is of an unknown kind");
    const hash = byte() + byte() * 0x100 + byte() * 0x1_0000 + byte() * 0x100_0000;
    yield { index, kind, hash, bytes: number() };
  }
}
