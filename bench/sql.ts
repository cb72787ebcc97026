/** Databases: `taskwright/sql` and its peers on one server, which waits for the disk. */
import { execFileSync } from "node:child_process";
import { run } from "taskwright";
import { type Database, connect } from "taskwright/sql";
import { performance } from "node:perf_hooks";
import pg from "pg";
import postgres from "postgres";
import { type Postgres, startPostgres } from "../test/sql/postgres.ts";
import { copyMessages, messagesOf } from "./copy-floor.ts";
import { type Contender, hold } from "./harness.ts";
import { pythonWith } from "./python.ts";
import { benchSqlMemory } from "./sql-memory.ts";
import { benchSqlite } from "./sqlite.ts";

const queries = 20_000;
const insertedRows = 100_000;
const readRows = 200_000;
const connections = 10;

/** Three rounds of everything take a minute or so. */
export async function benchSql(): Promise<void> {
  await benchSqlite();
  await using server = await startPostgres({ fsync: true });
  await run(() => benchOn(server), { signals: false });
  await benchSqlMemory(server.url());
}

/** Without what comes before and after. */
interface Inserted {
  readonly ms: number;
  readonly count: number;
}

type Row = [id: number, name: string, score: number, at: Date];

async function benchOn(server: Postgres): Promise<void> {
  await using db = await connect(server.url(), { max: connections });
  const pool = new pg.Pool({ connectionString: server.url(), max: connections });
  const client = postgres(server.url(), { max: connections, onnotice: () => {} });
  const asyncpg = new Asyncpg(server);
  await db.execute("create table bench (id int, name text, score float8, at timestamptz)");
  const rows = Array.from({ length: insertedRows }, (_, id): Row => [id, `name ${id}`, id / 7, new Date(id * 1_000)]);
  try {
    await benchQueries(db, pool, client, asyncpg);
    await benchInserts(db, pool, client, asyncpg, rows);
    await benchReads(db, pool, client, asyncpg);
  } finally {
    await pool.end();
    await client.end();
  }
}

async function benchQueries(db: Database, pool: pg.Pool, client: postgres.Sql, asyncpg: Asyncpg): Promise<void> {
  const all = (ask: (value: number) => Promise<unknown>): Promise<unknown[]> =>
    Promise.all(Array.from({ length: queries }, (_, value) => ask(value)));
  await hold({
    title: `${queries} times \`select $1\` at once, over ${connections} connections`,
    units: queries,
    contenders: [
      { name: "taskwright", run: () => all((value) => db.fetchValue("select $1::int as v", [value])) },
      {
        name: "pg.Pool",
        run: () => all(async (v) => ((await pool.query("select $1::int as v", [v])).rows[0] as { v: number }).v),
      },
      { name: "postgres.js, pipelined", run: () => all(async (v) => (await client`select ${v}::int as v`)[0]!["v"]) },
      ...asyncpg.contenders("queries", queries),
    ],
    check: (result) => {
      if (Array.isArray(result) && result[17] !== 17) throw new Error(`answers are wrong: ${String(result[17])}`);
    },
  });
}

