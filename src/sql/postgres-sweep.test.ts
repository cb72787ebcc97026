import { afterAll, beforeAll, expect, test } from "vitest";
import { cancelEverywhere, withVirtualTime } from "../testing/index.ts";
import { cancelScope, sleep } from "../core/index.ts";
import { freshDatabase, openProxy, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Database, connect } from "./index.ts";

let server: Postgres;
let watcher: Database;
let url: string;
beforeAll(async () => {
  server = await startPostgres({ isOwn: true });
  watcher = await freshDatabase(server);
  url = server.url(await watcher.fetchValue<string>("select current_database()"));
  await watcher.execute("create table t (n int primary key)");
});
afterAll(async () => {
  await watcher[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Something of everything. */
async function work(): Promise<void> {
  await using db = await connect(url, { max: 2 });
  await db.fetch("select $1::int[]", [[1]]);
  await db.transaction(async (tx) => {
    await tx.execute("insert into t values (1)");
    await tx.transaction((inner) => inner.execute("insert into t values (2)"));
    for await (const { n } of tx.stream<{ n: number }>("select n from t", [], { batchRows: 1 }))
      await tx.execute("update t set n = n where n = $1", [n]);
    await tx.execute("delete from t");
  });
  await db.executeMany("insert into t values ($1)", [[3], [4]]);
  await db.copyInto("t", ["n"], [[5], [6]]);
  for await (const piece of db.copyFrom("t")) if (piece.length > 0) break;
  await db.execute("delete from t");
  // Left lying about: their scope ends them.
  await cancelScope(async () => {
    await db.stream("select 1").next();
    await (await db.acquire()).fetch("select 1");
  });
}

test("wherever work is cancelled, nothing of it is left behind", async () => {
  await cancelEverywhere(async () => {
    await work();
  });

  expect(await runningQueries(watcher)).toEqual([]);
  const rest = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
  expect(await watcher.fetchValue(rest)).toBe(0);
});

test("a connection that was idle for long is tried before it is given away", async () => {
  await using proxy = await openProxy(server.port);
  await withVirtualTime(async () => {
    await using db = await connect(url.replace(`:${server.port}`, `:${proxy.port}`), { max: 1, idleMs: Infinity });
    const pid = await db.fetchValue<number>("select pg_backend_pid()");
    await sleep(60_000);
    expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);

    await sleep(60_000);
    proxy.breakOnNext();
    expect(await db.fetchValue<number>("select pg_backend_pid()")).not.toBe(pid);
    expect(db.statistics()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
  });
});
