import { Transform } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../core/index.ts";
import { eventually, freshDatabase, openProxy } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Database, QueryError, connect } from "./index.ts";

let server: Postgres;
let db: Database;
beforeAll(async () => {
  server = await startPostgres();
  db = await freshDatabase(server);
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });

function fail(): never {
  throw new Error("from onLost");
}

/** Ends the connection that listens, of this database, as a restart does. */
async function endListening(): Promise<void> {
  await db.fetch(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ~ '^li[sx]ten'",
  );
}

test("whoever listens to a channel that is listened to already has begun, whatever else is going on", () =>
  inTree(async () => {
    await using first = db.listen("first");
    await first.begun;
    // In the turns in which the other one begins.
    await using other = db.listen("other");
    await using second = db.listen("first");
    await Promise.all([other.begun, second.begun]);

    await db.execute("notify first, 'x'");
    expect(await second.next()).toEqual({ done: false, value: "x" });
  }));

test("a channel whose name Postgres would shorten is refused", () =>
  inTree(async () => {
    expect(() => db.listen("x".repeat(64))).toThrow(RangeError);
    expect(() => db.listen("\u20AC".repeat(22))).toThrow("63 bytes");
    const longest = "x".repeat(63);
    await using payloads = db.listen(longest);
    await payloads.begun;
    await db.execute(`notify ${longest}, 'there'`);
    expect(await payloads.next()).toEqual({ done: false, value: "there" });
  }));

test("an `onLost` that throws ends its own stream with that, and nobody else's", () =>
  inTree(async () => {
    const losses: string[] = [];
    await using failing = db.listen("news", { onLost: fail });
    await using sibling = db.listen("news", { onLost: (why) => losses.push(why) });
    await Promise.all([failing.begun, sibling.begun]);

    await endListening();
    await expect(failing.next()).rejects.toThrow("from onLost");
    await eventually(() => losses.length === 1);
    await db.execute("notify news, 'after'");
    expect(await sibling.next()).toEqual({ done: false, value: "after" });

    await using slow = db.listen("flood", { onLost: fail });
    await slow.begun;
    await db.fetch("select count(pg_notify('flood', n::text)) from generate_series(1, 10001) n");
    await db.execute("notify news, 'on'");
    expect(await sibling.next()).toEqual({ done: false, value: "on" });
    for (let n = 1; n <= 10_000; n++) expect(await slow.next()).toEqual({ done: false, value: String(n) });
    await expect(slow.next()).rejects.toThrow("from onLost");
  }));

test("a server that refuses to listen is told to whoever begins, and waited out by whoever had begun", () =>
  inTree(async () => {
    let isRefusing = false;
    // As a standby does, with another error.
    const refuse = (): Transform =>
      new Transform({
        transform(chunk: Buffer, _encoding, done): void {
          done(
            null,
            isRefusing ? Buffer.from(chunk.toString("latin1").replace("listen ", "lixten "), "latin1") : chunk,
          );
        },
      });
    await using proxy = await openProxy(server.port, { asked: refuse });
    const url = new URL(server.url(await db.fetchValue("select current_database()")));
    url.port = String(proxy.port);
    await using through = await connect(url.href);
    const losses: string[] = [];
    await using old = through.listen("news", { onLost: (why) => losses.push(why) });
    await old.begun;

    isRefusing = true;
    await using refused = through.listen("other");
    await refused.begun;
    await expect(refused.next()).rejects.toMatchObject({ sqlState: "42601" });
    await expect(refused.next()).rejects.toThrow(QueryError);
    await endListening();
    await using late = through.listen("late");
    await expect(late.next()).rejects.toThrow(QueryError);
    expect(losses).toEqual([]);

    isRefusing = false;
    await eventually(() => losses.length > 0);
    await db.execute("notify news, 'again'");
    expect(await old.next()).toEqual({ done: false, value: "again" });
  }));
