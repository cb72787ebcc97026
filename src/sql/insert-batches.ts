import { expectInteger, expectMs, shield, taskGroup } from "../core/index.ts";
import { type BatchStream, batch } from "../flow/index.ts";
import { Semaphore } from "../sync/index.ts";
import type { Queryable } from "./database.ts";
import { quotePath } from "./internal/quote-path.ts";
import { checkRow, sizeOfRow } from "./internal/row-windows.ts";
import { quoteName } from "./query.ts";

/** Settings of {@link insertBatches}. */
export interface InsertBatchesOptions {
  /** Rows of a batch. @default 2_000 */
  readonly batchRows?: number;
  /** What the rows of a batch may take together, about, in bytes; one that is larger is a batch alone. @default 4 MiB */
  readonly maxBytes?: number;
  /** A batch goes out so long after its first row came, full or not, in milliseconds. @default 50 */
  readonly withinMs?: number;
  /** Batches on their way at once, each over a connection of its own. SQLite has one that writes. @default 3 */
  readonly concurrency?: number;
  /**
   * What is done with rows that are there already: by what makes `columns` unique, a primary key or an index. `"nothing"`
   * keeps the old row, `"update"` sets all its other columns to those of the new one. So what is inserted twice is there
   * once. Of such rows in two batches the one or the other comes last, unless `concurrency` is 1. Without it such a row
   * fails its batch.
   */
  readonly onConflict?: { readonly columns: readonly string[]; readonly do: "nothing" | "update" };
  /**
   * What becomes of rows that were read and are not in the table yet, when the task is cancelled or the source fails.
   * `"drop"` rolls back the batches that are on their way; `"flush"` inserts all that was read before the cancellation or
   * the error goes on, however long the database takes for it. @default "drop"
   */
  readonly whenStopped?: "drop" | "flush";
}

/** How often a batch is tried again that others got in the way of. */
const maxRetries = 10;

type Rows = readonly (readonly unknown[])[];
type Insert = (rows: Rows) => Promise<number>;

/**
 * Inserts rows in batches, several at once, in constant memory: for rows that come on and on, as of a pipeline. Each batch is
 * in the table as a whole or not at all, and stays there whatever comes after; `copyInto` has all rows in the table, or none.
 *
 * While all batches are on their way, the source is asked for one batch more, and no further. The first that fails, be
 * it a batch or the source, ends it: nothing more is read, and batches on their way are rolled back.
 *
 * Cancel: closes the source, and rolls back the batches on their way, or waits for them: see `whenStopped`.
 *
 * @param db - a database; with a transaction or a connection of one's own, one batch goes after the other
 * @param table - a name, or `schema.table`; quoted
 * @param columns - names; quoted
 * @param rows - any sync or async iterable: as many values each as there are columns
 * @returns how many were inserted, or updated
 * @throws {RangeError | TypeError} an option is wrong, or a row
 * @throws as {@link Queryable.fetch}
 *
 * @example
 * ```ts
 * import { mapStream, sleep } from "taskwright";
 * import { connect, insertBatches } from "taskwright/sql";
 *
 * await using db = await connect("sqlite::memory:");
 * await db.execute("create table squares (n integer primary key, square integer)");
 * const rows = mapStream([1, 2, 3], async (n) => (await sleep(1), [n, n * n]), { concurrency: 2 });
 * console.log(await insertBatches(db, "squares", ["n", "square"], rows)); // => 3
 * ```
 */
export async function insertBatches(
  db: Queryable,
  table: string,
  columns: readonly string[],
  rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  options: InsertBatchesOptions = {},
): Promise<number> {
  const { batchRows = 2_000, maxBytes = 4 * 1024 * 1024, withinMs = 50, concurrency = 3 } = options;
  const { whenStopped = "drop", onConflict } = options;
  expectInteger("batchRows", batchRows, 1);
  expectInteger("maxBytes", maxBytes, 1);
  expectInteger("concurrency", concurrency, 1);
  expectMs("withinMs", withinMs, 0);
  if (whenStopped !== "drop" && whenStopped !== "flush")
    throw new TypeError(`Expected \`whenStopped\` to be "drop" or "flush", got \`${String(whenStopped)}\``);
  const insert: Insert =
    onConflict === undefined
      ? (some) => db.copyInto(table, columns, some)
      : upsert(db, table, columns, onConflict.columns, onConflict.do);
  const flushes = whenStopped === "flush";
  let at = 0;
  const weight = (row: readonly unknown[]): number => {
    // Here, where its place among all is known.
    checkRow(row, columns.length, ++at);
    return sizeOfRow(row);
  };
  const size = { size: batchRows, maxWeight: maxBytes, weight, withinMs };
  const batches = batch(rows, { ...size, afterFailure: flushes ? "give" : "drop" });
  return await insertAll(batches, flushes ? (some) => shield(() => insert(some)) : insert, concurrency, flushes);
}

async function insertAll(
  batches: BatchStream<readonly unknown[]>,
  insert: Insert,
  concurrency: number,
  flushes: boolean,
): Promise<number> {
  const slots = new Semaphore(concurrency);
  let count = 0;
  let isRefused = false;
  const add = async (rows: Rows): Promise<void> => {
    try {
      const inserted = await insert(rows);
      count += inserted;
    } catch (error) {
      isRefused = true;
      throw error;
    }
  };
  await taskGroup(
    async (group) => {
      try {
        for (;;) {
          // A slot first: what was read is never left lying.
          using stack = new DisposableStack();
          const permit = stack.use(await slots.acquire());
          const step = await batches.next();
          // The slot may be that of the batch that was refused, which the group has not heard of yet.
          if (step.done === true || isRefused) return;
          stack.move();
          group.spawn(() => add(step.value).finally(() => permit.release()), { name: "a batch of rows" });
        }
      } catch (error) {
        if (flushes && !isRefused) await shield(() => insertRest(batches, add));
        throw error;
      } finally {
        await batches.return();
      }
    },
    { name: "insertBatches" },
  );
  return count;
}

/** What was read, and nobody has taken. */
async function insertRest(batches: BatchStream<readonly unknown[]>, add: (rows: Rows) => Promise<void>): Promise<void> {
  for (;;) {
    // Why there is no more: that is known already.
    const step = await batches.next().catch(() => undefined);
    if (step === undefined || step.done === true) return;
    await add(step.value);
  }
}

function upsert(
  db: Queryable,
  table: string,
  columns: readonly string[],
  unique: readonly string[],
  action: "nothing" | "update",
): Insert {
  if (unique.length === 0) throw new TypeError("Expected `onConflict.columns` to have at least one name");
  if (action !== "nothing" && action !== "update")
    throw new TypeError(`Expected \`onConflict.do\` to be "nothing" or "update", got \`${String(action)}\``);
  const others = columns.filter((name) => !unique.includes(name)).map(quoteName);
  const update = others.map((name) => `${name} = excluded.${name}`).join(", ");
  const done = action === "nothing" || others.length === 0 ? "nothing" : `update set ${update}`;
  const parameters = columns.map((_, index) => `$${index + 1}`).join(", ");
  const text =
    `insert into ${quotePath(table)} (${columns.map(quoteName).join(", ")}) values (${parameters}) ` +
    `on conflict (${unique.map(quoteName).join(", ")}) do ${done}`;
  // Two batches that have the same rows in another order may wait for each other: Postgres gives up one of them.
  return (rows) => db.transaction((tx) => tx.executeMany(text, rows), { retrySerialization: maxRetries });
}
