import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TimeoutError, run, sleep, timeout } from "../core/index.ts";
import { freshDatabase, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Database, type Queryable, connect } from "./index.ts";

let server: Postgres;
let db: Database;
let watcher: Database;
beforeAll(async () => {
  server = await startPostgres();
  db = await freshDatabase(server, { max: 1 });
  watcher = await freshDatabase(server);
});
beforeEach(() => db.execute("drop table if exists t; create table t (n int primary key, note text, data jsonb)"));
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await watcher[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const count = (): Promise<number | undefined> => db.fetchValue<number>("select count(*) from t");

function* rowsUpTo(last: number): Generator<unknown[]> {
  for (let n = 1; n <= last; n++) yield [n, `note ${n}`, [n]];
}

async function* slowly(rows: Iterable<unknown[]>): AsyncGenerator<unknown[]> {
  for (const row of rows) {
    await sleep(0);
    yield row;
  }
}

async function* rowsOf(from: Queryable): AsyncGenerator<unknown[]> {
  for await (const { m } of from.stream("select n + 10 as m from t")) yield [m];
}

/** Numbers, but for one that is text. */
async function* endlessWithText(): AsyncGenerator<unknown[]> {
  for (let n = 1; ; n++) {
    if (n % 500 === 0) await sleep(1);
    yield [n === 700 ? " 700 " : n, "note".repeat(50), null];
  }
}

/** Whatever happened, the one connection is there, the same, and does what it is asked. */
async function expectUsable(pid: unknown): Promise<void> {
  expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);
  expect(db.statistics()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
  expect(await runningQueries(watcher)).toEqual([]);
}

async function read(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
}

const sinks = [
  [
    "executeMany",
    (rows: Iterable<unknown[]> | AsyncIterable<unknown[]>) =>
      db.executeMany("insert into t values ($1, $2, $3)", rows as never),
  ],
  [
    "copyInto",
    (rows: Iterable<unknown[]> | AsyncIterable<unknown[]>) => db.copyInto("t", ["n", "note", "data"], rows as never),
  ],
] as const;

test.for(sinks)("%s inserts rows of any iterable, and counts them", ([, insert]) =>
  inTree(async () => {
    expect(await insert([])).toBe(0);
    expect(await insert(rowsUpTo(3_500))).toBe(3_500);
    await db.execute("delete from t");
    expect(await insert(slowly(rowsUpTo(1_200)))).toBe(1_200);
    expect(await db.fetchRow("select * from t where n = 1200")).toEqual({ n: 1_200, note: "note 1200", data: [1_200] });
  }),
);

test.for(sinks)("%s inserts nothing where a row is rejected, and the connection is used on", ([, insert]) =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    const rows = [...rowsUpTo(5_000), [17, "again", null]];

    await expect(insert(rows)).rejects.toMatchObject({
      code: "SQL_CONSTRAINT",
      sqlState: "23505",
      constraint: "t_pkey",
    });
    await expect(insert([["no number", "", null]])).rejects.toMatchObject({ sqlState: "22P02" });
    await expect(insert([[Symbol("s") as unknown, "", null]])).rejects.toThrow(TypeError);
    expect(await count()).toBe(0);
    await expectUsable(pid);
  }),
);

test.for(sinks)("%s inserts nothing where its source fails, and closes the source", ([, insert]) =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    const error = new Error("on purpose");
    let isClosed = false;
    const failing = async function* (): AsyncGenerator<unknown[]> {
      try {
        yield* rowsUpTo(3_000);
        throw error;
      } finally {
        isClosed = true;
      }
    };

    await expect(insert(failing())).rejects.toBe(error);
    expect(isClosed).toBe(true);
    expect(await count()).toBe(0);
    await expectUsable(pid);
  }),
);

test.for(sinks)("%s that is cancelled inserts nothing, and closes the source", ([, insert]) =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    let isClosed = false;
    const endless = async function* (): AsyncGenerator<unknown[]> {
      try {
        for (let n = 1; ; n++) {
          if (n % 100 === 0) await sleep(1);
          yield [n, "note", null];
        }
      } finally {
        isClosed = true;
      }
    };

    await expect(timeout(100, () => insert(endless()))).rejects.toThrow(TimeoutError);
    expect(isClosed).toBe(true);
    expect(await count()).toBe(0);
    await expectUsable(pid);
  }),
);

