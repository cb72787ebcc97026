import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { Cancelled, cancelScope, moveOnAfter, run, sleep } from "../core/index.ts";
import { mapStream } from "../flow/index.ts";
import { withVirtualTime } from "../testing/index.ts";
import { type Database, connect, insertBatches } from "./index.ts";

let server: Postgres;
const open: Database[] = [];
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  for (const db of open) await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });

async function postgres(): Promise<Database> {
  const db = await freshDatabase(server, { max: 4 });
  open.push(db);
  return db;
}

async function sqlite(): Promise<Database> {
  const db = await connect("sqlite::memory:");
  open.push(db);
  return db;
}

const dialects = [
  ["Postgres", postgres],
  ["SQLite", sqlite],
] as const;

const table = "create table t (n int primary key, note text)";
const countIn = (db: Database): Promise<number | undefined> => db.fetchValue<number>("select count(*) from t");
const numbersIn = async (db: Database): Promise<number[]> =>
  (await db.fetch<{ n: number }>("select n from t order by n")).map(({ n }) => n);

function* rowsUpTo(last: number): Generator<[number, string]> {
  for (let n = 1; n <= last; n++) yield [n, `note ${n}`];
}

/** Rows that come one every `ms`. */
async function* every(ms: number, last: number): AsyncGenerator<[number, string]> {
  for (const row of rowsUpTo(last)) {
    await sleep(ms);
    yield row;
  }
}

async function* failingAfter(rows: Iterable<[number, string]>, error: Error): AsyncGenerator<[number, string]> {
  yield* rows;
  throw error;
}

test.for(dialects)("inserts all rows of any iterable in batches, and counts them: %s", ([, connected]) =>
  inTree(async () => {
    const db = await connected();
    await db.execute(table);
    expect(await insertBatches(db, "t", ["n", "note"], [])).toBe(0);
    expect(await insertBatches(db, "t", ["n", "note"], rowsUpTo(10_001))).toBe(10_001);
    expect(await db.fetchRow("select * from t where n = 10001")).toEqual({ n: 10_001, note: "note 10001" });
    await db.execute("delete from t");
    const streamed = mapStream(rowsUpTo(3_000), async (row) => (await sleep(0), row), { concurrency: 100 });
    expect(await insertBatches(db, "t", ["n", "note"], streamed, { batchRows: 7 })).toBe(3_000);
    expect(await countIn(db)).toBe(3_000);
  }),
);

test("uses several connections at once, and no more than it may", () =>
  inTree(async () => {
    const db = await postgres();
    await db.execute(table);
    // Whoever inserts waits for the one who holds the table, so what is on its way can be seen.
    const holder = await db.acquire();
    await holder.execute("begin; lock table t");
    const inserting = insertBatches(db, "t", ["n", "note"], every(0, 1_000), { batchRows: 10, concurrency: 3 });
    while (db.statistics().inUse < 4) await sleep(1);
    await sleep(20);
    expect(db.statistics()).toEqual({ connections: 4, inUse: 4, waiting: 0 });
    await holder.execute("commit");
    expect(await inserting).toBe(1_000);
    await holder[Symbol.asyncDispose]();
  }));

test("a batch goes out when it is full, too large, or its time has passed", () =>
  withVirtualTime(async () => {
    await using db = await connect("sqlite::memory:");
    await db.execute("create table t (n int, note text)");
    const seen: number[] = [];
    const slow = async function* (): AsyncGenerator<[number, string]> {
      for (const row of rowsUpTo(6)) {
        await sleep(40);
        seen.push((await countIn(db))!);
        yield row;
      }
    };
    expect(await insertBatches(db, "t", ["n", "note"], slow(), { withinMs: 100 })).toBe(6);
    // Of rows at 40, 80, 120, 160 and 200 the first three go at 140.
    expect(seen).toEqual([0, 0, 0, 3, 3, 3]);

    seen.length = 0;
    await db.execute("delete from t");
    const large = async function* (): AsyncGenerator<[number, string]> {
      for (let n = 1; n <= 4; n++) {
        await sleep(40);
        seen.push((await countIn(db))!);
        yield [n, "x".repeat(1_000)];
      }
    };
    expect(await insertBatches(db, "t", ["n", "note"], large(), { withinMs: 1e6, maxBytes: 2_000 })).toBe(4);
    expect(seen).toEqual([0, 0, 1, 2]);
  }));

