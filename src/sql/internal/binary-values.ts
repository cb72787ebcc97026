/** Values as bytes, as the server keeps them: of the types that are read or written faster so than as text. */
import { oid } from "./postgres-types.ts";
import type { WireReader } from "./wire-reader.ts";

/** Makes a value of the bytes at which `wire` stands. */
export type ReadBytes = (wire: WireReader, length: number) => unknown;

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
