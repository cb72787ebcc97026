import type { WireField } from "../postgres.ts";
import { type ReadBytes, binaryReaderOf } from "./binary-values.ts";
import { readerOf } from "./postgres-types.ts";
import type { WireReader } from "./wire-reader.ts";

/** How rows are read: each value by the reader of its column, which is given its length. */
export interface RowForm {
  readonly names: readonly string[];
  readonly readers: readonly ReadBytes[];
  /** A row with nothing in it. */
  readonly empty: Readonly<Record<string, unknown>>;
  /** Whether a name means something else to JavaScript when it is assigned to. */
  readonly isSpecial: boolean;
}

/** What rows consist of. */
export interface Columns {
  readonly types: readonly number[];
  /** Of rows in which all is text. */
  readonly asText: RowForm;
  /** Of those in which what is faster so comes as bytes. */
  readonly asBytes: RowForm;
  /** How each column is asked for, for the latter: 1 as bytes, 0 as text. */
  readonly formats: readonly (0 | 1)[];
}

export function columnsOf(fields: readonly WireField[]): Columns {
  const names = fields.map(({ name }) => name);
  const types = fields.map(({ dataTypeID }) => dataTypeID);
  const textReaders = types.map(textReaderOf);
  const byteReaders = types.map(binaryReaderOf);
  const common = {
    names,
    empty: Object.fromEntries(names.map((name) => [name, null])),
    isSpecial: names.includes("__proto__"),
  };
  return {
    types,
    asText: { ...common, readers: textReaders },
    asBytes: { ...common, readers: byteReaders.map((read, index) => read ?? textReaders[index]!) },
    formats: byteReaders.map((read) => (read === undefined ? 0 : 1)),
  };
}

function textReaderOf(type: number): ReadBytes {
  const read = readerOf(type);
  return read === undefined ? readText : (wire, length) => read(wire.text(length));
}

function readText(wire: WireReader, length: number): string {
  return wire.text(length);
}

/** A row as an object. */
export function readRow({ names, readers, isSpecial, empty }: RowForm, wire: WireReader): Record<string, unknown> {
  // A copy of one that has all names already: half the time of giving them to an empty one.
  const row: Record<string, unknown> = { ...empty };
  wire.at += countBytes;
  for (let index = 0; index < readers.length; index++) {
    const name = names[index]!;
    const value = readField(readers[index]!, wire);
    if (isSpecial && name === "__proto__")
      Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
    else row[name] = value;
  }
  return row;
}

/** The value of the first column. */
export function readFirst({ readers }: RowForm, wire: WireReader): unknown {
  wire.at += countBytes;
  return readers.length === 0 ? undefined : readField(readers[0]!, wire);
}

/** Before its values, a row has their number. */
const countBytes = 2;

function readField(read: ReadBytes, wire: WireReader): unknown {
  const length = wire.view.getInt32(wire.at);
  wire.at += 4;
  if (length === -1) return null;
  const value = read(wire, length);
  wire.at += length;
  return value;
}
