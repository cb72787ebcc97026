/**
 * A process to which everything happens that can go wrong with Postgres, several times, and that says then what is left of it: one
 * line of JSON. It ends by itself, if nothing is left.
 */
import { cancelScope, map, moveOnAfter, run, sleep, timeout } from "taskwright";
import { type Database, connect } from "taskwright/sql";
import { eventually, openProxy } from "./databases.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

const rounds = 3;
const endless = "select generate_series(1, 100000000) as n, repeat('x', 100) as text";
const warnings: string[] = [];
process.on("warning", ({ message }) => warnings.push(message));

/** What a fault was told as, by its code. A fault that nobody was told of is one that did not happen. */
const told: Record<string, number> = {};

async function expectFault(what: string, work: () => Promise<unknown>): Promise<void> {
  const outcome = await work().then(
    () => "nothing",
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
  const name = `${what}: ${outcome}`;
  told[name] = (told[name] ?? 0) + 1;
}

async function* rowsThatFail(): AsyncGenerator<unknown[]> {
  for (let n = 0; n < 5_000; n++) yield [n];
  throw Object.assign(new Error("on purpose"), { code: "ON_PURPOSE" });
}

async function* rowsForEver(): AsyncGenerator<unknown[]> {
  for (let n = 0; ; n++) {
    if (n % 1_000 === 0) await sleep(0);
    yield [n];
  }
}

async function readAll(blocks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of blocks) await sleep(0);
}

async function cancelQueries(db: Database): Promise<void> {
  const moments = Array.from({ length: 60 }, (_, index) => (index * 7) % 20);
  await map(moments, (ms) => moveOnAfter(ms, () => db.fetch("select pg_sleep(0.01)")), { concurrency: 12 });
  await expectFault("a query cancelled", () => timeout(20, () => db.fetch("select pg_sleep(60)")));
  await expectFault("rows cancelled", () => timeout(50, () => db.fetch(endless)));
  await expectFault("a transaction cancelled within another", () =>
    timeout(30, () => db.transaction((outer) => outer.transaction((inner) => inner.fetch("select pg_sleep(60)")))),
  );
}

async function breakCopies(db: Database): Promise<void> {
  await expectFault("a copy in whose source fails", () => db.copyInto("t", ["n"], rowsThatFail()));
  await expectFault("a copy in that is cancelled", () => timeout(30, () => db.copyInto("t", ["n"], rowsForEver())));
  await expectFault("a copy in that is refused", () => db.copyInto("t", ["n"], [[1], ["one"]]));
  await expectFault("many rows that are cancelled", () =>
    timeout(30, () => db.executeMany("insert into t values ($1)", rowsForEver())),
  );
  await expectFault("a copy out that is cancelled", () => timeout(30, () => readAll(db.copyFrom(`(${endless})`))));
  await expectFault("a copy out that fails", () => readAll(db.copyFrom("(select 1 / (n - 9) from t)")));
  await expectFault("a stream that is cancelled", () => timeout(30, () => readAll(db.stream(endless))));
}

async function forgetAll(db: Database): Promise<void> {
  await cancelScope(async () => {
    await db.stream(endless).next();
    await db.copyFrom(`(${endless})`).next();
    const own = await db.acquire();
    await own.execute("begin");
    await own.stream(endless).next();
    await db.listen("forgotten").begun;
  });
}

async function loseConnections(db: Database, watcher: Database): Promise<void> {
  const all = [
    expectFault("a query that is terminated", () => db.fetch("select pg_sleep(60)")),
    expectFault("a stream that is terminated", () => readAll(db.stream(endless))),
    expectFault("a copy out that is terminated", () => readAll(db.copyFrom(`(${endless})`))),
    expectFault("a copy in that is terminated", () => db.copyInto("t", ["n"], rowsForEver())),
    expectFault("a transaction that is terminated", () => db.transaction((tx) => tx.fetch("select pg_sleep(60)"))),
  ];
  await eventually(() => db.statistics().inUse === all.length);
  await sleep(30);
  await watcher.fetch("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()");
  await Promise.all(all);
}

