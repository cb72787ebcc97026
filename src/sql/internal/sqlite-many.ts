import { checkedScope } from "../../core/index.ts";
import { type ManyRows, type RowWindow, checkRow, windowsOf } from "./row-windows.ts";
import { SqliteCall } from "./sqlite-call.ts";
import type { ThreadWork } from "./sqlite-protocol.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { type SqliteValue, toSqlite } from "./sqlite-values.ts";

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
  const batches = windowsOf(rows, new RowValues(work.width));
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

/** The values of rows, one after the other. */
class RowValues implements RowWindow<readonly SqliteValue[]> {
  readonly #width: number;
  #values: SqliteValue[] = [];
  #size = 0;
  #at = 0;

  constructor(width: number) {
    this.#width = width;
  }

  add(row: readonly unknown[]): boolean {
    checkRow(row, this.#width, ++this.#at);
    for (const value of row) {
      const converted = toSqlite(value);
      this.#values.push(converted);
      if (typeof converted === "string" || converted instanceof Uint8Array) this.#size += converted.length;
    }
    return this.#values.length >= batchValues || this.#size >= batchSize;
  }

  take(): readonly SqliteValue[] | undefined {
    const values = this.#values;
    this.#values = [];
    this.#size = 0;
    return values.length === 0 ? undefined : values;
  }
}
