import { breathe } from "../../core/index.ts";

/** Rows of values, of whichever kind of source. */
export type ManyRows = Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;

/** Gathers rows into what goes to the database at once. */
export interface RowWindow<W> {
  /** Takes a row, and says whether that is enough. */
  add(row: readonly unknown[]): boolean;
  /** What was gathered; undefined if that is nothing. */
  take(): W | undefined;
}

/** All rows, gathered. A source that never waits lets others run in between. */
export async function* windowsOf<W>(rows: ManyRows, window: RowWindow<W>): AsyncGenerator<W, void, void> {
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) if (window.add(row)) yield window.take()!;
  } else {
    for (const row of rows) {
      if (!window.add(row)) continue;
      yield window.take()!;
      await breathe();
    }
  }
  const rest = window.take();
  if (rest !== undefined) yield rest;
}

/** What a row takes of memory, about. */
export function sizeOfRow(row: readonly unknown[]): number {
  let size = 0;
  for (const value of row) {
    if (typeof value === "string" || value instanceof Uint8Array) size += value.length;
    else size += 16;
  }
  return size;
}

/** @param at - its place, from 1 on */
export function checkRow(row: readonly unknown[], width: number, at: number): void {
  if (!Array.isArray(row))
    throw new TypeError(`Expected each row to be an array of values, got ${typeof row} as row ${at}`);
  if (row.length !== width)
    throw new TypeError(`Expected each row to have ${width} values, got ${row.length} in row ${at}`);
}
