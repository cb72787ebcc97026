import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { Transform } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TimeoutError, drawTree, currentScope, run, sleep, taskGroup, timeout } from "../core/index.ts";
import { eventually, freshDatabase, openProxy } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { ConnectError, connect } from "./index.ts";
import { describeTarget, readPostgresUrl } from "./internal/postgres-url.ts";

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ isOwn: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const home = { host: "localhost", port: 5432 };

test("a URL says where, as whom, and how", () => {
  const target = readPostgresUrl(
    "postgresql://us%40er:p%3Aw@one,[::1]:6000/da%20ta?sslmode=verify-ca&application_name=app&connect_timeout=1&options=-c%20work_mem%3D1MB&target_session_attrs=read-write",
    {},
  );

  expect(target).toMatchObject({
    hosts: [
      { host: "one", port: 5432 },
      { host: "::1", port: 6000 },
    ],
    user: "us@er",
    database: "da ta",
    applicationName: "app",
    connectTimeoutMs: 2_000,
    options: "-c work_mem=1MB",
    sslMode: "verify-ca",
    sessionKind: "read-write",
  });
  expect(target.passwordFor(home)).toBe("p:w");
  expect(JSON.stringify(target)).not.toContain("p:w");
  expect(describeTarget(target)).toBe("postgres://one,::1:6000/da ta");
});

test("what the URL leaves out is taken from the environment", () => {
  const environment = { PGHOST: "/run/pg", PGPORT: "1234", PGUSER: "me", PGPASSWORD: "secret", PGSSLMODE: "disable" };
  const target = readPostgresUrl("postgres://", environment);

  expect(target).toMatchObject({
    hosts: [{ host: "/run/pg", port: 1234 }],
    user: "me",
    database: "me",
    sslMode: "disable",
  });
  expect(target.passwordFor(home)).toBe("secret");
  expect(readPostgresUrl("postgres://you@there/db?port=5", environment)).toMatchObject({
    hosts: [{ host: "there", port: 5 }],
    user: "you",
    database: "db",
  });
});

test("an address beside a name is where to connect to, and the name is what counts for all else", () => {
  const target = readPostgresUrl("postgres://me@one,two:6000/db?hostaddr=192.0.2.1,192.0.2.2", {});

  expect(target.hosts).toEqual([
    { host: "one", port: 5432, address: "192.0.2.1" },
    { host: "two", port: 6000, address: "192.0.2.2" },
  ]);
  expect(describeTarget(target)).toBe("postgres://one,two:6000/db");
  expect(readPostgresUrl("postgres:///db?hostaddr=192.0.2.1", {}).hosts).toEqual([{ host: "192.0.2.1", port: 5432 }]);
  expect(() => readPostgresUrl("postgres://one/db?hostaddr=192.0.2.1,192.0.2.2", {})).toThrow("hostaddr");
});

test("a service stands before the environment, and behind the URL", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskwright-services-"));
  const [own, shared] = [join(folder, "own.conf"), join(folder, "pg_service.conf")];
  writeFileSync(
    own,
    "# mine\n[other]\nhost=wrong\n[shop]\nhost=there\nport=6000\npassword=a=b # c\nhost=late\n\n[next]\nuser=x",
  );
  writeFileSync(shared, "[common]\ndbname=all\n[broken]\nhunter2\n[strange]\nnonsense=hunter2\n");
  const environment = { PGSERVICE: "shop", PGSERVICEFILE: own, PGSYSCONFDIR: folder, PGUSER: "me", PGPORT: "1" };

  const target = readPostgresUrl("postgres:///db?port=7000", environment);
  expect(target).toMatchObject({ hosts: [{ host: "there", port: 7000 }], user: "me", database: "db" });
  expect(target.passwordFor(home)).toBe("a=b # c");
  expect(readPostgresUrl("postgres://?service=common", environment)).toMatchObject({
    hosts: [{ host: "localhost", port: 1 }],
    database: "all",
  });
  for (const [service, why] of [
    ["missing", /missing/],
    ["broken", /line 4/],
    ["strange", /nonsense/],
  ] as const) {
    const read = (): unknown => readPostgresUrl(`postgres://?service=${service}`, environment);
    expect(read).toThrow(why);
    expect(read).not.toThrow(/hunter2/);
  }
  rmSync(folder, { recursive: true });
});

test("a password may stand in a file that only its owner can read", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskwright-pgpass-"));
  const file = join(folder, "pgpass");
  writeFileSync(
    file,
    String.raw`# comment
other:*:*:*:wrong
localhost:5432:db:me:with\:colon\\and`,
    { mode: 0o600 },
  );
  const read = (): string | undefined =>
    readPostgresUrl(`postgres://me@localhost/db?passfile=${file}`, {}).passwordFor(home);

  expect(read()).toBe(String.raw`with:colon\and`);
  chmodSync(file, 0o644);
  expect(read()).toBeUndefined();
  rmSync(folder, { recursive: true });
});

