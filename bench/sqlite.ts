/** SQLite: `taskwright/sql` in its threads, and those that hold up the loop meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
// @ts-expect-error -- it has no types
import BetterSqlite from "better-sqlite3";
import { run } from "taskwright";
import { type Database, connect } from "taskwright/sql";
import { hold } from "./harness.ts";

const queries = 20_000;
const insertedRows = 100_000;
const readRows = 200_000;

type Row = readonly [id: number, name: string, score: number, at: string];

/** What both of the others can do. */
interface Sync {
  exec(text: string): unknown;
  prepare(text: string): Statement;
  close(): unknown;
}

interface Statement {
  run(...values: readonly unknown[]): unknown;
  get(...values: readonly unknown[]): unknown;
  all(): readonly unknown[];
  iterate(): Iterable<unknown>;
}

/** Files wait for the disk at the end of each transaction, as they do by default. */
export async function benchSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "taskwright-bench-"));
  const node = new DatabaseSync(join(folder, "node.db")) as unknown as Sync;
  const better = new (BetterSqlite as new (path: string) => Sync)(join(folder, "better.db"));
  try {
    await run(
      async () => {
        await using db = await connect(`sqlite:${join(folder, "ours.db")}`);
        await benchAll(db, node, better);
      },
      { signals: false },
    );
  } finally {
    node.close();
    better.close();
    rmSync(folder, { recursive: true });
  }
}

async function benchAll(db: Database, node: Sync, better: Sync): Promise<void> {
  const schema = "create table bench (id integer, name text, score real, at text)";
  await db.execute(schema);
  for (const sync of [node, better]) sync.exec(`pragma journal_mode = wal; pragma synchronous = full; ${schema}`);
  await benchInserts(db, node, better);
  const fill = `delete from bench; insert into bench with recursive n (i) as (select 1 union all select i + 1 from n
    where i < ${readRows}) select i, 'name ' || i, i / 7.0, '2026-01-01T00:00:00.000Z' from n`;
  await db.execute(fill);
  for (const sync of [node, better]) sync.exec(fill);
  await benchReads(db, node, better);
  await benchQueries(db, node, better);
}

async function benchInserts(db: Database, node: Sync, better: Sync): Promise<void> {
  const rows = Array.from({ length: insertedRows }, (_, id): Row => [
    id,
    `name ${id}`,
    id / 7,
    new Date(id).toISOString(),
  ]);
  const columns = ["id", "name", "score", "at"];
  const into = async (work: () => Promise<unknown>): Promise<unknown> => {
    await db.execute("delete from bench");
    await work();
    return await db.fetchValue("select count(*) from bench");
  };
  await hold({
    title: `SQLite: ${insertedRows} rows of four columns, inserted in one transaction`,
    units: insertedRows,
    contenders: [
      { name: "taskwright copyInto", run: () => into(() => db.copyInto("bench", columns, rows)) },
      {
        name: "taskwright executeMany",
        run: () => into(() => db.executeMany("insert into bench values ($1, $2, $3, $4)", rows)),
      },
      { name: "node:sqlite", run: () => insert(node, rows) },
      { name: "better-sqlite3", run: () => insert(better, rows) },
    ],
    check: expectCount(insertedRows),
  });
}

function insert(sync: Sync, rows: readonly Row[]): number {
  sync.exec("delete from bench");
  const statement = sync.prepare("insert into bench values (?, ?, ?, ?)");
  sync.exec("begin");
  for (const row of rows) statement.run(...row);
  sync.exec("commit");
  return (sync.prepare("select count(*) as count from bench").get() as { readonly count: number }).count;
}

async function benchReads(db: Database, node: Sync, better: Sync): Promise<void> {
  const text = "select * from bench";
  const streamed = async (): Promise<number> => {
    let count = 0;
    for await (const _ of db.stream(text)) count++;
    return count;
  };
  const iterated = (sync: Sync): number => {
    let count = 0;
    for (const _ of sync.prepare(text).iterate()) count++;
    return count;
  };
  await hold({
    title: `SQLite: ${readRows} rows of four columns, read`,
    units: readRows,
    contenders: [
      { name: "taskwright fetch", run: async () => (await db.fetch(text)).length },
      { name: "taskwright stream", run: streamed },
      { name: "node:sqlite all", run: () => node.prepare(text).all().length },
      { name: "node:sqlite iterate", run: () => iterated(node) },
      { name: "better-sqlite3 all", run: () => better.prepare(text).all().length },
      { name: "better-sqlite3 iterate", run: () => iterated(better) },
    ],
    check: expectCount(readRows),
  });
}

async function benchQueries(db: Database, node: Sync, better: Sync): Promise<void> {
  const text = "select name from bench where rowid = ";
  const all = (sync: Sync): unknown => {
    const statement = sync.prepare(`${text}?`);
    let last: unknown;
    for (let id = 1; id <= queries; id++) last = statement.get(id);
    return (last as { readonly name: string }).name;
  };
  const together = async (): Promise<unknown> => {
    const ids = Array.from({ length: queries }, (_, index) => index + 1);
    return (await Promise.all(ids.map((id) => db.fetchValue(`${text}$1`, [id])))).at(-1);
  };
  await hold({
    title: `SQLite: ${queries} rows, each by a query of its own; ours come and go by message, all asked for at once`,
    units: queries,
    contenders: [
      { name: "taskwright", run: together },
      { name: "node:sqlite", run: () => all(node) },
      { name: "better-sqlite3", run: () => all(better) },
    ],
    check: (result) => {
      if (result !== `name ${queries}`) throw new Error(`the last is wrong: ${String(result)}`);
    },
  });
}

function expectCount(expected: number): (result: unknown) => void {
  return (result) => {
    if (result !== expected) throw new Error(`${String(result)} rows instead of ${expected}`);
  };
}
