/** `taskwright fetch -o sqlite:FILE`: results as rows of a table. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

type Row = Record<string, unknown>;

function query(path: string, sql: string): Row[] {
  const db = new DatabaseSync(path, { timeout: 5_000 });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}

async function untilRows(path: string, count: number): Promise<void> {
  const rows = (): number => {
    const hasTable = existsSync(path) && query(path, "SELECT 1 FROM sqlite_schema WHERE name = 'results'").length > 0;
    return hasTable ? Number(query(path, "SELECT count(*) AS n FROM results")[0]!["n"]) : 0;
  };
  while (rows() < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

const bytes = Buffer.from([0xff, 0x00, 0xfe]);
const json = '{"big": 12345678901234567890}\n';

function answer({ url }: IncomingMessage, response: ServerResponse): void {
  if (url === "/missing") response.writeHead(404).end("no such thing");
  else if (url === "/bytes") response.end(bytes);
  else if (url === "/json") response.setHeader("content-type", "application/json").end(json);
  else response.end(`text of ${url}`);
}

test("has a row for each request, with bodies as text, JSON or bytes", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const lines = [
    server.url("/text"),
    server.url("/json"),
    server.url("/bytes"),
    server.url("/missing"),
    "http://127.0.0.1:1/refused",
    "no URL",
  ];
  writeFileSync(folder.at("list"), lines.join("\n"));
  const flags = [
    "-i",
    folder.at("list"),
    "-o",
    `sqlite:${folder.at("results.db")}`,
    "--retry",
    "0",
    "--include-headers",
  ];
  const { code, stdout, stderr } = await runCli(["fetch", ...flags]);
  expect(stderr).toContain("6 requests");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const rows = query(
    folder.at("results.db"),
    "SELECT number, ok, status, attempts, body_type, body, error_code FROM results ORDER BY number",
  );
  expect(rows).toEqual([
    { number: 1, ok: 1, status: 200, attempts: 1, body_type: "text", body: "text of /text", error_code: null },
    { number: 2, ok: 1, status: 200, attempts: 1, body_type: "json", body: json, error_code: null },
    { number: 3, ok: 1, status: 200, attempts: 1, body_type: "bytes", body: new Uint8Array(bytes), error_code: null },
    { number: 4, ok: 0, status: 404, attempts: 1, body_type: "text", body: "no such thing", error_code: null },
    { number: 5, ok: 0, status: null, attempts: 1, body_type: null, body: null, error_code: "ECONNREFUSED" },
    { number: 6, ok: 0, status: null, attempts: 0, body_type: null, body: null, error_code: "BAD_LINE" },
  ]);
  const [row] = query(folder.at("results.db"), "SELECT * FROM results WHERE number = 2");
  expect(row).toMatchObject({ id: 2, url: server.url("/json") });
  expect(JSON.parse(row!["headers"] as string)).toMatchObject({ "content-type": "application/json" });
  expect(row!["total_ms"]).toBeGreaterThan(0);
});

test("goes on after kill -9 with what has no row, can be read meanwhile, and asks failures again", async () => {
  const asked: string[] = [];
  let isDown = false;
  await using server = await httpServer(({ url }, response) => {
    asked.push(url!);
    if (isDown && url!.endsWith("7")) response.writeHead(400).end();
    else setTimeout(() => response.end(url), 2);
  });
  using folder = new TemporaryFolder();
  const count = 2_000;
  const path = folder.at("results.db");
  writeFileSync(folder.at("list"), Array.from({ length: count }, (_, index) => server.url(`/${index + 1}`)).join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "-o", `sqlite:${path}`];
  const rowsNow = (): number => Number(query(path, "SELECT count(*) AS n FROM results")[0]!["n"]);

  const first = new Cli([...flags, "--progress", "bar"]);
  await first.says("/2,000");
  while (rowsNow() < 100) await new Promise((resolve) => setTimeout(resolve, 5));
  first.kill("SIGKILL");
  await first.ended;
  const kept = new Set(query(path, "SELECT url FROM results").map(({ url }) => new URL(url as string).pathname));
  expect(kept.size).toBeGreaterThanOrEqual(100);
  expect(kept.size).toBeLessThan(count);

  asked.length = 0;
  isDown = true;
  const second = await runCli(flags);
  expect(second.stderr).toContain(`going on with sqlite:${path}`);
  expect(second.code).toBe(1);
  expect(asked.filter((url) => kept.has(url))).toEqual([]);
  expect(rowsNow()).toBe(count);

  isDown = false;
  asked.length = 0;
  const failed = query(path, "SELECT number FROM results WHERE ok = 0 ORDER BY number").map(
    ({ number }) => `/${number as number}`,
  );
  expect(failed.length).toBeGreaterThan(0);
  const third = await runCli([...flags, "--retry-failed"]);
  expect(third.code).toBe(0);
  expect(asked.toSorted()).toEqual(failed.toSorted());
  expect(query(path, "SELECT count(*) AS n, sum(ok) AS ok FROM results")).toEqual([{ n: count, ok: count }]);
});

test("leaves other tables alone, and does not replace results that it does not know", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const path = folder.at("mine.db");
  query(path, "CREATE TABLE mine (x)");
  query(path, "CREATE TABLE results (x)");
  const flags = ["fetch", "-o", `sqlite:${path}`, server.url("/text")];
  const refused = await runCli(flags);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("has no journal");
  expect(server.peers).toEqual([]);
  const { code } = await runCli([...flags, "--restart"]);
  expect(code).toBe(0);
  expect(query(path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")).toEqual([
    { name: "mine" },
    { name: "results" },
  ]);
  expect(query(path, "SELECT body FROM results")).toEqual([{ body: "text of /text" }]);
});

test("changes nothing where the old results cannot be given up for new ones", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const path = folder.at("results.db");
  const flags = ["fetch", "-o", `sqlite:${path}`, server.url("/text")];
  await runCli(flags);
  query(path, "CREATE TABLE mine (result REFERENCES results (number))");
  query(path, "INSERT INTO mine VALUES (1)");
  const restarted = await runCli([...flags, "--restart", "--include-headers"]);
  expect(restarted.code).toBe(2);
  expect(restarted.stderr).toContain("FOREIGN KEY constraint failed");
  // They are not taken for those of the job that did not begin.
  const goneOn = await runCli([...flags, "--include-headers"]);
  expect(goneOn.code).toBe(2);
  expect(goneOn.stderr).toContain("--include-headers was not given, and is given");
  expect((await runCli(flags)).code).toBe(0);
});

test("has whole numbers as ids, and puts up with columns of others", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const path = folder.at("results.db");
  const lines = [
    '{"id": 7, "url": "/text"}',
    '{"id": "7", "url": "/text"}',
    '{"id": 1.5, "url": "/text"}',
    '{"id": 8}',
  ];
  writeFileSync(folder.at("list"), lines.join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "--base-url", server.url(""), "-o", `sqlite:${path}`];
  await runCli(flags);
  query(path, "ALTER TABLE results ADD COLUMN note DEFAULT 'none'");
  writeFileSync(folder.at("list"), [...lines, "/text"].join("\n"));
  const grown = await runCli(flags);
  expect(grown.stderr).toContain("1 request in");
  expect(query(path, "SELECT quote(id) AS id, note FROM results ORDER BY number")).toEqual(
    ["7", "'7'", "1.5", "8", "5"].map((id) => ({ id, note: "none" })),
  );
});

test.each([
  ["the database", "results.db", "was deleted by somebody else"],
  ["its journal", "results.db.journal", "has a journal that was deleted by somebody else"],
])("stops where somebody deletes %s, since nobody would find the results", async (_what, name, message) => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const cli = new Cli(["fetch", "-i", "-", "-o", `sqlite:${folder.at("results.db")}`], { stdin: undefined });
  cli.process.stdin!.write(`${server.url("/missing")}\n`);
  await untilRows(folder.at("results.db"), 1);
  rmSync(folder.at(name));
  cli.process.stdin!.end(`${server.url("/text")}\n`);
  const { code, stderr } = await cli.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

test("waits for others that write to the database, and is patient", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const path = folder.at("results.db");
  const cli = new Cli(["fetch", "-i", "-", "-o", `sqlite:${path}`], { stdin: undefined });
  cli.process.stdin!.write(`${server.url("/missing")}\n`);
  await untilRows(path, 1);
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  cli.process.stdin!.end(`${server.url("/text")}\n`);
  // Longer than SQLite is mostly told to wait.
  setTimeout(() => other.close(), 5_500);
  expect((await cli.ended).stderr).toContain("2 requests in");
  expect(query(path, "SELECT count(*) AS n FROM results")).toEqual([{ n: 2 }]);
});

test("refuses what is no database, two runs at once, and forms that are for files", async () => {
  await using server = await httpServer((_request, response) => void setTimeout(() => response.end(), 1_000));
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("text"), "no database, but longer than the header of one would be ".repeat(20));
  const wrong = await runCli(["fetch", "-o", `sqlite:${folder.at("text")}`, server.url("/")]);
  expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining("file is not a database") as string,
  });
  expect(readFileSync(folder.at("text"), "utf8")).toContain("no database");
  const flags = ["fetch", "-o", `sqlite:${folder.at("results.db")}`];
  const missing = await runCli([...flags, "--resume", server.url("/")]);
  expect(missing.code).toBe(2);
  expect(existsSync(folder.at("results.db"))).toBe(false);
  const formed = await runCli([...flags, "--output-format", "openai-batch", server.url("/")]);
  expect(formed.code).toBe(2);
  const first = new Cli([...flags, "--progress", "bar", server.url("/")]);
  await first.says("1 of 4 in flight");
  const second = await runCli([...flags, server.url("/")]);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`is being written by process ${first.process.pid}`);
  expect((await first.ended).code).toBe(0);
});