test("what waits for a lock at the server is stopped there", () =>
  inTree(async () => {
    await using other = await freshDatabase(server, { max: 2 });
    await other.execute("create table t (n int primary key)");
    await using locker = await other.acquire();
    await locker.execute("begin; insert into t values (1)");
    const pid = await other.fetchValue("select pg_backend_pid()");

    await expect(timeout(100, () => other.executeMany("insert into t values ($1)", [[1]]))).rejects.toThrow(
      TimeoutError,
    );
    await expect(timeout(100, () => other.copyInto("t", ["n"], [[1]]))).rejects.toThrow(TimeoutError);

    expect(await other.fetchValue("select pg_backend_pid()")).toBe(pid);
    expect(await other.fetchValue("select count(*) from t")).toBe(0);
  }));

test("what is copied in comes out of it again, whatever it holds", () =>
  inTree(async () => {
    const note = fc.option(fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")));
    const special = fc.string({
      unit: fc.constantFrom("\\", "\t", "\n", "\r", "\b", "\f", "\v", "N", ".", '"', "x", ","),
    });
    const rows = fc.array(fc.tuple(note, special), { maxLength: 30 });
    await db.execute("create table if not exists texts (n int, a text, b text)");

    await fc.assert(
      fc.asyncProperty(rows, async (pairs) => {
        await db.execute("truncate texts");
        await db.copyInto(
          "texts",
          ["n", "a", "b"],
          pairs.map(([a, b], n) => [n, a, b]),
        );
        const found = await db.fetch("select a, b from texts order by n");
        expect(found.map(({ a, b }) => [a, b])).toEqual(pairs);
      }),
      { numRuns: 50 },
    );
  }));

test("rows with values of other kinds than their columns have are copied as they would be inserted", () =>
  inTree(async () => {
    const types =
      "a int2, b int4, c int8, d float4, e float8, f bool, g timestamptz, h timestamp, i uuid, j jsonb, k bytea, l varchar(9)";
    await db.execute(
      `drop table if exists copied, inserted; create table copied (${types}); create table inserted (${types})`,
    );
    const safe = fc.maxSafeInteger();
    const moment = fc.date({ noInvalidDate: true, min: new Date("-004000-01-01"), max: new Date("+200000-01-01") });
    // The first of each is what the column has, and what follows the server can read as text.
    const row = fc.tuple(
      fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -32_768, max: 32_767 }) }, fc.constantFrom(" 7 ", 7n)),
      fc.oneof({ weight: 9, arbitrary: fc.integer() }, fc.integer().map(String), fc.constant(-0)),
      fc.oneof({ weight: 9, arbitrary: safe }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), safe.map(String)),
      fc.oneof({ weight: 9, arbitrary: fc.float() }, fc.constantFrom("1e5", 3n, 0.1, null)),
      fc.oneof({ weight: 9, arbitrary: fc.double() }, fc.double().map(String), fc.constant(7n)),
      fc.oneof({ weight: 9, arbitrary: fc.boolean() }, fc.constantFrom("yes", "off", 1, null)),
      fc.oneof({ weight: 9, arbitrary: moment }, fc.constantFrom("2026-01-31 10:00+05", Infinity, -Infinity, null)),
      fc.oneof({ weight: 9, arbitrary: moment }, fc.constantFrom("2026-01-31", null)),
      fc.oneof(
        { weight: 9, arbitrary: fc.uuid() },
        fc.uuid().map((id) => `{${id.toUpperCase()}}`),
      ),
      fc
        .jsonValue({ maxDepth: 2, noUnicodeString: true })
        .filter((value) => !JSON.stringify(value).includes("\\u0000")),
      fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 99 }) }, fc.constantFrom(String.raw`\x00ff`, null)),
      fc.oneof({ weight: 9, arbitrary: fc.string({ maxLength: 9 }) }, fc.constantFrom(17, true, null, undefined)),
    );
    const columns = [..."abcdefghijkl"];
    const values = columns.map((_, index) => `$${index + 1}`).join(", ");

    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 12 }), async (rows) => {
        await db.execute("truncate copied, inserted");
        // A one is no boolean to either of them.
        const taken = rows.filter(([, , , , , f]) => f !== 1);
        expect(await db.copyInto("copied", columns, taken)).toBe(taken.length);
        for (const each of taken) await db.execute(`insert into inserted values (${values})`, each);
        expect(await db.fetch("select * from copied")).toEqual(await db.fetch("select * from inserted"));
      }),
      { numRuns: 60 },
    );
  }));