async function crash(server: Postgres): Promise<void> {
  await using db = await connect(server.url(), { connectMs: 20_000 });
  let losses = 0;
  await using news = db.listen("news", { onLost: () => losses++ });
  await news.begun;
  const inFlight = [
    expectFault("a query when the server crashes", () => db.fetch("select pg_sleep(60)")),
    expectFault("a stream when the server crashes", () => readAll(db.stream(endless))),
    expectFault("a copy in when the server crashes", () => db.copyInto("t", ["n"], rowsForEver())),
  ];
  await eventually(() => db.statistics().inUse === inFlight.length);
  await server.kill();
  await Promise.all(inFlight);
  await using nobody = await connect(server.url(), { connectMs: 50 });
  await expectFault("a query without a server", () => nobody.fetch("select 1"));
  await server.start();
  await eventually(() => losses > 0);
  await db.fetch("select 1");
}

async function hang(server: Postgres): Promise<void> {
  await using proxy = await openProxy(server.port);
  await using db = await connect(server.url().replace(String(server.port), String(proxy.port)), { cancelMs: 50 });
  await db.fetch("select 1");
  proxy.isDeaf = true;
  await expectFault("a query that cannot be stopped", () => timeout(20, () => db.fetch("select pg_sleep(1)")));
  await expectFault("a connection that does not come", () => timeout(20, () => db.fetch("select 1")));
}

async function closeUnderLoad(server: Postgres): Promise<void> {
  const db = await connect(server.url(), { max: 4 });
  const all = [
    expectFault("a query in a database that is closed", () => db.fetch("select pg_sleep(60)")),
    expectFault("a copy out of a database that is closed", () => readAll(db.copyFrom(`(${endless})`))),
    expectFault("a stream of a database that is closed", () => readAll(db.stream("select pg_sleep(60)"))),
    expectFault("a listener of a database that is closed", () => db.listen("news").next()),
  ];
  await eventually(() => db.statistics().inUse === 3);
  await db[Symbol.asyncDispose]();
  await Promise.all(all);
}

async function everything(server: Postgres): Promise<void> {
  {
    await using watcher = await connect(server.url(), { max: 1 });
    await using db = await connect(server.url(), { max: 6 });
    await db.execute("drop table if exists t; create table t (n int); insert into t select generate_series(1, 20)");
    await cancelQueries(db);
    await breakCopies(db);
    await forgetAll(db);
    await loseConnections(db, watcher);
  }
  await crash(server);
  await hang(server);
  await closeUnderLoad(server);
  await using nowhere = await connect(server.url("nowhere"));
  await expectFault("a database that is not there", () => nowhere.fetch("select 1"));
}

/** Connections at the server, besides the one that asks. */
async function backends(server: Postgres): Promise<number> {
  await using db = await connect(server.url(), { max: 1 });
  const others = "backend_type = 'client backend' and pid <> pg_backend_pid()";
  return (await db.fetchValue<number>(`select count(*) from pg_stat_activity where ${others}`))!;
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name as string), 0);
}

/** What keeps a process going. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY|File)/.test(name));
}

const server = await startPostgres({ isOwn: true });
let listenersAfterOne = 0;
for (let round = 0; round < rounds; round++) {
  await run(() => everything(server), { signals: false });
  // The first installs what the process needs once.
  if (round === 0) listenersAfterOne = listeners();
}
// The server may need a moment to see that a socket was closed.
await eventually(async () => (await run(() => backends(server), { signals: false })) === 0);
await server[Symbol.asyncDispose]();
// What asks again is a timer, too.
await eventually(() => resources().every((name) => name === "Timeout"));
const left = { resources: resources(), listeners: listeners() - listenersAfterOne };
console.log(JSON.stringify({ told, warnings, left }));
