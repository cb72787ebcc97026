/** `taskwright fetch --save-bodies`: a file for each body. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

interface Result {
  id: number;
  ok: boolean;
  status: number;
  bodyType: string;
  body: string;
}

function resultsOf(text: string): Result[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Result)
    .toSorted((a, b) => a.id - b.id);
}

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));

function answer({ url }: IncomingMessage, response: ServerResponse): void {
  if (url === "/missing") response.writeHead(404).end("no such thing");
  else if (url === "/empty") response.end();
  else if (url === "/bytes") response.end(bytes);
  else response.setHeader("content-type", "application/json").end(JSON.stringify({ url }));
}

test("puts each body into a file, and its name into the results", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  const paths = ["/a", "/bytes", "/missing", "/empty"];
  const { code, stdout } = await runCli(
    ["fetch", "--save-bodies", "bodies", ...paths.map((path) => server.url(path))],
    {
      cwd: folder.path,
    },
  );
  expect(code).toBe(1);
  expect(resultsOf(stdout)).toMatchObject([
    { id: 1, ok: true, bodyType: "file", body: "bodies/1.json" },
    { id: 2, ok: true, bodyType: "file", body: "bodies/2.bin" },
    { id: 3, ok: false, status: 404, bodyType: "text", body: "no such thing" },
    { id: 4, ok: true, bodyType: "text", body: "" },
  ]);
  expect(readdirSync(folder.at("bodies")).toSorted()).toEqual(["1.json", "2.bin"]);
  expect(readFileSync(folder.at("bodies/1.json"), "utf8")).toBe('{"url":"/a"}');
  expect(readFileSync(folder.at("bodies/2.bin")).equals(bytes)).toBe(true);
});

test("writes every one of thousands, each result after its body", async () => {
  await using server = await httpServer((request, response) => void response.end(request.url));
  using folder = new TemporaryFolder();
  const count = 3_000;
  writeFileSync(folder.at("list"), Array.from({ length: count }, (_, index) => server.url(`/${index + 1}`)).join("\n"));
  const flags = ["-i", folder.at("list"), "--save-bodies", folder.at("bodies"), "-c", "50", "--per-host", "50"];
  const { code, stdout } = await runCli(["fetch", ...flags]);
  expect(code).toBe(0);
  const results = resultsOf(stdout);
  expect(results).toHaveLength(count);
  for (const { id, body } of results) expect(readFileSync(body, "utf8")).toBe(`/${id}`);
});

test("refuses a folder that cannot be made before anything is asked", async () => {
  await using server = await httpServer((_request, response) => void response.end());
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("file"), "");
  const flags = ["--save-bodies", folder.at("file"), "-o", folder.at("out")];
  const { code, stderr } = await runCli(["fetch", ...flags, server.url("/")]);
  expect(code).toBe(2);
  expect(stderr).toContain("Cannot write bodies: EEXIST");
  expect(server.peers).toEqual([]);
  // Of another folder the same results would be those of another job.
  expect(readdirSync(folder.path)).toEqual(["file"]);
});

test("does not replace the bodies of another list, unless it is told to", async () => {
  await using server = await httpServer((request, response) => void response.end(request.url));
  using folder = new TemporaryFolder();
  const fetch = (path: string, ...flags: string[]) =>
    runCli(["fetch", "--save-bodies", "bodies", ...flags, server.url(path)], { cwd: folder.path });
  const body = (): string => readFileSync(folder.at("bodies/1.bin"), "utf8");
  await fetch("/first", "-o", "first");
  for (const output of ["second", "sqlite:second", "/dev/null"]) {
    const { code, stderr } = await fetch("/second", "-o", output);
    expect({ code, body: body(), made: existsSync(folder.at("second")) }).toEqual({
      code: 2,
      body: "/first",
      made: false,
    });
    expect(stderr).toContain("`bodies` has files of another run, such as `1.bin`: name a folder for these alone");
  }
  expect(await fetch("/first", "-o", "first")).toMatchObject({ code: 0 });
  expect(await fetch("/second", "-o", "second", "--restart")).toMatchObject({ code: 0 });
  expect(body()).toBe("/second");
  const { code, stderr } = await fetch("/third");
  expect({ code, body: body() }).toEqual({ code: 0, body: "/third" });
  expect(stderr).toContain("such as `1.bin`: those with the same number are replaced");
});

test("does not replace the list itself", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("1.txt"), server.url("/a"));
  const args = ["fetch", "-i", "1.txt", "--save-bodies", "."];
  const { code, stderr } = await runCli(args, { cwd: folder.path });
  expect({ code, asked: server.peers }).toEqual({ code: 2, asked: [] });
  expect(stderr).toContain("`1.txt` is called as a body is: a body in its place would delete the requests");
});

test("goes on where nothing but a body was written when the run was killed", async () => {
  const arrived = Promise.withResolvers<void>();
  let isHeld = true;
  await using server = await httpServer((request, response) => {
    if (isHeld) arrived.resolve();
    else response.end(request.url);
  });
  using folder = new TemporaryFolder();
  const args = ["fetch", "-o", "out", "--save-bodies", "bodies", server.url("/a")];
  const cli = new Cli(args, { cwd: folder.path });
  await arrived.promise;
  cli.kill("SIGKILL");
  await cli.ended;
  isHeld = false;
  writeFileSync(folder.at("bodies/1.bin"), "");
  expect(await runCli(args, { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(readFileSync(folder.at("bodies/1.bin"), "utf8")).toBe("/a");
});

test("goes on with a folder whose name has a slash at its end", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  using folder = new TemporaryFolder();
  const flags = ["fetch", "-o", "results", server.url("/")];
  await runCli([...flags, "--save-bodies", "bodies"], { cwd: folder.path });
  const { code, stderr } = await runCli([...flags, "--save-bodies", "bodies//"], { cwd: folder.path });
  expect(stderr).toContain("nothing was left to ask");
  expect(code).toBe(0);
});

test.each([
  ["--save-bodies", ""],
  ["-o", ""],
  ["-o", "sqlite:"],
])("refuses %s %j", async (flag, value) => {
  using folder = new TemporaryFolder();
  const { code, stderr } = await runCli(["fetch", "--restart", "-o", "results", flag, value, "http://127.0.0.1:1/"], {
    cwd: folder.path,
  });
  expect(stderr).toContain("Expected a name after --");
  expect(code).toBe(2);
  expect(readdirSync(folder.path)).toEqual([]);
});

test("stops when a body cannot be written, and has no result of it", async () => {
  await using server = await httpServer((_request, response) => void response.end("x".repeat(100)));
  using folder = new TemporaryFolder();
  const cli = new Cli(["fetch", "-i", "-", "--save-bodies", folder.at("bodies")], { stdin: undefined });
  cli.process.stdin!.write(`${server.url("/1")}\n`);
  await cli.writesLine();
  rmSync(folder.at("bodies"), { recursive: true });
  cli.process.stdin!.write(`${server.url("/2")}\n`);
  const { code, stdout, stderr } = await cli.ended;
  expect(code).toBe(1);
  expect(resultsOf(stdout).map(({ id }) => id)).toEqual([1]);
  expect(stderr).toContain("ENOENT");
});

test("leaves no part of a body where the disk is full", async () => {
  await using server = await httpServer((_request, response) => void response.end("x".repeat(100_000)));
  using folder = new TemporaryFolder();
  mkdirSync(folder.at("bodies"));
  const { code, stdout, stderr } = await runCli(["fetch", "--save-bodies", folder.at("bodies"), server.url("/")], {
    maxFileBytes: 51_200,
  });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("EFBIG");
  expect(existsSync(folder.at("bodies"))).toBe(true);
  expect(readdirSync(folder.at("bodies"))).toEqual([]);
});

test("ends with the third signal where the disk does not answer", async () => {
  await using server = await httpServer(answer);
  using folder = new TemporaryFolder();
  mkdirSync(folder.at("bodies"));
  // Whoever opens this to write waits for one who reads.
  execFileSync("mkfifo", [folder.at("bodies/.1.bin.part")]);
  const flags = ["-v", "-c", "1", "--save-bodies", folder.at("bodies")];
  const cli = new Cli(["fetch", ...flags, server.url("/bytes"), server.url("/missing")]);
  await cli.says("status 404");
  cli.kill("SIGINT");
  await cli.says("waiting until the results are written, Ctrl-C again cancels");
  // Two of the same may be taken for one.
  cli.kill("SIGTERM");
  cli.kill("SIGINT");
  const { code, stdout } = await cli.ended;
  expect({ code, stdout }).toEqual({ code: null, stdout: "" });
});
