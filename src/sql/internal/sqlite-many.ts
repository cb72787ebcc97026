import { breathe, checkedScope } from "../../core/index.ts";
import { SqliteCall } from "./sqlite-call.ts";
import type { ThreadWork } from "./sqlite-protocol.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { type SqliteValue, toSqlite } from "./sqlite-values.ts";

/** Rows of values, of whichever kind of source. */
export type ManyRows = Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;

/** As much goes to the thread at once. */
const batchValues = 8_192;
const batchSize = 512 * 1024;

/** What is done with rows. */
export interface ManyWork {
  readonly kind: "many" | "insert";
  readonly text: string;
  /** Values of a row, 1 or more. */
  readonly width: number;
  /** For errors. */
  readonly query: string;
}

type Batches = AsyncGenerator<readonly SqliteValue[], void, void>;

/**
 * Sends rows to a thread in batches: while it works on one, the next is gathered.
 *
 * @param alone - gives a connection in a transaction; only when the first batch is there, so that a short one keeps nobody
 * waiting, however long its source takes
 * @returns how many rows have changed
 */
export async function sendRows(
  alone: (fn: (thread: SqliteThread) => Promise<number>) => Promise<number>,
  work: ManyWork,
  rows: ManyRows,
): Promise<number> {
  const batches = batchesOf(rows, work.width);
  try {
    const step = await batches.next();
    const first = step.done === true ? [] : step.value;
    return await alone((thread) => sendBatches(thread, work, first, batches));
  } finally {
    await batches.return();
  }
}

async function sendBatches(
  thread: SqliteThread,
  { kind, text, width, query }: ManyWork,
  first: readonly SqliteValue[],
  rest: Batches,
): Promise<number> {
  let count = 0;
  let batch: readonly SqliteValue[] | undefined = first;
  while (batch !== undefined) {
    const work: ThreadWork = [kind, text, batch, width];
    const call: SqliteCall = new SqliteCall(checkedScope(), thread, work, query);
    // If the source fails meanwhile, that is what is told.
    call.promise.catch(() => {});
    const step = await rest.next();
    batch = step.done === true ? undefined : step.value;
    await call.promise;
    count += call.count;
  }
  return count;
}

async function* batchesOf(rows: ManyRows, width: number): Batches {
  let batch: SqliteValue[] = [];
  let size = 0;
  let at = 0;
  const add = (row: readonly unknown[]): boolean => {
    at++;
    checkRow(row, width, at);
    for (const value of row) {
      const converted = toSqlite(value);
      batch.push(converted);
      if (typeof converted === "string" || converted instanceof Uint8Array) size += converted.length;
    }
    return batch.length >= batchValues || size >= batchSize;
  };
  const take = (): readonly SqliteValue[] => {
    const full = batch;
    batch = [];
    size = 0;
    return full;
  };
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) if (add(row)) yield take();
  } else {
    for (const row of rows) {
      if (!add(row)) continue;
      yield take();
      await breathe();
    }
  }
  if (batch.length > 0) yield batch;
}

function checkRow(row: readonly unknown[], width: number, at: number): void {
  if (!Array.isArray(row))
    throw new TypeError(`Expected each row to be an array of values, got ${typeof row} as row ${at}`);
  if (row.length !== width) {
    throw new TypeError(`Expected each row to have ${width} values, got ${row.length} in row ${at}`);
  }
}