test.for([
  ["http://host/db", /like postgres/],
  ["postgres://me:hunter2@host:port/db", /hosts/],
  ["postgres://me:hunter2@host:70000/db", /65535/],
  ["postgres://me:12@hunter2@host/db", /like postgres/],
  ["postgres://me:12/hunter2@host/db", /like postgres/],
  ["postgres://me:12?hunter2@host/db", /parameter/],
  ["postgres://me:hunter2@host/db?sslmode=maybe", /sslmode/],
  ["postgres://me:hunter2@host/db?nonsense=1", /nonsense/],
  ["postgres://me:hunter2%@host/db", /percent/],
  ["postgres://me:hunter2@host/db?client_encoding=latin1", /client_encoding/],
  ["postgres://me:hunter2@host/db?channel_binding=maybe", /channel_binding/],
  ["postgres://me:hunter2@host/db?ssl_min_protocol_version=SSLv3", /ssl_min_protocol_version/],
  ["postgres://me:hunter2@host/db?service=nowhere", /nowhere/],
  ["postgres://me:hunter2@host/db?sslrootcert=/not/there", /sslrootcert/],
] as const)("%s is refused, without telling the password", async ([url, why]) => {
  const error: unknown = await connect(url).catch((thrown: unknown) => thrown);

  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toMatch(why);
  expect(String(error)).not.toContain("hunter2");
});

test("what the server does not take is told at once, without the password", () =>
  inTree(async () => {
    await using db = await connect(`postgres://postgres:hunter2@127.0.0.1:${server.port}/nowhere`);

    const error: unknown = await db.fetch("select 1").catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: "SQL_CONNECT", sqlState: "3D000" });
    expect(JSON.stringify(error) + String(error)).not.toContain("hunter2");
  }));

test("a server without TLS is spoken to without, unless the URL asks for it", () =>
  inTree(async () => {
    await using plain = await connect(`${server.url()}?sslmode=prefer`);
    expect(await plain.fetchValue("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).toBe(false);

    await using secure = await connect(`${server.url()}?sslmode=require`);
    await expect(secure.fetch("select 1")).rejects.toThrow(/SSL/);
  }));

test("the first of several hosts that takes a connection is used", () =>
  inTree(async () => {
    const dead = createServer().listen(0, "127.0.0.1");
    await once(dead, "listening");
    const { port } = dead.address() as { port: number };
    dead.close();
    await once(dead, "close");
    const hosts = `127.0.0.1:${port},127.0.0.1:${server.port}`;

    await using db = await connect(`postgres://postgres@${hosts}/postgres?target_session_attrs=primary`);
    expect(await db.fetchValue("select 1")).toBe(1);
    await using none = await connect(`postgres://postgres@${hosts}/postgres?target_session_attrs=standby`);
    await expect(none.fetch("select 1")).rejects.toThrow(/standby/);
  }));

/** Makes a server seem to be a standby. */
function standby(): Transform {
  const [off, on] = ["\0\0\0\x17in_hot_standby\0off\0", "\0\0\0\x16in_hot_standby\0on\0"];
  return new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      done(null, Buffer.from(chunk.toString("latin1").replace(off, on), "latin1"));
    },
  });
}

test("of several hosts, the one is used that `target_session_attrs` asks for", () =>
  inTree(async () => {
    await using proxy = await openProxy(server.port, { answered: standby });
    const [primary, other] = [server.port, proxy.port];
    for (const [kind, ports, expected] of [
      ["any", [other, primary], other],
      ["primary", [other, primary], primary],
      ["read-write", [other, primary], primary],
      ["standby", [primary, other], other],
      ["read-only", [primary, other], other],
      ["prefer-standby", [primary, other], other],
      ["prefer-standby", [primary, primary], primary],
    ] as const) {
      const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
      await using db = await connect(`postgres://postgres@${hosts}/postgres?target_session_attrs=${kind}`);
      await db.fetch("select 1");
      proxy.breakOnNext();
      const used = await db.fetch("select 1").then(
        () => primary,
        () => other,
      );
      expect([kind, used]).toEqual([kind, expected]);
    }
  }));

test("settings of the URL reach the server", () =>
  inTree(async () => {
    await using db = await connect(
      `${server.url()}?application_name=tests&options=-c%20work_mem%3D1234kB%20-c%20datestyle%3DGerman`,
    );

    expect(await db.fetchValue("show work_mem")).toBe("1234kB");
    expect(await db.fetchValue("show application_name")).toBe("tests");
    // Whatever is asked for, dates come in one form.
    expect(await db.fetchValue("select '2026-11-21T00:00:00Z'::timestamptz")).toEqual(new Date("2026-11-21"));
  }));