test.for([
  ["int2", 32_768, "22003"],
  ["int4", 2 ** 31, "22003"],
  ["int4", 1.5, "22P02"],
  ["int8", 2n ** 63n, "22003"],
  ["float4", 1e39, "22003"],
  ["float4", 1e-46, "22003"],
  ["bool", 1.5, "22P02"],
  ["uuid", "no uuid", "22P02"],
  ["timestamptz", new Date("-008000-01-01T00:00:00Z"), "22008"],
  ["varchar(3)", "long", "22001"],
] as const)(
  "%s refuses %s when it is copied, wherever it comes, and nothing is in the table",
  ([type, value, sqlState]) =>
    inTree(async () => {
      await db.execute(`drop table if exists one; create table one (v ${type}, n int)`);
      const rows = Array.from({ length: 9_000 }, (_, n) => [n === 7_000 ? value : null, n]);

      await expect(db.copyInto("one", ["v", "n"], [[value, 1]])).rejects.toMatchObject({ sqlState });
      await expect(db.copyInto("one", ["v", "n"], rows)).rejects.toMatchObject({ sqlState });
      expect(await db.fetchValue("select count(*) from one")).toBe(0);
    }),
);

test("a copy that is cancelled after it has gone on in text has copied nothing", () =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    await expect(timeout(200, () => db.copyInto("t", ["n", "note", "data"], endlessWithText()))).rejects.toThrow(
      TimeoutError,
    );
    expect(await count()).toBe(0);
    await expectUsable(pid);
  }));

test("copyFrom gives a table or a query, as text or CSV", () =>
  inTree(async () => {
    await db.execute(`insert into t values (1, 'a,b', null), (2, E'tab\\t', '[1]')`);
    expect(await read(db.copyFrom("t"))).toBe("1\ta,b\t\\N\n2\ttab\\t\t[1]\n");
    expect(await read(db.copyFrom("(select n, note from t order by n)", { format: "csv" }))).toBe('1,"a,b"\n2,tab\t\n');
    await expect(read(db.copyFrom("nowhere"))).rejects.toMatchObject({ sqlState: "42P01" });
    await expect(read(db.copyFrom("(select 1 / (n - 500) from generate_series(1, 1000) n)"))).rejects.toMatchObject({
      sqlState: "22012",
    });
    expect(db.statistics().inUse).toBe(0);
  }));

test("a COPY that is no copyInto is refused, and its connection used on", () =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    const copy = "copy t from stdin";

    for (const ask of [
      () => db.fetch(copy),
      () => db.execute(copy),
      () => db.stream(copy).next(),
      () => db.executeMany(copy, [[]]),
    ])
      await expect(ask()).rejects.toThrow("copyInto is for that");
    await expectUsable(pid);
  }));

test("reads of a stream that overlap get each row once, in order", () =>
  inTree(async () => {
    const rows = db.stream<{ n: number }>("select generate_series(1, 40) as n", [], { batchRows: 7 });
    const reads = await Promise.all(Array.from({ length: 41 }, () => rows.next()));

    expect(reads.map(({ value }) => value?.n)).toEqual([...Array.from({ length: 40 }, (_, n) => n + 1), undefined]);
  }));

test("leaving a copy, a stream or a slow reader behind frees the connection", () =>
  inTree(async () => {
    const pid = await db.fetchValue("select pg_backend_pid()");
    const endless = "(select generate_series(1, 100000000), repeat('x', 1000))";

    for await (const piece of db.copyFrom(endless)) {
      expect(piece.length).toBeGreaterThan(60_000);
      break;
    }
    await expectUsable(pid);
    for await (const row of db.stream("select generate_series(1, 100000000) as n", [], { batchRows: 10 })) {
      if (row["n"] === 25) break;
    }
    await expectUsable(pid);
    const reading = timeout(150, async () => {
      for await (const _ of db.copyFrom(endless)) await sleep(5);
    });
    await expect(reading).rejects.toThrow(TimeoutError);
    await expectUsable(pid);
    const streaming = timeout(100, async () => {
      for await (const _ of db.stream("select pg_sleep(60)")) expect.unreachable();
    });
    await expect(streaming).rejects.toThrow(TimeoutError);
    await expectUsable(pid);
  }));

test("a stream asks for as many rows as it is read, and fails where its query does", () =>
  inTree(async () => {
    const seen: unknown[] = [];
    for await (const { n } of db.stream<{ n: number }>("select n from generate_series(1, $1::int) n", [2_500]))
      seen.push(n);
    expect(seen).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));

    const failing = async (): Promise<void> => {
      for await (const { q } of db.stream("select 10 / (5 - n) as q from generate_series(1, 10) n", [], {
        batchRows: 2,
      }))
        expect(q).toBeTypeOf("number");
    };
    await expect(failing()).rejects.toMatchObject({ sqlState: "22012" });
    expect(() => db.stream("select 1", [], { batchRows: 0 })).toThrow(RangeError);
    expect(db.statistics()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
  }));

