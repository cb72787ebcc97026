import { afterAll, beforeAll, expect, test } from "vitest";
import { run, sleep, taskGroup } from "../core/index.ts";
import { eventually, freshDatabase, openConnections, runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { ConnectError, ConnectionLostError, DatabaseClosedError, connect } from "./index.ts";

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ isOwn: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });

test("a server that crashes fails what is in flight, and the pool heals when it is back", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 3 });
    const inFlight = [1, 2, 3].map(() => db.fetch("select pg_sleep(60)").catch((error: unknown) => error));
    await eventually(() => db.statistics().inUse === 3);
    await sleep(20);

    await server.kill();

    for (const outcome of await Promise.all(inFlight)) {
      expect(outcome).toBeInstanceOf(ConnectionLostError);
      expect(outcome).toMatchObject({ code: "SQL_CONNECTION_LOST", query: "select pg_sleep(60)" });
    }
    expect(db.statistics()).toEqual({ connections: 0, inUse: 0, waiting: 0 });
    // Asked for while nobody answers: they wait until the server is there.
    const later = [1, 2, 3, 4, 5].map((value) => db.fetchValue("select $1::int", [value]));
    await sleep(100);
    await server.start();
    expect(await Promise.all(later)).toEqual([1, 2, 3, 4, 5]);
  }));

test("connections that were idle when the server went are not given to anybody", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 3 });
    await openConnections(db, 3);
    expect(db.statistics().connections).toBe(3);

    await server.kill("SIGINT");
    await eventually(() => db.statistics().connections === 0);
    await server.start();

    expect(await Promise.all([1, 2, 3, 4].map((value) => db.fetchValue("select $1::int", [value])))).toEqual([
      1, 2, 3, 4,
    ]);
  }));

test("where no server comes within `connectMs`, all in line are told, and the next ones try again", () =>
  inTree(async () => {
    await server.kill();
    await using db = await connect(server.url(), { connectMs: 150 });

    const outcomes = await Promise.all([1, 2].map(() => db.fetch("select 1").catch((error: unknown) => error)));

    for (const outcome of outcomes) expect(outcome).toBeInstanceOf(ConnectError);
    expect(String(outcomes[0])).toContain("ECONNREFUSED");
    await server.start();
    expect(await db.fetchValue("select 1")).toBe(1);
  }));

test("a transaction whose connection is lost says so, and has changed nothing", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 2 });
    await db.execute("create table t (n int)");

    const outcome = db.transaction(async (tx) => {
      await tx.execute("insert into t values (1)");
      const pid = await tx.fetchValue("select pg_backend_pid()");
      await db.fetch("select pg_terminate_backend($1)", [pid]);
      await tx.execute("insert into t values (2)");
    });

    await expect(outcome).rejects.toThrow(ConnectionLostError);
    expect(await db.fetchValue("select count(*) from t")).toBe(0);
  }));

test("a listener goes on after its connection was lost, and is told that something may be missing", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);
    const losses: string[] = [];
    await using payloads = db.listen("news", { onLost: (why) => losses.push(why) });
    await payloads.begun;
    await db.execute("notify news, 'one'");
    expect(await payloads.next()).toEqual({ done: false, value: "one" });

    await server.kill();
    await server.start();
    await eventually(() => losses.length === 1);
    await db.execute("notify news, 'two'");

    expect(losses).toEqual(["connection"]);
    expect(await payloads.next()).toEqual({ done: false, value: "two" });
  }));

test("one connection listens to all channels, each has its own payloads, and who leaves hears no more", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);
    const strange = 'a "channel"; drop table t; --';
    await using one = db.listen("one");
    const other = db.listen(strange);
    await Promise.all([one.begun, other.begun]);
    await db.fetch("select pg_notify($1, $2)", [strange, "x"]);
    await db.fetch("select pg_notify('one', 'y')");

    expect(await other.next()).toEqual({ done: false, value: "x" });
    expect(await one.next()).toEqual({ done: false, value: "y" });
    const ids = await db.fetchValue(
      "select count(*) from pg_stat_activity where datname = current_database() and query like 'listen%'",
    );
    expect(ids).toBe(1);
    await other.return!();
    expect(await other.next()).toEqual({ done: true, value: undefined });
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => one.next());
      await db.execute("notify one, 'z'");
      expect(await waiting.join()).toEqual({ done: false, value: "z" });
    });
  }));

test("a slow listener keeps 10,000 payloads, and is told of the rest", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);
    const losses: string[] = [];
    await using payloads = db.listen("flood", { onLost: (why) => losses.push(why) });
    await payloads.begun;
    await db.fetch("select count(pg_notify('flood', n::text)) from generate_series(1, 10005) n");
    await eventually(() => losses.length === 5);

    expect(losses).toEqual(Array.from({ length: 5 }, () => "buffer"));
    expect(await payloads.next()).toEqual({ done: false, value: "1" });
    expect(await runningQueries(db)).toEqual([]);
  }));

test("a listener that can never begin is told why, and one that waits for a server ends with its database", () =>
  inTree(async () => {
    await using nowhere = await connect(server.url("nowhere"));
    const payloads = nowhere.listen("news");
    await expect(payloads.next()).rejects.toMatchObject({ code: "SQL_CONNECT", sqlState: "3D000" });

    await server.kill();
    const db = await connect(server.url());
    const waiting = db.listen("news").next();
    await Promise.all([expect(waiting).rejects.toThrow(DatabaseClosedError), db[Symbol.asyncDispose]()]);
    await server.start();
  }));
