import { afterAll, beforeAll, expect, test } from "vitest";
import { TimeoutError, cancelScope, isCancelled, moveOnAfter, run, sleep, timeout } from "../core/index.ts";
import { map } from "../flow/index.ts";
import { eventually, freshDatabase, openConnections, openProxy, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Database, DatabaseClosedError, connect, sql } from "./index.ts";

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ isOwn: true });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Numbers that look random, and are the same in each run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });

async function processIds(db: Database, watcher: Database): Promise<number[]> {
  const name = await db.fetchValue<string>("select current_database()");
  const rows = await watcher.fetch<{ pid: number }>(
    "select pid from pg_stat_activity where datname = $1 and backend_type = 'client backend' order by pid",
    [name],
  );
  return rows.map(({ pid }) => pid);
}

test("hundreds of queries cancelled at random moments harm none of thousands beside them", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 4 });
    await using watcher = await freshDatabase(server);
    await db.execute("create table work (n int); insert into work select generate_series(1, 20000)");
    await openConnections(db, 4);
    const before = await processIds(db, watcher);
    const random = numbersFrom(20_261_121);
    const counts = { cancelled: 0, ended: 0, innocent: 0 };
    const kinds: readonly (() => Promise<unknown>)[] = [
      () => db.fetch("select pg_sleep(10)"),
      () => db.fetch("select count(*) from work where n % 7 = $1", [1]),
      () => db.transaction((tx) => tx.transaction((inner) => inner.fetch("select sum(n) from work where n % 3 = 1"))),
      async () => {
        for await (const row of db.stream("select * from work", [], { batchRows: 500 })) if (row["n"] === 0) break;
      },
    ];
    const victim = async (): Promise<void> => {
      const ms = random() * 6;
      const work = kinds[Math.floor(random() * kinds.length)]!;
      const outcome = await timeout(ms, work).catch((error: unknown) => error);
      if (outcome instanceof TimeoutError) counts.cancelled++;
      else if (outcome instanceof Error) throw outcome;
      else counts.ended++;
    };
    const innocent = async (id: number): Promise<void> => {
      const upTo = id % 2_000;
      const row = await db.fetchRow(sql`select ${id}::int as id, count(*) as n from work where n <= ${upTo}::int`);
      expect(row).toEqual({ id, n: upTo });
      counts.innocent++;
    };

    await Promise.all([
      map(indexes(600), victim, { concurrency: 3 }),
      map(indexes(3_000), innocent, { concurrency: 3 }),
    ]);

    expect(counts.innocent).toBe(3_000);
    expect(counts.cancelled + counts.ended).toBe(600);
    expect(counts.cancelled).toBeGreaterThan(200);
    expect(db.statistics()).toEqual({ connections: 4, inUse: 0, waiting: 0 });
    expect(await runningQueries(watcher)).toEqual([]);
    expect(await processIds(db, watcher)).toEqual(before);
  }));

test("a query that is cancelled has stopped at the server when the call returns", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await using watcher = await freshDatabase(server);
    await db.fetch("select 1");

    await expect(timeout(50, () => db.fetch("select pg_sleep(60)"))).rejects.toThrow(TimeoutError);

    expect(await runningQueries(watcher)).toEqual([]);
    expect(await db.fetchValue("select 1")).toBe(1);
    expect(db.statistics()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
  }));

test("a query that is cancelled in line leaves it, and is never sent", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.execute("create table t (n int)");
    await using own = await db.acquire();

    await expect(timeout(10, () => db.execute("insert into t values (1)"))).rejects.toThrow(TimeoutError);
    expect(db.statistics().waiting).toBe(0);
    expect(await own.fetchValue("select count(*) from t")).toBe(0);
  }));

test("a query that is cancelled while its connection is opened leaves the connection to the next", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);

    await cancelScope(async (scope) => {
      const asked = db.fetch("select 1");
      scope.cancel();
      await asked;
    });

    expect(await db.fetchValue("select 2")).toBe(2);
    expect(db.statistics().connections).toBe(1);
  }));

test("a query that is cancelled while its rows come is stopped", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await using watcher = await freshDatabase(server);
    const pid = await db.fetchValue("select pg_backend_pid()");

    await expect(
      timeout(150, () => db.fetch("select generate_series(1, 100000000), repeat('x', 100)")),
    ).rejects.toThrow(TimeoutError);

    expect(await runningQueries(watcher)).toEqual([]);
    expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);
  }));