test.for(dialects)(
  "when the source fails, batches before stay, and the one begun is dropped or flushed: %s",
  ([, connected]) =>
    inTree(async () => {
      const db = await connected();
      await db.execute(table);
      const error = new Error("the source");
      const rows = (): AsyncGenerator<[number, string]> => failingAfter(rowsUpTo(25), error);
      const inserting = insertBatches(db, "t", ["n", "note"], rows(), { batchRows: 10, whenStopped: "flush" });
      await expect(inserting).rejects.toBe(error);
      expect(await countIn(db)).toBe(25);

      await db.execute("delete from t");
      await expect(insertBatches(db, "t", ["n", "note"], rows(), { batchRows: 10 })).rejects.toBe(error);
      // Whole batches only, and never the one that was not full.
      expect([0, 10, 20]).toContain(await countIn(db));
      expect(await db.fetchValue("select count(*) from t where n > 20")).toBe(0);
    }),
);

test.for(dialects)("a row that is refused cancels the others, and nothing more is read: %s", ([, connected]) =>
  inTree(async () => {
    const db = await connected();
    await db.execute(table);
    let read = 0;
    let isClosed = false;
    const endless = async function* (): AsyncGenerator<[number, string]> {
      try {
        for (;;) {
          read++;
          await sleep(0);
          yield [read === 501 ? 0 : read, "note"];
        }
      } finally {
        isClosed = true;
      }
    };
    for (const whenStopped of ["drop", "flush"] as const) {
      await db.execute("delete from t");
      await db.execute("insert into t (n, note) values (0, 'there')");
      read = 0;
      const inserting = insertBatches(db, "t", ["n", "note"], endless(), {
        batchRows: 100,
        withinMs: 1e6,
        whenStopped,
      });
      await expect(inserting).rejects.toMatchObject({ code: "SQL_CONSTRAINT" });
      expect(isClosed).toBe(true);
      const numbers = (await numbersIn(db)).filter((n) => n > 0);
      expect(numbers.length % 100).toBe(0);
      // Of its batch there is nothing.
      expect(numbers.filter((n) => n > 500 && n <= 600)).toEqual([]);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    }
  }),
);

test.for(dialects)("nothing is sent after a batch that was refused, with `flush` either: %s", ([, connected]) =>
  inTree(async () => {
    const db = await connected();
    for (const whenStopped of ["drop", "flush"] as const) {
      for (const items of ["sync", "async"]) {
        await db.execute(table);
        await db.execute("insert into t (n, note) values (25, 'there')");
        const rows =
          items === "sync" ? rowsUpTo(100) : mapStream(rowsUpTo(100), async (row) => row, { concurrency: 4 });
        const options = { batchRows: 10, concurrency: 1, whenStopped };
        await expect(insertBatches(db, "t", ["n", "note"], rows, options)).rejects.toMatchObject({
          code: "SQL_CONSTRAINT",
        });
        expect(await numbersIn(db)).toEqual([...Array.from({ length: 20 }, (_, index) => index + 1), 25]);
        await db.execute("drop table t");
      }
    }
  }),
);

test("a row that is none fails all, and it is said which one", () =>
  inTree(async () => {
    const db = await sqlite();
    await db.execute(table);
    const insert = (wrong: unknown, whenStopped: "drop" | "flush"): Promise<number> =>
      insertBatches(db, "t", ["n", "note"], [...rowsUpTo(24), wrong as unknown[]], { batchRows: 10, whenStopped });
    await expect(insert([25], "drop")).rejects.toThrow("Expected each row to have 2 values, got 1 in row 25");
    expect(await db.fetchValue("select count(*) from t where n > 20")).toBe(0);
    await db.execute("delete from t");
    await expect(insert({ n: 25 }, "flush")).rejects.toThrow(
      "Expected each row to be an array of values, got object as row 25",
    );
    expect(await countIn(db)).toBe(24);
  }));

test.for(dialects)("rows that are there already are kept, or updated: %s", ([, connected]) =>
  inTree(async () => {
    const db = await connected();
    await db.execute(table);
    await insertBatches(db, "t", ["n", "note"], rowsUpTo(100));
    const rows = [...rowsUpTo(105)].map(([n]) => [n, "new"]);
    const keep = { onConflict: { columns: ["n"], do: "nothing" }, batchRows: 30 } as const;
    expect(await insertBatches(db, "t", ["n", "note"], rows, keep)).toBe(5);
    expect(await db.fetchValue("select count(*) from t where note = 'new'")).toBe(5);
    const update = { onConflict: { columns: ["n"], do: "update" }, batchRows: 30 } as const;
    expect(await insertBatches(db, "t", ["n", "note"], rows, update)).toBe(105);
    expect(await db.fetchValue("select count(*) from t where note = 'new'")).toBe(105);
    // Twice in one batch: the last counts.
    const twice = [1, 2, 1].map((n, index) => [n, index === 2 ? "last" : "newest"]);
    expect(await insertBatches(db, "t", ["n", "note"], twice, update)).toBe(3);
    expect(await db.fetchValue("select note from t where n = 1")).toBe("last");
    expect(await insertBatches(db, "t", ["n"], [[1]], { onConflict: { columns: ["n"], do: "update" } })).toBe(0);
  }),
);

