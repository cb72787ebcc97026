import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TaskCancelledError, cancelScope, run, shield, sleep, taskGroup } from "../core/index.ts";
import { eventually, freshDatabase, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Connection, type Database, DatabaseClosedError, connect } from "./index.ts";

let server: Postgres;
const folder = mkdtempSync(join(tmpdir(), "taskwright-ties-"));
let made = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const numbers = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 1000000) select n from n";

describe.for(["Postgres", "SQLite"])("with %s", (name) => {
  const open = (): Promise<Database> =>
    name === "Postgres"
      ? freshDatabase(server, { max: 1 })
      : connect(`sqlite:${join(folder, `${++made}.db`)}`, { readers: 1 });

  test("a stream that nobody reads to its end gives back its connection when its scope ends", () =>
    inTree(async () => {
      await using db = await open();
      await cancelScope(async () => {
        const rows = db.stream(numbers, [], { batchRows: 10 });
        expect(await rows.next()).toEqual({ done: false, value: { n: 1 } });
        expect(db.statistics().inUse).toBe(1);
      });

      expect(db.statistics().inUse).toBe(0);
      expect(await db.fetchValue("select 1")).toBe(1);
    }));

  test("of a stream that its scope has ended, what was read is there, and what is missing is told", () =>
    inTree(async () => {
      await using db = await open();
      const rows = (await cancelScope(async () => {
        const begun = db.stream<{ n: number }>(numbers, [], { batchRows: 2 });
        await begun.next();
        return begun;
      }))!;

      const rest = (async (): Promise<void> => {
        for await (const { n } of rows) expect(n).toBe(2);
      })();
      await expect(rest).rejects.toThrow(TaskCancelledError);
      await rows[Symbol.asyncDispose]();
      expect(db.statistics().inUse).toBe(0);
    }));

  test("a stream that was read to its end, or left, needs nothing more of its scope", () =>
    inTree(async () => {
      await using db = await open();
      for (let round = 0; round < 3; round++) {
        let count = 0;
        for await (const _ of db.stream(`${numbers} limit 25`, [], { batchRows: 10 })) count++;
        expect(count).toBe(25);
        for await (const _ of db.stream(numbers)) break;
      }
      const unread = db.stream(numbers);
      await unread[Symbol.asyncDispose]();
      expect(await unread.next()).toEqual({ done: true, value: undefined });
      expect(db.statistics().inUse).toBe(0);
    }));

  test("of a stream whose reader stands in line when its scope ends, nothing is left either", () =>
    inTree(async () => {
      await using db = await open();
      await db.execute("create table t (n int)");
      const own = await db.acquire();
      await taskGroup(async (group) => {
        const opened = Promise.withResolvers<AsyncIterator<unknown>>();
        const reader = group.spawn(async () => await (await opened.promise).next().catch((error: unknown) => error));
        await cancelScope(async () => {
          opened.resolve(db.stream("insert into t values (1) returning n"));
          await sleep(20);
          expect(db.statistics().waiting).toBe(1);
          if (name === "SQLite") setTimeout(() => void own[Symbol.asyncDispose](), 20);
        });
        await own[Symbol.asyncDispose]();
        expect(await reader.join()).toBeInstanceOf(TaskCancelledError);
      });

      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
      expect(await db.fetchValue("select count(*) from t")).toBe(0);
    }));

  test("a connection of acquire() goes back when its scope ends, whatever was begun there, and takes no more", () =>
    inTree(async () => {
      await using db = await open();
      await db.execute("create table t (n int)");
      let kept: Connection | undefined;
      await cancelScope(async () => {
        kept = await db.acquire();
        await kept.execute("begin");
        await kept.execute("insert into t values (1)");
        await kept.stream(numbers, [], { batchRows: 1 }).next();
      });

      expect(db.statistics().inUse).toBe(0);
      expect(await db.fetchValue("select count(*) from t")).toBe(0);
      await expect(kept!.fetch("select 1")).rejects.toThrow(DatabaseClosedError);
      await kept![Symbol.asyncDispose]();
      expect(await db.fetchValue("select 1")).toBe(1);
    }));

  test("a connection is given back although a stream of it was left lying about", () =>
    inTree(async () => {
      await using db = await open();
      {
        await using own = await db.acquire();
        await own.stream(numbers, [], { batchRows: 1 }).next();
      }
      expect(db.statistics().inUse).toBe(0);
      expect(await db.fetchValue("select 1")).toBe(1);
    }));

  test("where a task group is cancelled, all that its tasks had opened is given back", () =>
    inTree(async () => {
      await using db = await open();
      await taskGroup(async (group) => {
        group.spawn(async () => {
          await db.stream(numbers, [], { batchRows: 1 }).next();
          await sleep(Infinity);
        });
        group.spawn(async () => {
          await db.acquire();
          await sleep(Infinity);
        });
        await sleep(30);
        group.cancel();
      });
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
      expect(await db.fetchValue("select 1")).toBe(1);
    }));
});

