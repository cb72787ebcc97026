/** What `taskwright fetch` reads: several inputs, formats, templates. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

interface Result {
  id: string | number;
  url: string;
  ok: boolean;
  status?: number;
  body?: unknown;
  error?: { code: string; message: string };
}

/** In the order of the input, as far as ids are numbers. */
function resultsOf(text: string): Result[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Result).toSorted((a, b) => Number(a.id) - Number(b.id));
}

function echoPath(request: IncomingMessage, response: ServerResponse): void {
  response.end(request.url);
}

describe("several inputs", () => {
  test("are read one after the other, patterns in the order of names, and numbered as though they were one", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    mkdirSync(folder.at("lists"));
    mkdirSync(folder.at("lists/c.txt"));
    writeFileSync(folder.at("lists/b.txt"), `${server.url("/b1")}\n${server.url("/b2")}\n`);
    writeFileSync(folder.at("lists/a.txt"), `# one\n${server.url("/a")}`);
    writeFileSync(folder.at("x.jsonl"), JSON.stringify({ url: server.url("/x"), id: "mine" }));
    const args = ["fetch", "-i", "lists/*.txt", "-i", "x.jsonl", "-i", "-"];
    const { code, stdout } = await runCli(args, { cwd: folder.path, stdin: server.url("/in") });
    expect(code).toBe(0);
    const ids = resultsOf(stdout).map(({ id, body }) => [body, id]);
    expect(Object.fromEntries(ids)).toEqual({ "/a": 2, "/b1": 3, "/b2": 4, "/x": "mine", "/in": 6 });
  });

  test("are decompressed by what is in them", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.gz"), gzipSync(`${server.url("/a")}\n`));
    writeFileSync(folder.at("b"), zstdCompressSync(`${server.url("/b")}\n`));
    writeFileSync(folder.at("c.gz"), `${server.url("/c")}\n`);
    const args = ["fetch", "-i", "a.gz", "-i", "b", "-i", "c.gz", "-i", "-"];
    const stdin = gzipSync(`${server.url("/d")}\n`);
    const { code, stdout } = await runCli(args, { cwd: folder.path, stdin });
    expect(code).toBe(0);
    expect(resultsOf(stdout).map(({ id, body }) => [id, body])).toEqual([
      [1, "/a"],
      [2, "/b"],
      [3, "/c"],
      [4, "/d"],
    ]);
  });

  test("are named in messages and in results, with the number of the line in its own file", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), `${server.url("/a")}\n`);
    writeFileSync(folder.at("b"), "\n  http://a/ b\n");
    const { code, stdout, stderr } = await runCli(["fetch", "-i", "a", "-i", "b"], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain("b:2:12: A URL cannot contain spaces");
    const [, bad] = resultsOf(stdout);
    expect(bad).toMatchObject({ id: 3, error: { code: "BAD_LINE" } });
    expect(bad!.error!.message).toContain("b, line 2, column 12: A URL cannot contain spaces");
  });

  test.each([
    [["-i", "nothing-*"], "No file matches `nothing-*`"],
    [["-i", "a", "-i", "missing"], "Cannot read requests: ENOENT"],
    [["-i", "."], "Cannot read requests: EISDIR: `.` is a directory"],
    [["-i", "-", "-i", "-"], "Standard input can be read only once"],
    [["-i", "a", "-i", "b", "-o", "b"], "`b` is an input: results in its place would delete the requests"],
    [["-i", "*", "-o", "b"], "`b` is an input"],
  ])("are refused before anything is asked: %j", async (args, message) => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), "http://127.0.0.1:1/\n");
    writeFileSync(folder.at("b"), "http://127.0.0.1:1/\n");
    const { code, stdout, stderr } = await runCli(["fetch", ...args], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("that break in the middle end the run, by name", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), `${server.url("/a")}\n`);
    writeFileSync(folder.at("b.gz"), gzipSync(`${server.url("/b")}\n`.repeat(10)).subarray(0, -4));
    const { code, stdout, stderr } = await runCli(["fetch", "-i", "a", "-i", "b.gz"], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain("Cannot read requests (b.gz): unexpected end of file");
    expect(resultsOf(stdout)[0]).toMatchObject({ id: 1, ok: true });
  });

  test("are told apart by a dry run", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.txt"), "http://a.example/1\nhttp://a.example/2\n");
    writeFileSync(folder.at("b.gz"), gzipSync('{"url": "http://b.example/"}\n{}\n'));
    const { code, stdout } = await runCli(["fetch", "--dry-run", "-i", "a.txt", "-i", "b.gz"], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout).toContain("3 requests to 2 hosts: 3 GET; no request: 1 line\n");
    expect(stdout).toContain("  a.txt: urls, 2 requests, 38 B\n");
    expect(stdout).toMatch(/ {2}b\.gz: jsonl, gzip, 1 request, \d+ B; no request: 1 line\n/);
  });
});