test("batches with the same rows in another order do not get into each other's way for good", () =>
  inTree(async () => {
    const db = await postgres();
    await db.execute(table);
    const batches = Array.from({ length: 9 }, (_, index) =>
      index % 2 === 0 ? [...rowsUpTo(200)] : [...rowsUpTo(200)].toReversed(),
    );
    const update = { onConflict: { columns: ["n"], do: "update" }, batchRows: 200 } as const;
    expect(await insertBatches(db, "t", ["n", "note"], batches.flat(), update)).toBe(1_800);
    expect(await countIn(db)).toBe(200);
  }));

test.for(dialects)("in a transaction all batches are in the table together, or none: %s", ([, connected]) =>
  inTree(async () => {
    const db = await connected();
    await db.execute(table);
    const rows = [...rowsUpTo(100), [1, "again"]];
    const inserting = db.transaction((tx) => insertBatches(tx, "t", ["n", "note"], rows, { batchRows: 10 }));
    await expect(inserting).rejects.toMatchObject({ code: "SQL_CONSTRAINT" });
    expect(await countIn(db)).toBe(0);
    expect(await db.transaction((tx) => insertBatches(tx, "t", ["n", "note"], rowsUpTo(100), { batchRows: 10 }))).toBe(
      100,
    );
  }),
);

test.for(dialects)(
  "cancelled at many moments, whole batches are in the table and no connection is lost: %s",
  ([, connected]) =>
    inTree(async () => {
      const db = await connected();
      const whole = { batchRows: 10, withinMs: 1e6 };
      await db.execute(table);
      let stopped = 0;
      for (let ms = 0; ms < 40; ms++) {
        await db.execute("delete from t");
        let isClosed = ms === 0;
        const rows = async function* (): AsyncGenerator<[number, string]> {
          try {
            yield* every(0, 1_000);
          } finally {
            isClosed = true;
          }
        };
        const ended = await moveOnAfter(ms, () => insertBatches(db, "t", ["n", "note"], rows(), whole));
        if (ended === undefined) stopped++;
        expect(isClosed).toBe(true);
        const numbers = await numbersIn(db);
        const batches = Map.groupBy(numbers, (n) => Math.floor((n - 1) / 10));
        expect([...batches.values()].filter(({ length }) => length !== 10)).toEqual([]);
        expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
      }
      expect(stopped).toBeGreaterThan(0);
      expect(db.dialect === "postgres" ? await runningQueries(db) : []).toEqual([]);
    }),
);

test.for(dialects)(
  "with `flush` all rows that were read are in the table, whenever it is cancelled: %s",
  ([, connected]) =>
    inTree(async () => {
      const db = await connected();
      await db.execute(table);
      let stopped = 0;
      for (let ms = 0; ms < 40; ms++) {
        await db.execute("delete from t");
        let read = 0;
        const rows = async function* (): AsyncGenerator<[number, string]> {
          for (const row of rowsUpTo(300)) {
            await sleep(0);
            read++;
            yield row;
          }
        };
        const options = { batchRows: 10, concurrency: 2, whenStopped: "flush" } as const;
        const ended = await moveOnAfter(ms, () => insertBatches(db, "t", ["n", "note"], rows(), options));
        if (ended === undefined) stopped++;
        expect(await numbersIn(db)).toEqual(Array.from({ length: read }, (_, index) => index + 1));
      }
      expect(stopped).toBeGreaterThan(0);
    }),
);

test("is a checkpoint, and refuses what makes no sense before it reads anything", () =>
  inTree(async () => {
    const db = await sqlite();
    await db.execute(table);
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      await insertBatches(db, "t", ["n", "note"], rowsUpTo(3)).catch((error: unknown) => (thrown = error));
    });
    expect(thrown).toBeInstanceOf(Cancelled);
    const insert = (options: object): Promise<number> => insertBatches(db, "t", ["n", "note"], rowsUpTo(3), options);
    await expect(insert({ batchRows: 0 })).rejects.toThrow("Expected `batchRows` to be an integer of 1 or more");
    await expect(insert({ maxBytes: 0 })).rejects.toThrow("Expected `maxBytes` to be an integer of 1 or more");
    await expect(insert({ concurrency: 0 })).rejects.toThrow("Expected `concurrency` to be an integer of 1 or more");
    await expect(insert({ withinMs: -1 })).rejects.toThrow("Expected `withinMs`");
    await expect(insert({ whenStopped: "keep" })).rejects.toThrow('Expected `whenStopped` to be "drop" or "flush"');
    await expect(insert({ onConflict: { columns: [], do: "nothing" } })).rejects.toThrow("at least one name");
    await expect(insert({ onConflict: { columns: ["n"], do: "x" } })).rejects.toThrow('"nothing" or "update"');
    expect(await countIn(db)).toBe(0);
  }));
