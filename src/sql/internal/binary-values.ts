/** Values as bytes, as the server keeps them: of the types that are read or written faster so than as text. */
import { oid, writeAsText } from "./postgres-types.ts";
import type { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Makes a value of the bytes at which `wire` stands. */
export type ReadBytes = (wire: WireReader, length: number) => unknown;

/** Writes a value, which is not null, with its length before it. Returns whether it can; if not, nothing of it is to be used. */
export type WriteBytes = (writer: WireWriter, value: unknown) => boolean;

/** Moments are counted from the year 2000 on, in microseconds. */
const epochMs = Date.UTC(2000, 0, 1);

/**
 * How values of a type are read. Undefined for those that are asked for as text: of text the bytes are the same, of float4 the
 * text has the digits that people wrote.
 */
export function binaryReaderOf(type: number): ReadBytes | undefined {
  return readers.get(type);
}

const readers = new Map<number, ReadBytes>([
  [oid.bool, ({ bytes, at }) => bytes[at] === 1],
  [oid.bytea, ({ bytes, at }, length) => new Uint8Array(bytes.subarray(at, at + length))],
  [oid.int2, ({ view, at }) => view.getInt16(at)],
  [oid.int4, ({ view, at }) => view.getInt32(at)],
  [oid.int8, ({ view, at }) => readInt8(view, at)],
  [oid.oid, ({ view, at }) => view.getUint32(at)],
  [oid.float8, ({ view, at }) => view.getFloat64(at)],
  [oid.timestamptz, ({ view, at }) => readMoment(view, at)],
]);

function readInt8(view: DataView, at: number): number | bigint {
  const number = view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4);
  return Number.isSafeInteger(number) ? number : view.getBigInt64(at);
}

const most = 2n ** 63n - 1n;
const least = -(2n ** 63n);

function readMoment(view: DataView, at: number): Date | number {
  const microseconds = readInt8(view, at);
  if (typeof microseconds === "number") return new Date(Math.floor(microseconds / 1_000) + epochMs);
  if (microseconds === most) return Infinity;
  if (microseconds === least) return -Infinity;
  // Beyond the years 1714 and 2285. Downwards, also of what is before 2000.
  return new Date(Number((microseconds - (((microseconds % 1_000n) + 1_000n) % 1_000n)) / 1_000n) + epochMs);
}

/**
 * How values of a type are written. Undefined for types that are always written as text.
 *
 * A value of another kind than the type has is refused, though the server may be able to read it as text: `"now"` of a moment.
 */
export function binaryWriterOf(type: number): WriteBytes | undefined {
  return writers.get(type);
}

const writers = new Map<number, WriteBytes>([
  [oid.bool, writeBoolean],
  [oid.bytea, writeBytea],
  [oid.int2, writeInt2],
  [oid.int4, writeInt4],
  [oid.int8, writeInt8],
  [oid.float4, writeFloat4],
  [oid.float8, writeFloat8],
  [oid.timestamptz, writeMoment],
  [oid.timestamp, writeMoment],
  [oid.uuid, writeUuid],
  [oid.jsonb, writeJsonb],
  ...[oid.text, oid.varchar, oid.bpchar, oid.json].map((type): [number, WriteBytes] => [type, writerOfText(type)]),
]);

const arrays = new WireWriter();

/** An array of one dimension, without its length before it. Undefined if the type, or a value, is always written as text. */
export function bytesOfArray(items: readonly unknown[], type: number): Buffer | undefined {
  const write = writers.get(type);
  if (write === undefined || items.length === 0) return undefined;
  arrays.cut(0);
  // One dimension, in which there may be NULL, of the type; so many items, which are counted from 1.
  for (const number of [1, 1, type, items.length, 1]) arrays.int4(number);
  for (const item of items) {
    if (item === null || item === undefined) arrays.int4(-1);
    else if (!write(arrays, item)) return undefined;
  }
  return arrays.take();
}

function writeBoolean(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "boolean") return false;
  writer.int4(1);
  writer.byte(value ? 1 : 0);
  return true;
}

function writeBytea(writer: WireWriter, value: unknown): boolean {
  if (!(value instanceof Uint8Array)) return false;
  writer.int4(value.length);
  writer.bytes(value, 0, value.length);
  return true;
}

function writeInt2(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "number" || value !== (value << 16) >> 16) return false;
  writer.int4(2);
  writer.int2(value);
  return true;
}

function writeInt4(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "number" || value !== (value | 0)) return false;
  writer.int4(4);
  writer.int4(value);
  return true;
}

function writeInt8(writer: WireWriter, value: unknown): boolean {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) return false;
    writer.int4(8);
    writer.int8(Math.floor(value / 2 ** 32), value >>> 0);
    return true;
  }
  if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) return false;
  writer.int4(8);
  writer.int8(Number(value >> 32n), Number(BigInt.asUintN(32, value)));
  return true;
}

function writeFloat4(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "number") return false;
  const rounded = Math.fround(value);
  // Too large or too small: the server says so of text.
  if ((rounded === 0 && value !== 0) || (Number.isFinite(value) && !Number.isFinite(rounded))) return false;
  writer.int4(4);
  writer.float4(value);
  return true;
}

function writeFloat8(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "number") return false;
  writer.int4(8);
  writer.float8(value);
  return true;
}

function writeMoment(writer: WireWriter, value: unknown): boolean {
  if (!(value instanceof Date)) return false;
  const ms = value.getTime();
  // Of an invalid date, and of one before the time of Postgres, there is something to be said.
  if (!(ms >= leastMs)) return false;
  const microseconds = (ms - epochMs) * 1_000;
  return writeInt8(writer, Number.isSafeInteger(microseconds) ? microseconds : BigInt(ms - epochMs) * 1_000n);
}

/** 4713 BC, and a little later. */
const leastMs = Date.UTC(-4_712, 0, 1);

const uuidForm = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

function writeUuid(writer: WireWriter, value: unknown): boolean {
  if (typeof value !== "string" || !uuidForm.test(value)) return false;
  return writeBytea(writer, Buffer.from(value.replaceAll("-", ""), "hex"));
}

/** Of these the bytes are those of the text. */
function writerOfText(type: number): WriteBytes {
  return (writer, value) => {
    writer.sizedText(typeof value === "string" && type !== oid.json ? value : writeAsText(value, type)!);
    return true;
  };
}

/** JSON behind the number of its form. */
function writeJsonb(writer: WireWriter, value: unknown): boolean {
  const bytes = Buffer.from(writeAsText(value, oid.jsonb)!);
  writer.int4(bytes.length + 1);
  writer.byte(1);
  writer.bytes(bytes, 0, bytes.length);
  return true;
}
