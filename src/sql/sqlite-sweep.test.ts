import { expect, test } from "vitest";
import { cancelScope, taskGroup } from "../index.ts";
import { cancelEverywhere, explore } from "../testing/index.ts";
import { type Database, connect, insertBatches } from "./index.ts";

/** What a database has to give: no connection is in use, no transaction open, and it works. */
async function isWhole(db: Database): Promise<boolean> {
  const { inUse, waiting } = db.statistics();
  await using connection = await db.acquire();
  await connection.execute("begin");
  await connection.execute("rollback");
  const halves = await connection.fetchValue<number>("select count(*) from t where name = 'half'");
  return inUse === 0 && waiting === 0 && halves! % 2 === 0;
}

async function* source(): AsyncGenerator<readonly unknown[]> {
  yield [1, "half"];
  yield [2, "half"];
}

const uses: readonly (readonly [string, (db: Database) => Promise<unknown>])[] = [
  ["a query", (db) => db.fetch("select 1")],
  ["a change", (db) => db.execute("insert into t (name) values ('whole')")],
  ["a copy", (db) => db.copyInto("t", ["n", "name"], source())],
  ["batches", (db) => insertBatches(db, "t", ["n", "name"], source(), { batchRows: 2, withinMs: 1e6 })],
  [
    "batches that are flushed",
    (db) => insertBatches(db, "t", ["name"], [["one"], ["two"], ["three"]], { batchRows: 2, whenStopped: "flush" }),
  ],
  ["many", (db) => db.executeMany("insert into t values ($1, $2)", source())],
  [
    "a stream",
    async (db) => {
      for await (const row of db.stream("select 1 as a union all select 2 union all select 3", [], { batchRows: 1 })) {
        await db.fetchValue("select $1", [row["a"]]);
      }
    },
  ],
  [
    "a stream and a connection that are left lying about",
    (db) =>
      cancelScope(async () => {
        await db.stream("select 1").next();
        await (await db.acquire()).fetch("select 1");
      }),
  ],
  [
    "a transaction within another",
    (db) =>
      db.transaction(async (tx) => {
        await tx.execute("insert into t (name) values ('half')");
        await tx.transaction((inner) => inner.execute("insert into t (name) values ('half')"));
        for await (const row of tx.stream("select * from t", [], { batchRows: 1 })) if (row["n"] === 2) break;
      }),
  ],
  [
    "several at once",
    (db) =>
      taskGroup((group) => {
        for (let index = 0; index < 3; index++) {
          group.spawn(() =>
            db.transaction((tx) => tx.executeMany("insert into t (name) values ($1)", [["half"], ["half"]])),
          );
          group.spawn(() => db.fetch("select * from t"));
        }
      }),
  ],
  [
    "a connection",
    async (db) => {
      await using connection = await db.acquire();
      await connection.execute("begin");
      await connection.execute("insert into t (name) values ('half')");
      await connection.execute("insert into t (name) values ('half')");
      await connection.execute("commit");
    },
  ],
];

test.for(uses)("%s can be cancelled at each checkpoint, and nothing is left behind", async ([, use]) => {
  await using db = await connect("sqlite::memory:");
  await db.execute("create table t (n integer primary key, name text)");
  const { checkpoints } = await cancelEverywhere(async () => {
    await db.execute("delete from t");
    await use(db);
  });

  expect(checkpoints).toBeGreaterThan(1);
  expect(await isWhole(db)).toBe(true);
});

test.for(uses)("%s does the same in any order of what happens at once", async ([, use]) => {
  await using db = await connect("sqlite::memory:");
  await db.execute("create table t (n integer primary key, name text)");
  await explore(
    async () => {
      await use(db);
      expect(await isWhole(db)).toBe(true);
      await db.execute("delete from t");
    },
    { seeds: 20 },
  );
});