test("in a transaction, other queries run between the rows of a stream", () =>
  inTree(async () => {
    await db.copyInto("t", ["n", "note", "data"], rowsUpTo(103));
    await db.transaction(async (tx) => {
      for await (const { n } of tx.stream<{ n: number }>("select n from t", [], { batchRows: 7 }))
        await tx.execute("update t set note = 'seen' where n = $1", [n]);
    });

    expect(await db.fetchValue("select count(*) from t where note = 'seen'")).toBe(103);
  }));

test("rows that have not as many values as there are columns are refused", () =>
  inTree(async () => {
    await expect(db.copyInto("t", ["n", "note"], [[1, "a"], [2]])).rejects.toThrow(/row 2/);
    await expect(db.copyInto("t", [], [[]])).rejects.toThrow(TypeError);
    // Which has two characters.
    await expect(db.copyInto("t", ["n", "note"], ["12" as never])).rejects.toThrow(TypeError);
    expect(await count()).toBe(0);
  }));

test("an insert of many rows does the same with one statement for all of them as with one for each", () =>
  inTree(async () => {
    const types = "a int, b text, c jsonb, d timestamptz, e bytea, f int8, g numeric, h bool, i uuid, j float8";
    await db.execute(`drop table if exists one, each; create table one (${types}); create table each (${types})`);
    const row = fc.tuple(
      fc.integer(),
      fc.option(fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""))),
      fc.option(fc.constantFrom([1, [2]], { a: [] }, "text", 5, [])),
      fc.option(fc.date({ noInvalidDate: true, min: new Date(0) })),
      fc.option(fc.uint8Array({ maxLength: 9 })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.option(fc.integer().map((n) => `${n}.5`)),
      fc.option(fc.boolean()),
      fc.option(fc.uuid()),
      fc.double(),
    );
    const values = Array.from({ length: 10 }, (_, index) => `$${index + 1}`).join(", ");

    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        await db.execute("truncate one, each");
        expect(await db.executeMany(`insert into one values (${values})`, rows)).toBe(rows.length);
        expect(await db.executeMany(`insert into each values (${values}) on conflict do nothing`, rows)).toBe(
          rows.length,
        );
        const all = "select a, b, c::text, d, e, f, g, h, i, j from";
        const differing = await db.fetch(
          `(${all} one except all ${all} each) union all (${all} each except all ${all} one)`,
        );
        expect(differing).toEqual([]);
      }),
      { numRuns: 40 },
    );
    await expect(db.executeMany("insert into one (a, b) values ($1, $2)", [[1, "x"], [2]])).rejects.toThrow(/row 2/);
  }));

test("rows that come from the very connection that takes them are refused, where it cannot give them meanwhile", () =>
  inTree(async () => {
    await db.execute("insert into t (n) values (1), (2)");

    for (const take of [
      (tx: Queryable, rows: AsyncIterable<unknown[]>) => tx.copyInto("t", ["n"], rows),
      (tx: Queryable, rows: AsyncIterable<unknown[]>) => tx.executeMany("insert into t (n) values ($1)", rows),
    ]) {
      const within = db.transaction(async (tx) => {
        await expect(take(tx, rowsOf(tx))).rejects.toThrow("read them first");
        throw new Error("rolled back");
      });
      await expect(within).rejects.toThrow("rolled back");
      await using own = await db.acquire();
      await expect(take(own, rowsOf(own))).rejects.toThrow(TypeError);
      // Read first, or by another connection.
      await using other = await connect(server.url(await own.fetchValue("select current_database()")));
      expect(await take(own, rowsOf(other))).toBe(2);
      expect(await own.execute("delete from t where n > 10")).toBe(2);
    }
  }));

test("a value that is an array makes no more rows than it is in, where many are inserted by one statement", () =>
  inTree(async () => {
    await db.execute("drop table if exists amounts; create table amounts (amount numeric)");

    await expect(db.executeMany("insert into amounts values ($1)", [[[1, 2]], [[3, 4]]])).rejects.toMatchObject({
      sqlState: "22P02",
    });
    expect(await db.executeMany("insert into amounts values ($1)", [[1], ["2.50"], [null]])).toBe(3);
    expect(await db.fetch("select amount::text from amounts")).toEqual([
      { amount: "1" },
      { amount: "2.50" },
      { amount: null },
    ]);
  }));

test("a row that is inserted twice is changed the second time, as one statement for each says", () =>
  inTree(async () => {
    const upsert = "insert into t (n, note) values ($1, $2) on conflict (n) do update set note = excluded.note";

    expect(
      await db.executeMany(upsert, [
        [1, "first"],
        [1, "second"],
      ]),
    ).toBe(2);
    expect(await db.fetchRow("select n, note from t")).toEqual({ n: 1, note: "second" });
  }));