test("those who wait for a connection stand in line, first come, first served, and are named in the tree", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    const order: number[] = [];
    await using own = await db.acquire();
    await taskGroup(async (group) => {
      for (const n of [1, 2, 3]) group.spawn(async () => (await db.fetch("select 1"), order.push(n)));
      await sleep(1);
      expect(db.statistics()).toEqual({ connections: 1, inUse: 1, waiting: 3 });
      expect(drawTree(currentScope().tree.root)).toMatch(
        /a connection of postgres:\/\/127.0.0.1:\d+\/\w+, 2 of 3 in line/,
      );
      await own[Symbol.asyncDispose]();
    });

    expect(order).toEqual([1, 2, 3]);
  }));

test("a pool whose connections are all taken lets go of who is cancelled in line", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 2 });
    await using one = await db.acquire();
    await using two = await db.acquire();

    const waiting = Array.from({ length: 50 }, () =>
      timeout(20, () => db.fetch("select 1")).catch((error: unknown) => error),
    );
    for (const outcome of await Promise.all(waiting)) expect(outcome).toBeInstanceOf(TimeoutError);

    expect(db.statistics()).toEqual({ connections: 2, inUse: 2, waiting: 0 });
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    expect(await db.fetchValue("select 1")).toBe(1);
  }));

test("connections are opened as needed, and closed when nobody has used them for a while, but for `min`", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 5, min: 2, idleMs: 50 });
    expect(db.statistics().connections).toBe(0);
    await db.fetch("select 1");
    expect(db.statistics().connections).toBe(1);

    const own = await Promise.all(Array.from({ length: 5 }, () => db.acquire()));
    expect(db.statistics()).toEqual({ connections: 5, inUse: 5, waiting: 0 });
    for (const connection of own) await connection[Symbol.asyncDispose]();

    await eventually(() => db.statistics().connections === 2);
    expect(await db.fetchValue("select 1")).toBe(1);
  }));

test("statements are prepared once, and the ones used last are kept", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1, statements: 3 });
    const kept = (): Promise<unknown> =>
      db.execute("select 1").then(async () => {
        await using own = await db.acquire();
        return await own.fetchValue(
          "select string_agg(statement, ',' order by prepare_time) from pg_prepared_statements",
        );
      });
    for (const n of [1, 2, 3, 1, 4]) await db.fetch(`select $1::int + ${n}`, [1]);

    // The one that asks is among them, and another made way for it.
    expect(await kept()).toMatch(/^select \$1::int \+ 1,select \$1::int \+ 4,select string_agg/);
  }));

test("a statement whose table has changed is prepared anew", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1 });
    await db.execute("create table t (n int); insert into t values (1)");
    expect(await db.fetch("select * from t where n = $1", [1])).toEqual([{ n: 1 }]);

    await db.execute("alter table t add column note text default 'new'");
    expect(await db.fetch("select * from t where n = $1", [1])).toEqual([{ n: 1, note: "new" }]);
    await db.execute("deallocate all");
    expect(await db.fetch("select * from t where n = $1", [1])).toEqual([{ n: 1, note: "new" }]);
    await db.execute("deallocate all");
    const streamed: unknown[] = [];
    for await (const row of db.stream("select * from t where n = $1", [1])) streamed.push(row);
    expect(streamed).toEqual([{ n: 1, note: "new" }]);

    await db.executeMany("insert into t (n) values ($1)", [[2]]);
    await db.execute("deallocate all");
    await expect(db.executeMany("insert into t (n) values ($1)", [[3]])).rejects.toMatchObject({ sqlState: "26000" });
    expect(await db.executeMany("insert into t (n) values ($1)", [[3]])).toBe(1);
  }));

test("without a cache, nothing is kept at the server", () =>
  inTree(async () => {
    await using db = await freshDatabase(server, { max: 1, statements: 0 });
    for (let time = 0; time < 2; time++) expect(await db.fetchValue("select $1::int[]", [[1]])).toEqual([1]);

    expect(await db.fetchValue("select count(*) from pg_prepared_statements")).toBe(0);
  }));

test("the text of a query may be several statements, where it has no values", () =>
  inTree(async () => {
    await using db = await freshDatabase(server);

    expect(await db.execute("create table t (n int); insert into t values (1), (2); update t set n = 3")).toBe(4);
    expect(await db.execute("delete from t where n = $1", [3])).toBe(2);
    expect(await db.fetchRow("select 1 where false")).toBeUndefined();
    expect(await db.fetchValue("select null")).toBeNull();
    expect(await db.fetch("")).toEqual([]);
    await expect(db.execute("copy t from stdin")).rejects.toThrow(/copyInto/);
  }));
