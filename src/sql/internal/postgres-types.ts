/**
 * Values of Postgres and of JavaScript.
 *
 * | Postgres                             | JavaScript                                                       |
 * | ------------------------------------ | ---------------------------------------------------------------- |
 * | smallint, integer, oid, real, double | number                                                           |
 * | bigint                               | number where that is exact (up to 2^53 - 1), bigint beyond       |
 * | numeric, money                       | string: no number of JavaScript has its digits                   |
 * | boolean                              | boolean                                                          |
 * | bytea                                | Uint8Array                                                       |
 * | json, jsonb                          | what it is in JSON                                               |
 * | timestamptz                          | Date; `infinity` is the number Infinity                          |
 * | date, timestamp, time, interval      | string: without a time zone they are no moment                   |
 * | arrays of these                      | arrays                                                           |
 * | all else                             | string, as Postgres writes it                                    |
 */
import { type ReadText, readArray, writeArray } from "./array-text.ts";
import type { WireValue } from "../postgres.ts";
import { expectNoBuffer } from "./expect-no-buffer.ts";

/** Numbers of types, as the server names them in what it sends. */
export const oid = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  timestamp: 1114,
  timestamptz: 1184,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** How text becomes a value, by type. What is missing stays text. */
const readers = new Map<number, ReadText>([
  [oid.bool, (text) => text === "t"],
  [oid.bytea, readBytes],
  [oid.int8, readBigInteger],
  [oid.int2, Number],
  [oid.int4, Number],
  [oid.oid, Number],
  [oid.float4, Number],
  [oid.float8, Number],
  [oid.json, JSON.parse],
  [oid.jsonb, JSON.parse],
  [oid.timestamptz, readMoment],
]);

/** The type of the elements of an array, by the type of the array. */
const elements = new Map<number, number>([
  [1000, oid.bool],
  [1001, oid.bytea],
  [1016, oid.int8],
  [1005, oid.int2],
  [1007, oid.int4],
  [1028, oid.oid],
  [199, oid.json],
  [1021, oid.float4],
  [1022, oid.float8],
  [1185, oid.timestamptz],
  [3807, oid.jsonb],
  // Of text and the like: name, text, bpchar, varchar, numeric, money, uuid, date, timestamp, time, timetz, interval, inet,
  // cidr, macaddr, bit, varbit, xml.
  ...[1003, 1009, 1014, 1015, 1231, 791, 2951, 1182, 1115, 1183, 1270, 1187, 1041, 651, 1040, 1561, 1563, 143].map(
    (array): [number, number] => [array, 0],
  ),
]);

/** The type whose arrays have another delimiter than a comma. */
const boxArray = 1020;

for (const [array, element] of elements) {
  const read = readers.get(element) ?? asIs;
  readers.set(array, (text) => readArray(text, read, ","));
}
readers.set(boxArray, (text) => readArray(text, asIs, ";"));

/** How values of the type are read from text. Undefined where they stay text. */
export function readerOf(type: number): ReadText | undefined {
  return readers.get(type);
}

function asIs(text: string): string {
  return text;
}

/** A number where it is exact, which is almost always. */
function readBigInteger(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function readBytes(text: string): Uint8Array {
  if (text.startsWith(String.raw`\x`)) return new Uint8Array(Buffer.from(text.slice(2), "hex"));
  // The older form: octal numbers behind backslashes.
  const latin = text.replaceAll(/\\(\\|[0-7]{3})/g, (_all, code: string) =>
    code === "\\" ? "\\" : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return new Uint8Array(Buffer.from(latin, "latin1"));
}

const momentForm =
  /^(\d+)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

const hyphen = 45;
const space = 32;

/** Of four-digit years in UTC, which almost all are, at a third of the time. */
function readUtc(text: string): Date {
  const twoDigits = (at: number): number => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
  const fraction = text.slice(20, -3).padEnd(3, "0").slice(0, 3);
  const date = new Date(
    Date.UTC(2000, twoDigits(5) - 1, 1, twoDigits(11), twoDigits(14), twoDigits(17), Number(fraction)),
  );
  date.setUTCFullYear(twoDigits(0) * 100 + twoDigits(2), twoDigits(5) - 1, twoDigits(8));
  return date;
}

/** By hand: of years before 1000 and beyond 9999, and of zones with seconds, `Date` makes something else. */
function readMoment(text: string): Date | number {
  if (text.endsWith("+00") && text.charCodeAt(4) === hyphen && text.charCodeAt(10) === space) return readUtc(text);
  if (text === "infinity") return Infinity;
  if (text === "-infinity") return -Infinity;
  const match = momentForm.exec(text);
  // A Date made of it would be another day, for some.
  if (match === null) throw new TypeError("Expected the server to write moments as the DateStyle ISO has them");
  const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHour, zoneMinute = 0, zoneSecond = 0] =
    match;
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  const date = new Date(0);
  date.setUTCFullYear(match[12] === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), ms);
  const zoneMs = (Number(zoneHour) * 3_600 + Number(zoneMinute) * 60 + Number(zoneSecond)) * 1_000;
  return new Date(date.getTime() - (sign === "-" ? -zoneMs : zoneMs));
}

/**
 * A value as it goes to the server.
 *
 * @param type - that of the parameter, where it is known: an array is one of Postgres, unless it is for JSON
 * @throws {TypeError} nothing can be made of it
 */
export function writeValue(value: unknown, type: number | undefined): WireValue {
  if (value === null || value === undefined) return null;
  if (type === oid.json || type === oid.jsonb) return writeJson(value);
  if (value instanceof Uint8Array) return bufferOf(value);
  if (Array.isArray(value)) return writeArrayOf(value, type);
  return writeText(value);
}

/** Whether it may be written in one way for one type, and in another for the next. */
export function dependsOnType(value: unknown): boolean {
  if (typeof value === "object" && value !== null)
    return value instanceof Uint8Array || value instanceof Date || Array.isArray(value);
  return (
    typeof value === "string" || typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))
  );
}

/** The same as text, for COPY. */
export function writeAsText(value: unknown, type: number | undefined): string | null {
  const written = writeValue(value, type);
  return typeof written === "string" || written === null ? written : hexOf(written);
}

function writeArrayOf(value: readonly unknown[], type: number | undefined): string {
  const element = type === undefined ? undefined : elements.get(type);
  const isJson = element === oid.json || element === oid.jsonb;
  return writeArray(value, isJson ? writeJson : writeElement, type === boxArray ? ";" : ",", !isJson);
}

function writeElement(value: unknown): string {
  return value instanceof Uint8Array ? hexOf(value) : writeText(value);
}

function hexOf(bytes: Uint8Array): string {
  return `\\x${bufferOf(bytes).toString("hex")}`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeText(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      if (value instanceof Date) return writeMoment(value);
      expectNoBuffer(value!);
      return writeJson(value);
    default:
      throw new TypeError(`Expected a value that a database can take, got a ${typeof value}`);
  }
}

function writeJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`Expected a value that JSON can hold, got a ${typeof value}`);
  return text;
}

function writeMoment(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new TypeError("Expected a Date that is a moment, got an invalid one");
  const text = date.toISOString();
  // Four-digit years, from the first on.
  if (text.length === 24 && !text.startsWith("0000")) return text;
  const year = date.getUTCFullYear();
  // From the month on. Postgres counts years before the first as 1 BC and so on.
  const rest = text.slice(-20);
  return year >= 1 ? `${String(year).padStart(4, "0")}${rest}` : `${String(1 - year).padStart(4, "0")}${rest} BC`;
}
