/**
 * Values of SQLite and of JavaScript.
 *
 * | JavaScript             | SQLite                                              | read again                       |
 * | ---------------------- | --------------------------------------------------- | -------------------------------- |
 * | null, undefined        | null                                                | null                             |
 * | number                 | integer where it is a safe one, otherwise real      | number                           |
 * | bigint                 | integer                                             | number where it is exact (up to 2^53 - 1), bigint beyond |
 * | boolean                | 1 and 0                                             | number                           |
 * | string                 | text                                                | string                           |
 * | Uint8Array             | blob                                                | Uint8Array                       |
 * | Date                   | text: `2026-01-31T12:00:00.000Z`                    | string                           |
 * | other objects, arrays  | text: JSON                                          | string                           |
 */

import { expectNoBuffer } from "./expect-no-buffer.ts";

/** A value on its way to the thread of a database. Numbers become integers or reals there. */
export type SqliteValue = null | string | number | bigint | Uint8Array;

const leastInteger = -(2n ** 63n);
const mostInteger = 2n ** 63n - 1n;

/**
 * A value as it goes to SQLite.
 *
 * @throws {TypeError} nothing can be made of it
 * @throws {RangeError} it is too big an integer
 */
export function toSqlite(value: unknown): SqliteValue {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      // SQLite would make it null.
      if (Number.isNaN(value)) throw new TypeError("Expected a value that SQLite can hold, got NaN");
      return value;
    case "bigint":
      if (value >= leastInteger && value <= mostInteger) return value;
      throw new RangeError(`Expected an integer of at most 64 bits, got \`${value}\` (bigint)`);
    case "boolean":
      return value ? 1 : 0;
    case "undefined":
      return null;
    case "object":
      return value === null ? null : objectToSqlite(value);
    default:
      throw new TypeError(`Expected a value that a database can take, got a ${typeof value}`);
  }
}

function objectToSqlite(value: object): SqliteValue {
  // A copy: the caller may change it, and a view into a larger buffer would take all of that along.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError("Expected a Date that is a moment, got an invalid one");
    return value.toISOString();
  }
  expectNoBuffer(value);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError("Expected a value that JSON can hold, got one it leaves out");
  return text;
}
