import type { SqliteValue } from "./sqlite-values.ts";

/** Makes a row of the values that begin at `at`. */
export type RowMaker = (values: readonly SqliteValue[], at: number) => unknown;

/** Rows with these columns. Of several with the same name the last is there. */
export function rowMaker(names: readonly string[]): RowMaker {
  // Assigned to, it would be something else.
  if (names.includes("__proto__"))
    return (values, at) => Object.fromEntries(names.map((name, i) => [name, values[at + i]]));
  return (values, at) => {
    const row: Record<string, SqliteValue | undefined> = {};
    for (let index = 0; index < names.length; index++) row[names[index]!] = values[at + index];
    return row;
  };
}