test("a transaction that is cancelled inside nested savepoints is rolled back, and its connection used on", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.execute("create table t (n int)");
    const pid = await db.fetchValue("select pg_backend_pid()");

    const outcome = timeout(50, () =>
      db.transaction(async (outer) => {
        await outer.execute("insert into t values (1)");
        await outer.transaction(async (middle) => {
          await middle.execute("insert into t values (2)");
          await middle.transaction((inner) => inner.fetch("select pg_sleep(60)"));
        });
      }),
    );

    await expect(outcome).rejects.toThrow(TimeoutError);
    expect(await db.fetchValue("select count(*) from t")).toBe(0);
    expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);
  }));

test("a nested transaction that is cancelled alone leaves the outer one as it was", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.execute("create table t (n int)");

    await db.transaction(async (outer) => {
      await outer.execute("insert into t values (1)");
      await moveOnAfter(50, () =>
        outer.transaction(async (inner) => {
          await inner.execute("insert into t values (2)");
          await inner.fetch("select pg_sleep(60)");
        }),
      );
      await outer.execute("insert into t values (3)");
    });

    expect(await db.fetch("select n from t order by n")).toEqual([{ n: 1 }, { n: 3 }]);
  }));

test("what has ended by itself when the cancellation arrives counts", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.fetch("select 1");
    let value: unknown;

    await cancelScope(async (scope) => {
      const asked = db.fetchValue("select 42");
      await Promise.resolve();
      await Promise.resolve();
      scope.cancel();
      value = await asked.catch((error: unknown) => error);
    });

    // The answer or the cancellation, as it happened: but never a connection that is lost.
    expect(value === 42 || isCancelled(value)).toBe(true);
    expect(db.statistics().connections).toBe(1);
  }));

test("where the server does not answer a request to stop, the connection is closed", () =>
  inTree(async () => {
    await using proxy = await openProxy(server.port);
    const url = server.url().replace(String(server.port), String(proxy.port));
    await using db = await connect(url, { max: 1, cancelMs: 200 });
    await db.fetch("select 1");
    proxy.isDeaf = true;

    await expect(timeout(20, () => db.fetch("select pg_sleep(3)"))).rejects.toThrow(TimeoutError);

    expect(db.statistics()).toEqual({ connections: 0, inUse: 0, waiting: 0 });
    proxy.isDeaf = false;
    expect(await db.fetchValue("select 1")).toBe(1);
  }));

test("a query that ends by itself while the request to stop hangs is a success, and its connection closed", () =>
  inTree(async () => {
    await using proxy = await openProxy(server.port);
    const url = server.url().replace(String(server.port), String(proxy.port));
    await using db = await connect(url, { max: 1, cancelMs: 400 });
    const pid = await db.fetchValue("select pg_backend_pid()");
    proxy.isDeaf = true;

    // The request is on its way, and would stop whatever came next.
    expect(await timeout(20, () => db.fetchValue("select 42 from pg_sleep(0.1)"))).toBe(42);

    proxy.isDeaf = false;
    expect(await db.fetchValue("select pg_backend_pid()")).not.toBe(pid);
  }));

test("closing the database stops what runs in it, ends who waits, and closes all sockets", () =>
  inTree(async () => {
    await using watcher = await freshDatabase(server);
    const db = await freshDatabase(server, { max: 2 });
    const name = await db.fetchValue<string>("select current_database()");
    const outcomes = [1, 2, 3, 4].map(() => db.fetch("select pg_sleep(60)").catch((error: unknown) => error));
    await eventually(async () => (await runningQueries(watcher)).length === 2);

    await db[Symbol.asyncDispose]();

    for (const outcome of await Promise.all(outcomes)) expect(outcome).toBeInstanceOf(DatabaseClosedError);
    await eventually(
      async () => (await watcher.fetchValue("select count(*) from pg_stat_activity where datname = $1", [name])) === 0,
    );
    await expect(db.fetch("select 1")).rejects.toThrow(DatabaseClosedError);
  }));

test("whatever was going on when the database was closed, nothing more begins on its connections", () =>
  inTree(async () => {
    const kinds: readonly ((db: Database) => Promise<unknown>)[] = [
      async (db) => {
        for await (const _ of db.stream("select pg_sleep(60)")) expect.unreachable();
      },
      (db) =>
        db.transaction(async (tx) => {
          for (let n = 0; n < 1_000; n++) await tx.fetch("select 1");
        }),
      async (db) => {
        await using own = await db.acquire();
        for (let n = 0; n < 1_000; n++) await own.fetch("select 1");
      },
      async (db) => {
        for await (const _ of db.copyFrom("(select generate_series(1, 100000000))")) await sleep(0);
      },
    ];
    for (const work of kinds) {
      for (let turns = 0; turns < 12; turns++) {
        const db = await connect(server.url(), { max: 1 });
        await db.fetch("select 1");
        const outcome = work(db).catch((error: unknown) => error);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));

        await db[Symbol.asyncDispose]();

        expect(await outcome).toBeInstanceOf(DatabaseClosedError);
      }
    }
  }));