test("a copy that nobody reads to its end is stopped at the server when its scope ends, and its connection used on", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await using watcher = await freshDatabase(server);
    const pid = await db.fetchValue("select pg_backend_pid()");
    const pieces = (await cancelScope(async () => {
      const begun = db.copyFrom("(select generate_series(1, 100000000), repeat('x', 1000))");
      await begun.next();
      return begun;
    }))!;

    expect(await runningQueries(watcher)).toEqual([]);
    expect(db.statistics().inUse).toBe(0);
    expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);
    await expect(pieces.next()).rejects.toThrow(TaskCancelledError);
  }));

test("who reads for others what the scope has opened is told when it ends, and its query is stopped at the server", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 2 });
    await using watcher = await freshDatabase(server);
    await taskGroup(async (group) => {
      const opened = Promise.withResolvers<AsyncIterator<unknown>>();
      const asked = Promise.withResolvers<Connection>();
      const reader = group.spawn(async () => await (await opened.promise).next().catch((error: unknown) => error));
      const asker = group.spawn(
        async () => await (await asked.promise).fetch("select pg_sleep(60)").catch((error: unknown) => error),
      );
      await cancelScope(async () => {
        opened.resolve(db.stream("select pg_sleep(60)"));
        asked.resolve(await db.acquire());
        await sleep(50);
      });

      expect(await runningQueries(watcher)).toEqual([]);
      expect(await reader.join()).toBeInstanceOf(TaskCancelledError);
      expect(await asker.join()).toMatchObject({ sqlState: "57014" });
      expect(db.statistics().inUse).toBe(0);
    });
  }));

test("a listener that nobody leaves ends with its scope, and with it the connection that listens", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);
    const others =
      "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    const news = (await cancelScope(async () => {
      const begun = db.listen("news");
      await begun.begun;
      await db.execute("notify news, 'heard'");
      expect(await begun.next()).toEqual({ done: false, value: "heard" });
      expect(await db.fetchValue(others)).toBe(1);
      return begun;
    }))!;

    await expect(news.next()).rejects.toThrow(TaskCancelledError);
    await news[Symbol.asyncDispose]();
    await eventually(async () => (await db.fetchValue(others)) === 0);
    expect(await db.fetchValue(others)).toBe(0);
  }));

test("a stream of a transaction that is left after its end touches nobody else's connection", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    const rows = await db.transaction(async (tx) => {
      const begun = tx.stream(numbers, [], { batchRows: 1 });
      await begun.next();
      return begun;
    });

    await db.transaction(async (tx) => {
      const [value] = await Promise.all([tx.fetchValue("select 1"), rows[Symbol.asyncDispose]()]);
      expect(value).toBe(1);
    });
    expect(db.statistics()).toEqual({ connections: 1, inUse: 0, waiting: 0 });
  }));

test("in a transaction, a stream that was left closes its portal, although the task is cancelled", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.transaction(async (tx) => {
      await cancelScope(async (scope) => {
        for await (const _ of tx.stream(numbers, [], { batchRows: 1 })) scope.cancel();
      });
      expect(await shield(() => tx.fetchValue("select count(*) from pg_cursors where name <> ''"))).toBe(0);
    });
  }));
