/**
 * `pipeline-side.ts URL WAY ROWS`: puts so many rows into a database, in a process of its own, and prints how long that took
 * and how much memory, in MB.
 */
import { performance } from "node:perf_hooks";
import { mapStream, run } from "taskwright";
import { type Database, connect, insertBatches } from "taskwright/sql";

/** What a process has done. */
export interface Piped {
  readonly ms: number;
  readonly count: number;
  readonly mb: number;
}

/** How rows get into the table. */
export type Way = "copyInto" | "insertBatches" | "async insertBatches" | "mapStream insertBatches";

type Row = readonly [id: number, name: string, score: number, at: Date];

const columns = ["id", "name", "score", "at"];

function* rowsUpTo(count: number): Generator<Row> {
  for (let id = 0; id < count; id++) yield [id, `name ${id}`, id / 7, new Date(id * 1_000)];
}

async function* arriving(count: number): AsyncGenerator<Row> {
  yield* rowsUpTo(count);
}

const ways: Record<Way, (db: Database, count: number) => Promise<number>> = {
  copyInto: (db, count) => db.copyInto("pipeline", columns, rowsUpTo(count)),
  insertBatches: (db, count) => insertBatches(db, "pipeline", columns, rowsUpTo(count)),
  "async insertBatches": (db, count) => insertBatches(db, "pipeline", columns, arriving(count)),
  "mapStream insertBatches": (db, count) => {
    const rows = mapStream(rowsUpTo(count), async (row) => row, { concurrency: 100 });
    return insertBatches(db, "pipeline", columns, rows);
  },
};

const [url = "", way = "", rows = ""] = process.argv.slice(2);
await run(async () => {
  await using db = await connect(url, { max: 3 });
  await db.execute("drop table if exists pipeline; create table pipeline (id int, name text, score float8, at text)");
  const startedMs = performance.now();
  const count = await ways[way as Way](db, Number(rows));
  const ms = performance.now() - startedMs;
  const piped: Piped = { ms, count, mb: Math.round((process.resourceUsage().maxRSS * 1_024) / 1e6) };
  console.log(JSON.stringify(piped));
});