async function benchInserts(
  db: Database,
  pool: pg.Pool,
  client: postgres.Sql,
  asyncpg: Asyncpg,
  rows: readonly Row[],
): Promise<void> {
  const columns = ["id", "name", "score", "at"];
  const insert = "insert into bench values ($1, $2, $3, $4)";
  const into = async (work: () => Promise<unknown>): Promise<Inserted> => {
    await db.execute("truncate bench");
    const startedMs = performance.now();
    await work();
    const ms = performance.now() - startedMs;
    return { ms, count: (await db.fetchValue<number>("select count(*) from bench"))! };
  };
  const types = [23, 25, 701, 1184];
  const messages = messagesOf(rows, types);
  const alone = await pool.connect();
  const contender = (name: string, work: () => Promise<unknown>): Contender => ({
    name,
    run: () => into(work),
    ownMs: (result) => (result as Inserted).ms,
  });
  await hold({
    title: `${insertedRows} rows of four columns, inserted`,
    units: insertedRows,
    contenders: [
      contender("taskwright copyInto", () => db.copyInto("bench", columns, rows)),
      contender("taskwright executeMany", () => db.executeMany(insert, rows)),
      contender("pg.Pool, unnest in 10,000s", () => insertByUnnest(pool, rows)),
      contender("postgres.js, values in 10,000s", () => insertByValues(client, rows)),
      contender("COPY alone, its bytes made before", () =>
        copyMessages(alone, "copy bench (id, name, score, at) from stdin", types, messages),
      ),
      ...asyncpg.contenders("copy", insertedRows),
      ...asyncpg.contenders("executemany", insertedRows),
    ],
    check: (result) => expectCount(insertedRows)((result as Partial<Inserted>).count),
  });
  alone.release();
}

const at10000 = (rows: readonly Row[]): Row[][] =>
  Array.from({ length: rows.length / 10_000 }, (_, index) => rows.slice(index * 10_000, (index + 1) * 10_000));

async function insertByUnnest(pool: pg.Pool, rows: readonly Row[]): Promise<void> {
  for (const part of at10000(rows)) {
    const columns = [0, 1, 2, 3].map((index) => part.map((row) => row[index]));
    await pool.query(
      "insert into bench select * from unnest($1::int[], $2::text[], $3::float8[], $4::timestamptz[])",
      columns,
    );
  }
}

async function insertByValues(client: postgres.Sql, rows: readonly Row[]): Promise<void> {
  for (const part of at10000(rows)) {
    const objects = part.map(([id, name, score, at]) => ({ id, name, score, at }));
    await client`insert into bench ${client(objects)}`;
  }
}

async function benchReads(db: Database, pool: pg.Pool, client: postgres.Sql, asyncpg: Asyncpg): Promise<void> {
  const text = `select n as id, 'name ' || n as name, n / 7.0::float8 as score, now() as at from generate_series(1, ${readRows}) n`;
  const streamed = async (): Promise<number> => {
    let count = 0;
    for await (const _ of db.stream(text)) count++;
    return count;
  };
  const copied = async (): Promise<number> => {
    let count = 0;
    for await (const piece of db.copyFrom(`(${text})`)) for (const byte of piece) if (byte === 10) count++;
    return count;
  };
  await hold({
    title: `${readRows} rows of four columns, read`,
    units: readRows,
    contenders: [
      { name: "taskwright fetch", run: async () => (await db.fetch(text)).length },
      { name: "taskwright stream", run: streamed },
      { name: "taskwright copyFrom", run: copied },
      { name: "pg.Pool", run: async () => (await pool.query(text)).rows.length },
      { name: "postgres.js", run: async () => (await client.unsafe(text)).length },
      ...asyncpg.contenders("fetch", readRows),
    ],
    check: expectCount(readRows),
  });
}

function expectCount(expected: number): (result: unknown) => void {
  return (result) => {
    if (typeof result === "number" && result !== expected) throw new Error(`${result} rows instead of ${expected}`);
  };
}

/** asyncpg, where Python has it. */
class Asyncpg {
  readonly #url: string;
  /** That of the system, too: where another stands before it, Debian's packages are not with that. */
  readonly #python: string | undefined;

  constructor(server: Postgres) {
    this.#url = server.url();
    this.#python = pythonWith("asyncpg");
  }

  /** The time is its own: without the start of Python. */
  contenders(work: string, units: number): Contender[] {
    const python = this.#python;
    if (python === undefined) return [];
    const script = new URL("compare-asyncpg.py", import.meta.url).pathname;
    const runScript = (): unknown =>
      JSON.parse(execFileSync(python, [script, this.#url, work, String(units)], { encoding: "utf8" }));
    return [{ name: `asyncpg ${work}`, run: runScript, ownMs: (result) => (result as { ms: number }).ms }];
  }
}
