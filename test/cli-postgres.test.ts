/** `taskwright fetch -o postgres://...`: results as rows of a table of a server. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, type Socket, connect as connectSocket, createServer } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Database, connect } from "../src/sql/index.ts";
import { Cli, type CliEnd, TemporaryFolder, runCli } from "./cli.ts";
import { randomFrom } from "./fetch/sweep.ts";
import { httpServer } from "./http-server.ts";
import { openProxy } from "./sql/databases.ts";
import { type Postgres, startPostgres } from "./sql/postgres.ts";

/** Each runs several processes. */

let server: Postgres;
let db: Database;
/** Of a database that is empty at the beginning of each test. */
let url: string;
const name = `taskwright_cli_${process.pid}`;

beforeAll(async () => {
  // One of our own: it is killed, and lets in anybody without a password.
  server = await startPostgres({ isOwn: true });
  await using admin = await connect(server.url());
  await admin.execute(`create database ${name}`);
  await admin.execute("create role limited login");
  url = server.url(name);
});
beforeEach(async () => {
  db = await connect(url);
  await db.execute("drop schema if exists shop cascade; drop schema public cascade; create schema public");
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const bytes = Buffer.from([0xff, 0x00, 0xfe]);
const json = '{"big": 12345678901234567890, "nul": "\\u0000"}\n';

function answer({ url: path }: IncomingMessage, response: ServerResponse): void {
  if (path === "/missing") response.writeHead(404).end("no such thing");
  else if (path === "/bytes") response.end(bytes);
  else if (path === "/nul") response.end("a\0b");
  else if (path === "/special") response.end(String.raw`\N \. \\ "'` + "\t\r\n\v\u{1F600}");
  else if (path === "/json") response.setHeader("content-type", "application/json").end(json);
  else response.end(`text of ${path}`);
}

const count = async (table = "results"): Promise<number> =>
  Number(await db.fetchValue(`select count(*) from ${table}`));

async function untilRows(rows: number): Promise<void> {
  while ((await count().catch(() => 0)) < rows) await after(5);
}

/** Stands between the command and the server. */
interface MutableProxy extends AsyncDisposable {
  readonly port: number;
  /** Keeps to itself what the server says on the connections there are. */
  mute(): void;
  /** Ends them. */
  hangUp(): void;
}

async function openMutableProxy(): Promise<MutableProxy> {
  const pairs = new Set<readonly [incoming: Socket, outgoing: Socket]>();
  const proxy = createServer((incoming) => {
    const outgoing = connectSocket(server.port, "127.0.0.1");
    pairs.add([incoming, outgoing]);
    for (const socket of [incoming, outgoing]) socket.on("error", () => {});
    incoming.pipe(outgoing).pipe(incoming);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const hangUp = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    mute: () => {
      for (const [incoming, outgoing] of pairs) outgoing.unpipe(incoming).resume();
    },
    hangUp,
    [Symbol.asyncDispose]: async () => {
      hangUp();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

test("has a row for each request, with bodies as text, JSON or bytes, and types of Postgres", async () => {
  await using http = await httpServer(answer);
  using folder = new TemporaryFolder();
  const paths = ["/text", "/json", "/bytes", "/nul", "/special", "/missing"];
  const lines = [...paths.map((path) => http.url(path)), "http://127.0.0.1:1/refused", "no URL"];
  writeFileSync(folder.at("list"), lines.join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "-o", url, "--retry", "0", "--include-headers"];
  const { code, stdout, stderr } = await runCli(flags);
  expect(stderr).toContain("8 requests");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const rows = await db.fetch(
    "select number, ok, status, attempts, body_type, body, body_bytes, error_code from results order by 1",
  );
  const good = { ok: true, status: 200, attempts: 1, body_bytes: null, error_code: null };
  const bad = { ok: false, status: null, attempts: 1, body_type: null, body: null, body_bytes: null };
  expect(rows).toEqual([
    { ...good, number: 1, body_type: "text", body: "text of /text" },
    { ...good, number: 2, body_type: "json", body: json },
    { ...good, number: 3, body_type: "bytes", body: null, body_bytes: new Uint8Array(bytes) },
    { ...good, number: 4, body_type: "bytes", body: null, body_bytes: new Uint8Array(Buffer.from("a\0b")) },
    { ...good, number: 5, body_type: "text", body: String.raw`\N \. \\ "'` + "\t\r\n\v\u{1F600}" },
    { ...bad, number: 6, status: 404, body_type: "text", body: "no such thing", error_code: null },
    { ...bad, number: 7, error_code: "ECONNREFUSED" },
    { ...bad, number: 8, attempts: 0, error_code: "BAD_LINE" },
  ]);
  expect(
    await db.fetchRow(
      "select id, url, headers->>'content-type' as type, total_ms > 0 as took from results where number = 2",
    ),
  ).toEqual({ id: "2", url: http.url("/json"), type: "application/json", took: true });
});

test("text that Postgres does not take is in the results all the same", async () => {
  await using http = await httpServer(answer);
  using folder = new TemporaryFolder();
  const lines = [
    { id: "a\0b", url: "/text" },
    { id: "\ud800", url: "/text" },
    { id: 7, url: "/text" },
    { url: "/a\0b" },
  ];
  writeFileSync(folder.at("list"), lines.map((line) => JSON.stringify(line)).join("\n"));
  const { stderr } = await runCli(["fetch", "-i", folder.at("list"), "--base-url", http.url(""), "-o", url]);
  expect(stderr).toContain("4 requests");
  expect(await db.fetch("select id from results order by number")).toEqual(
    ["a\ufffdb", "\ufffd", "7", "4"].map((id) => ({ id })),
  );
});

test("names its table, goes on with it, asks failures again, and begins anew", async () => {
  const asked: string[] = [];
  let isDown = true;
  await using http = await httpServer(({ url: path }, response) => {
    asked.push(path!);
    if (isDown && path === "/2") response.writeHead(400);
    response.end(path);
  });
  using folder = new TemporaryFolder();
  await db.execute("create schema shop");
  const write = (lines: number): void =>
    writeFileSync(folder.at("list"), Array.from({ length: lines }, (_, index) => http.url(`/${index + 1}`)).join("\n"));
  write(3);
  const flags = ["fetch", "-i", folder.at("list"), "-o", `${url}?table=shop.Answers`];
  const run = (...more: string[]): Promise<CliEnd> => {
    asked.length = 0;
    return runCli([...flags, ...more]);
  };
  const missing = await run("--resume");
  expect({ code: missing.code, stderr: missing.stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("nothing to go on with") as string,
  });
  expect((await run()).code).toBe(1);
  expect(await count('shop."Answers"')).toBe(3);
  write(5);
  const grown = await run("--resume");
  expect(grown.stderr).toContain("3 results (2 ok, 1 failed)");
  expect(asked.toSorted()).toEqual(["/4", "/5"]);
  isDown = false;
  expect((await run("--retry-failed")).code).toBe(0);
  expect(asked).toEqual(["/2"]);
  expect(await db.fetchRow('select count(*)::int as n, bool_and(ok) as ok from shop."Answers"')).toEqual({
    n: 5,
    ok: true,
  });
  expect((await run("--include-headers")).stderr).toContain("--include-headers was not given, and is given");
  // Views of it, and what others have added, stay.
  await db.execute(
    `alter table shop."Answers" add column note text default 'none'; create view shop.v as select id from shop."Answers"`,
  );
  expect((await run("--restart", "--include-headers")).code).toBe(0);
  expect(asked).toHaveLength(5);
  expect(await count("shop.v")).toBe(5);
  writeFileSync(folder.at("list"), http.url("/other"));
  expect((await run("--include-headers")).stderr).toContain("request 1 is not what it was");
});

test("writes in the order of the requests where that is wanted", async () => {
  await using http = await httpServer(({ url: path }, response) => {
    setTimeout(() => response.end(path), path === "/1" ? 200 : 0);
  });
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("list"), Array.from({ length: 300 }, (_, index) => http.url(`/${index + 1}`)).join("\n"));
  const { code } = await runCli(["fetch", "-i", folder.at("list"), "-o", url, "--ordered", "--per-host", "50"]);
  expect(code).toBe(0);
  const rows = await db.fetch<{ number: number }>("select number from results order by ctid");
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
});

test("refuses tables that are not its own, two runs at once, and forms that are for files", async () => {
  const released = Promise.withResolvers<void>();
  await using http = await httpServer((_request, response) => void released.promise.then(() => response.end()));
  const run = (...flags: string[]): Promise<CliEnd> => runCli(["fetch", ...flags, http.url("/")]);
  await db.execute("create table users (id int, ok boolean); insert into users values (1, true)");
  const foreign = await run("-o", `${url}?table=users`, "--restart");
  expect(foreign.code).toBe(2);
  expect(foreign.stderr).toContain("the table `users` is none of results, it has no columns `number`, `url`");
  expect(await count("users")).toBe(1);
  const failed = await run("-o", url, "--only-failed");
  expect({ code: failed.code, told: failed.stderr.includes("WHERE NOT ok") }).toEqual({ code: 2, told: true });
  expect((await run("-o", url, "--output-format", "openai-batch")).code).toBe(2);
  expect((await run("-o", `${url}?table=a.b.c`)).stderr).toContain("Expected ?table= to be a name");
  expect((await run("-o", `${url}?table=x"; drop table users`)).stderr).toContain("Expected ?table= to be a name");
  // Nothing was made.
  expect(await db.fetch("select 1 from pg_tables where tablename in ('results', 'taskwright_journal')")).toEqual([]);

  const first = new Cli(["fetch", "-o", url, "--progress", "bar", http.url("/")]);
  await first.says("1 of 4 in flight");
  const second = await run("-o", url);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`is being written by process ${first.process.pid}`);
  released.resolve();
  expect((await run("-o", `${url}?table=other`)).code).toBe(0);
  expect((await first.ended).code).toBe(0);
  await db.execute("delete from taskwright_journal");
  const unknown = await run("-o", url);
  expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is not empty and has no journal") as string,
  });
});

test("goes into a table that was made for it, by one who may make none", async () => {
  await using http = await httpServer(answer);
  await runCli(["fetch", "-o", url, http.url("/text")]);
  await db.execute("truncate results, taskwright_journal");
  await db.execute("grant select, insert, update, delete, truncate on results, taskwright_journal to limited");
  await db.execute("grant usage on schema public to limited");
  const limited = url.replace("postgres@", "limited@");
  const { code, stderr } = await runCli(["fetch", "-o", limited, http.url("/text")]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await count()).toBe(1);
  const denied = await runCli(["fetch", "-o", `${limited}?table=mine`, http.url("/text")]);
  expect(denied.code).toBe(2);
  expect(denied.stderr).toContain("permission denied for schema public (42501)");
});

test("says why there is no connection, and asks nothing then", async () => {
  await using http = await httpServer(answer);
  const run = (output: string): Promise<CliEnd> => runCli(["fetch", "-o", output, http.url("/")]);
  const nobody = await run(server.url(name).replace(/:\d+\//, ":1/"));
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toMatch(
    /Cannot write results: no connection to postgres:\/\/127\.0\.0\.1:1\/\S+: .*ECONNREFUSED/,
  );
  const unknown = await run(server.url("nowhere"));
  expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('database "nowhere" does not exist') as string,
  });
  expect((await run(`${url}?sslmode=always`)).stderr).toContain("Expected `sslmode` of a postgres:// URL to be one of");
  await using admin = await connect(server.url());
  await admin.execute("create database latin encoding latin1 locale 'C' template template0");
  expect((await run(server.url("latin"))).stderr).toContain("the database is in LATIN1, and results are in UTF8");
  const noFolder = await runCli(["fetch", "-o", url, "--save-bodies", "/dev/null/x", http.url("/")]);
  expect({ code: noFolder.code, told: noFolder.stderr.includes("Cannot write bodies") }).toEqual({
    code: 2,
    told: true,
  });
  expect((await run(`${url}?tabel=x`)).stderr).toContain("`tabel` is no parameter");
  expect(http.peers).toEqual([]);
});

test("a full database ends the run, which goes on with what was not written", async () => {
  const asked: string[] = [];
  await using http = await httpServer(({ url: path }, response) => {
    asked.push(path!);
    setTimeout(() => response.end(path), 1);
  });
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("list"), Array.from({ length: 1_000 }, (_, index) => http.url(`/${index + 1}`)).join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "-o", url];
  await runCli(["fetch", "-o", url, http.url("/first")]);
  await db.execute(`
    truncate results, taskwright_journal;
    create function refuse() returns trigger language plpgsql as $$ begin
      if (select count(*) from results) > 100 then
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
      end if;
      return new;
    end $$;
    create trigger refuse before insert on results for each row execute function refuse()`);
  asked.length = 0;
  const full = await runCli(flags);
  expect(full.code).toBe(1);
  expect(full.stderr).toContain("Cannot write results (postgres://***@127.0.0.1");
  expect(full.stderr).toContain("could not extend file: No space left on device (53100)");
  expect(full.stderr).toContain("go on:");
  const kept = await db.fetch<{ path: string }>("select body as path from results");
  expect(kept.length).toBeGreaterThan(0);
  await db.execute("drop trigger refuse on results");
  asked.length = 0;
  expect((await runCli(flags)).code).toBe(0);
  const known = new Set(kept.map(({ path }) => path));
  expect(asked.filter((path) => known.has(path))).toEqual([]);
  expect(await count()).toBe(1_000);
});

test("killed anywhere and run again until it is done: nothing is lost, doubled, or asked again that has its row", async () => {
  const random = randomFrom(Number(process.env["PROPERTY_SEED"] ?? 20_261_121));
  let asked: number[] = [];
  await using http = await httpServer(({ url: path }, response) => {
    const number = Number(path!.slice(1));
    asked.push(number);
    if (number % 11 === 0) response.statusCode = 404;
    setTimeout(() => response.end(`${number}-äöü-`.repeat(number % 53 === 0 ? 20_000 : 20)), number % 4);
  });
  using folder = new TemporaryFolder();
  const lineCount = 3_000;
  const lines = Array.from({ length: lineCount }, (_, index) =>
    (index + 1) % 37 === 0 ? "no request" : http.url(`/${index + 1}`),
  );
  writeFileSync(folder.at("list"), lines.join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "-o", url, "--per-host", "20", "--retry", "0", "-q"];
  const numbers = async (): Promise<Set<number>> => {
    const rows = await db.fetch<{ number: number }>("select number from results").catch(() => []);
    return new Set(rows.map(({ number }) => number));
  };
  let kills = 0;
  let kept = new Set<number>();
  const check = async (): Promise<void> => {
    expect(asked.filter((number) => kept.has(number))).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
    const now = await numbers();
    expect([...kept].filter((number) => !now.has(number))).toEqual([]);
    kept = now;
  };
  for (let point = 0; point < 60 && kills < 24; point++) {
    asked = [];
    const cli = new Cli(flags);
    const moments = [
      () => after(random() * 500),
      async () => {
        const goal = 1 + Math.floor(random() * 60);
        while (asked.length < goal && cli.process.exitCode === null) await after(1);
      },
      () => untilRows(kept.size + 1 + Math.floor(random() * 50)),
    ];
    await Promise.race([moments[Math.floor(random() * moments.length)]!(), cli.exited]);
    cli.kill("SIGKILL");
    const { signal } = await cli.ended;
    if (signal === "SIGKILL") kills++;
    await http.untilClosed();
    // The server may not have noticed yet, and commit what it was sent.
    while (
      (await db.fetchValue<number>(
        "select count(*) from pg_stat_activity where application_name = 'taskwright fetch'",
      )) !== 0
    )
      await after(2);
    await check();
    if (kept.size === lineCount) break;
  }
  asked = [];
  expect((await runCli(flags)).code).toBe(1);
  await check();
  expect(kept.size).toBe(lineCount);
  expect(kills).toBeGreaterThanOrEqual(20);
  const wrong = await db.fetch(`
    select number from results where not case
      when number % 37 = 0 then error_code = 'BAD_LINE'
      else body = repeat(number || '-äöü-', case when number % 53 = 0 then 20000 else 20 end) and ok = (number % 11 <> 0)
    end`);
  expect(wrong).toEqual([]);
});

test("a server that crashes and comes back loses nothing, and the run goes on by itself", async () => {
  const asked: string[] = [];
  await using http = await httpServer(({ url: path }, response) => {
    asked.push(path!);
    setTimeout(() => response.end(path), 5);
  });
  using folder = new TemporaryFolder();
  const lineCount = 3_000;
  writeFileSync(
    folder.at("list"),
    Array.from({ length: lineCount }, (_, index) => http.url(`/${index + 1}`)).join("\n"),
  );
  const cli = new Cli(["fetch", "-i", folder.at("list"), "-o", url, "--per-host", "20"]);
  await untilRows(200);
  await db[Symbol.asyncDispose]();
  await server.kill();
  await cli.says("the connection was lost, results wait until it is there again");
  await after(1_000);
  await server.start();
  await cli.says("connected again");
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  db = await connect(url);
  expect(await count()).toBe(lineCount);
  expect(new Set(asked).size).toBe(asked.length);
});

test("a connection that broke without the server knowing is replaced, and its lock with it", async () => {
  await using http = await httpServer(answer);
  await using proxy = await openProxy(server.port);
  const cli = new Cli(["fetch", "-i", "-", "-o", url.replace(/:\d+\//, `:${proxy.port}/`)], { stdin: undefined });
  cli.process.stdin!.write(`${http.url("/1")}\n`);
  await untilRows(1);
  proxy.breakOnNext();
  cli.process.stdin!.write(`${http.url("/2")}\n`);
  await untilRows(2);
  cli.process.stdin!.end(`${http.url("/3")}\n`);
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain("connected again");
  expect(await count()).toBe(3);
});

test("rows that were committed without anybody hearing of it are not inserted twice", async () => {
  await using http = await httpServer(answer);
  await using proxy = await openMutableProxy();
  const cli = new Cli(["fetch", "-i", "-", "-o", url.replace(/:\d+\//, `:${proxy.port}/`)], { stdin: undefined });
  cli.process.stdin!.write(`${http.url("/1")}\n`);
  await untilRows(1);
  await db.execute(`
    create function wait() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock(1);
      return new;
    end $$;
    create trigger wait before insert on results for each row execute function wait()`);
  await using holder = await db.acquire();
  await holder.fetch("select pg_advisory_lock(1)");
  cli.process.stdin!.write(`${http.url("/2")}\n`);
  while ((await db.fetchValue("select count(*) from pg_locks where not granted")) === 0) await after(5);
  proxy.mute();
  await holder.fetch("select pg_advisory_unlock(1)");
  await untilRows(2);
  proxy.hangUp();
  await cli.says("connected again");
  cli.process.stdin!.end(`${http.url("/3")}\n`);
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await db.fetch("select number from results order by 1")).toEqual([
    { number: 1 },
    { number: 2 },
    { number: 3 },
  ]);
});

test("stops where another run has taken over while its connection was lost", async () => {
  await using http = await httpServer(answer);
  const cli = new Cli(["fetch", "-i", "-", "-o", url], { stdin: undefined });
  cli.process.stdin!.write(`${http.url("/1")}\n`);
  await untilRows(1);
  await db.execute("update taskwright_journal set owner = gen_random_uuid()");
  await db.execute(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskwright fetch'",
  );
  cli.process.stdin!.end(`${http.url("/2")}\n`);
  const { code, stderr } = await cli.ended;
  expect(code).toBe(1);
  expect(stderr).toContain("was taken over by another run while the connection was lost");
  expect(await count()).toBe(1);
});

test("stops on the second signal where the database does not take results, and keeps what was written", async () => {
  await using http = await httpServer(answer);
  const cli = new Cli(["fetch", "-i", "-", "-o", url], { stdin: undefined });
  cli.process.stdin!.write(`${http.url("/1")}\n`);
  await untilRows(1);
  await using holder = await db.acquire();
  await holder.execute("begin; lock table results");
  cli.process.stdin!.write(`${http.url("/2")}\n`);
  while (http.peers.length < 1 || (await db.fetchValue("select count(*) from pg_locks where not granted")) === 0)
    await after(5);
  cli.kill("SIGINT");
  await cli.says("waiting until the results are written, Ctrl-C again cancels");
  cli.kill("SIGINT");
  const { code } = await cli.ended;
  expect(code).toBe(130);
  await holder.execute("commit");
  expect(await count()).toBe(1);
});

test("what is secret in the URL stands nowhere: not in messages, progress, summaries, nor in the journal", async () => {
  await using http = await httpServer(answer);
  const said: string[] = [];
  const run = async (output: string, ...flags: string[]): Promise<void> => {
    const { stdout, stderr } = await runCli([
      "fetch",
      "-v",
      "-o",
      output,
      http.url("/missing"),
      http.url("/text"),
      ...flags,
    ]);
    said.push(stdout, stderr);
  };
  const at = (password: string, rest = `127.0.0.1:${server.port}/${name}`): string =>
    `postgres://postgres:${password}@${rest}`;
  await run(at("s3cr3t"), "--progress", "plain", "--summary", "json");
  await run(at("s3cr3t"), "--resume");
  await run(at("s3cr3t"), "--include-headers");
  await run(`${url}?password=s3cr3t&table=other`);
  await run(at("s3cr3t", "127.0.0.1:1/x?connect_timeout=2"));
  await run(at("s3cr3t/s3cr3t"));
  await run(at("s3cr3t@s3cr3t"));
  await run(at("s3cr3t?s3cr3t#s3cr3t"));
  await run(at("s3cr3t", "[::/x"));
  await run(at("s3cr3t", `127.0.0.1:${server.port}/${name}?table=x y`));
  said.push(JSON.stringify(await db.fetch("select * from taskwright_journal")));
  expect(said.join("")).toContain("postgres://***@127.0.0.1");
  expect(said.join("")).toContain("your secrets in place of ***");
  expect(said.join("").match(/.{0,80}s3cr3t.{0,80}/)?.[0]).toBeUndefined();
});
