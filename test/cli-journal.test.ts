/** How `taskwright fetch -o FILE` goes on where it stopped. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { delimiter, resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Cli, type CliEnd, type CliOptions, TemporaryFolder, runCli } from "./cli.ts";
import { type TestServer, httpServer } from "./http-server.ts";

/** Answers with its path, holds what is to be held, and remembers what it was asked. */
class Answers {
  readonly asked: string[] = [];
  /** Paths that fail. */
  readonly missing: Set<string> = new Set<string>();
  /** Paths that are never answered. */
  readonly held: Set<string> = new Set<string>();
  #arrived = Promise.withResolvers<void>();

  readonly answer = ({ url }: IncomingMessage, response: ServerResponse): void => {
    this.asked.push(url!);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
    if (this.held.has(url!)) return;
    response.statusCode = this.missing.has(url!) ? 404 : 200;
    response.end(url);
  };

  async untilAsked(path: string): Promise<void> {
    while (!this.asked.includes(path)) await this.#arrived.promise;
  }

  /** What was asked since the last time. */
  take(): string[] {
    return this.asked.splice(0).toSorted();
  }
}

interface Setting extends AsyncDisposable {
  readonly server: TestServer;
  readonly answers: Answers;
  readonly folder: TemporaryFolder;
  /** Runs the command in the folder. */
  readonly fetch: (args: readonly string[], options?: CliOptions) => Promise<CliEnd>;
  readonly start: (args: readonly string[], options?: CliOptions) => Cli;
  /** Writes a list of paths, each a line. */
  readonly list: (...paths: string[]) => void;
  readonly results: () => { id: number | string; ok: boolean; body: string }[];
}

async function setUp(): Promise<Setting> {
  await using stack = new AsyncDisposableStack();
  const answers = new Answers();
  const server = stack.use(await httpServer(answers.answer));
  const folder = stack.use(new TemporaryFolder());
  const all = stack.move();
  const start = (args: readonly string[], options?: CliOptions): Cli =>
    new Cli(["fetch", ...args], { cwd: folder.path, ...options });
  return {
    server,
    answers,
    folder,
    start,
    fetch: (args, options) => start(args, options).ended,
    list: (...paths) => writeFileSync(folder.at("list"), paths.map((path) => `${server.url(path)}\n`).join("")),
    results: () =>
      readFileSync(folder.at("out"), "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { id: number; ok: boolean; body: string }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Runs a line in a shell that knows the command. */
async function shell(line: string, cwd: string, stdin = ""): Promise<number> {
  const bin = fileURLToPath(new URL("../bin", import.meta.url));
  const own = `taskwright() { "${process.execPath}" "${bin}/taskwright.js" "$@"; }; ${line}`;
  const env = { ...process.env, NODE_OPTIONS: "", PATH: `${bin}${delimiter}${process.env["PATH"]}` };
  const child = spawn("/bin/sh", ["-c", own], { cwd, env, stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.end(stdin);
  const [code] = (await once(child, "exit")) as [number];
  return code;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

function commandIn(stderr: string): string {
  return /^(?:go on|again): +(.*)$/m.exec(stderr)![1]!;
}

describe("a run that was stopped", () => {
  test("is gone on with by the same command, which says so and asks only what is left", async () => {
    await using setting = await setUp();
    const { answers, fetch, start, list, folder, results } = setting;
    list("/a", "/b", "/c", "/d");
    answers.held.add("/c").add("/d");
    const cli = start(["-i", "list", "-o", "out"]);
    await answers.untilAsked("/d");
    await until(() => existsSync(folder.at("out")) && results().length === 2);
    cli.kill("SIGKILL");
    await cli.ended;
    answers.held.clear();
    answers.take();
    const { code, stderr } = await fetch(["-i", "list", "-o", "out"]);
    expect(code).toBe(0);
    expect(stderr).toContain("taskwright fetch: going on with out: 2 results (2 ok, 0 failed)\n");
    expect(stderr).toMatch(/^2 requests in .*, and 2 before: 4 ok, 0 failed$/m);
    expect(answers.take()).toEqual(["/c", "/d"]);
    expect(
      results()
        .map(({ body }) => body)
        .toSorted(),
    ).toEqual(["/a", "/b", "/c", "/d"]);
  });

  test.each([
    ["by one SIGINT", 1, 130, "SIGINT"],
    ["by a second one, which cancels", 2, 130, "SIGINT"],
    ["by SIGTERM", 1, 143, "SIGTERM"],
  ] as const)("%s prints the command that goes on", async (_how, signals, code, signal) => {
    await using setting = await setUp();
    const { answers, server, start, list, folder, results } = setting;
    list("/a", "/held", "/later");
    answers.held.add("/held");
    const cli = start(["-i", "list", "-o", "out", "-c", "1", "-H", "X-Say: it's $HOME"]);
    await answers.untilAsked("/held");
    cli.kill(signal);
    await cli.says("stopping: waiting");
    if (signals === 2) cli.kill(signal);
    // What has failed would be asked again: not by a run that is stopped.
    else for (const { socket } of server.peers) socket.destroy();
    const end = await cli.ended;
    expect(end.code).toBe(code);
    answers.held.clear();
    answers.take();
    const command = commandIn(end.stderr);
    expect(command).toContain(String.raw`-H 'X-Say: it'\''s $HOME'`);
    expect(await shell(command, folder.path)).toBe(0);
    expect(answers.take()).toEqual(["/held", "/later"]);
    expect(results()).toHaveLength(3);
  });

  test("prints a command without secrets, and what to put in", async () => {
    await using setting = await setUp();
    const { answers, server, start } = setting;
    answers.held.add("/held");
    const secrets = ["-u", "me:s3cr3t", "-H", "X-Api-Key: s3cr3t", "-b", "session=s3cr3t", "--restart"];
    secrets.push("-e", "http://me:s3cr3t@a.example/");
    const cli = start(["-", "-o", "out", ...secrets], { stdin: `${server.url("/held")}\n` });
    await answers.untilAsked("/held");
    cli.kill("SIGINT");
    await cli.says("stopping");
    cli.kill("SIGINT");
    const { stderr } = await cli.ended;
    expect(commandIn(stderr)).toBe(
      "taskwright fetch -o out -u '***' -H 'X-Api-Key: ***' -b '***' -e 'http://***@a.example/' -" +
        "   # with your secrets in place of ***, and the same list on standard input",
    );
    expect(stderr).not.toContain("s3cr3t");
  });

  test("goes on with a list from standard input, and with other limits", async () => {
    await using setting = await setUp();
    const { answers, server, fetch, results } = setting;
    const stdin = ["/a", "/b", "/c"].map((path) => server.url(path)).join("\n");
    await fetch(["-o", "out"], { stdin: stdin.split("\n", 2).join("\n") });
    answers.take();
    const { code } = await fetch(["-o", "out", "-c", "3", "--timeout", "5s", "-H", "Authorization: new"], { stdin });
    expect(code).toBe(0);
    expect(answers.take()).toEqual(["/c"]);
    expect(results()).toHaveLength(3);
  });
});

describe("a run that came to its end", () => {
  test("asks nothing when it is run again, and says so", async () => {
    await using setting = await setUp();
    const { answers, fetch, list, folder } = setting;
    list("/a", "/b");
    await fetch(["-i", "list", "-o", "out"]);
    const before = readFileSync(folder.at("out"), "utf8");
    answers.take();
    const { code, stderr } = await fetch(["-i", "list", "-o", "out"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^0 requests in .*, and 2 before: 2 ok, 0 failed$/m);
    expect(stderr).toContain("nothing was left to ask: --restart asks all again\n");
    expect(stderr).not.toContain("again:");
    expect(answers.take()).toEqual([]);
    expect(readFileSync(folder.at("out"), "utf8")).toBe(before);
  });

  test("with failures says how to ask those again, and that does no more", async () => {
    await using setting = await setUp();
    const { answers, server, fetch, list, folder, results } = setting;
    list("/a", "/b", "/c");
    appendFileSync(folder.at("list"), "no request\n");
    answers.missing.add("/b");
    const first = await fetch(["-i", "list", "-o", "out"]);
    expect(first.code).toBe(1);
    expect(commandIn(first.stderr)).toBe("taskwright fetch --retry-failed -i list -o out");
    expect((await fetch(["-i", "list", "-o", "out"])).code).toBe(1);
    answers.missing.clear();
    answers.take();
    // What was no request may become one.
    writeFileSync(folder.at("list"), readFileSync(folder.at("list"), "utf8").replace("no request", server.url("/d")));
    expect(await shell(commandIn(first.stderr), folder.path)).toBe(0);
    expect(answers.take()).toEqual(["/b", "/d"]);
    expect(
      results()
        .map(({ body }) => body)
        .toSorted(),
    ).toEqual(["/a", "/b", "/c", "/d"]);
  });

  test("asks only what was added to its list", async () => {
    await using setting = await setUp();
    const { answers, server, fetch, list, folder, results } = setting;
    list("/a", "/b");
    await fetch(["-i", "list", "-o", "out"]);
    answers.take();
    appendFileSync(folder.at("list"), `${server.url("/c")}\n`);
    expect((await fetch(["-i", "list", "-o", "out", "--resume"])).code).toBe(0);
    expect(answers.take()).toEqual(["/c"]);
    expect(results()).toHaveLength(3);
  });

  test("sums up all results, and how many of them are from before", async () => {
    await using setting = await setUp();
    const { answers, server, fetch, list, folder } = setting;
    list("/a", "/b");
    answers.missing.add("/b");
    await fetch(["-i", "list", "-o", "out"]);
    appendFileSync(folder.at("list"), `nothing\n${server.url("/d")}\n`);
    const { stdout } = await fetch(["-i", "list", "-o", "out", "--summary", "json", "-q"]);
    expect(JSON.parse(stdout)).toMatchObject({
      requests: 4,
      earlier: 2,
      succeeded: 2,
      failed: 2,
      failures: [
        { kind: "BAD_LINE", count: 1, example: "line 3" },
        { kind: "before", count: 1, example: null },
      ],
      badLines: 1,
      unfinished: 0,
      outputBytes: readFileSync(folder.at("out")).length,
    });
  });

  test("says where the journal is, also behind a link", async () => {
    await using setting = await setUp();
    const { fetch, list, folder } = setting;
    list("/a");
    symlinkSync("real", folder.at("out"));
    const { stdout } = await fetch(["-i", "list", "-o", "out", "--summary", "json", "-q"]);
    const { output, journal } = JSON.parse(stdout) as { output: string; journal: string };
    expect({ output, isThere: existsSync(resolve(folder.path, journal)) }).toEqual({ output: "out", isThere: true });
  });

  test("is begun anew by --restart", async () => {
    await using setting = await setUp();
    const { answers, fetch, list, results } = setting;
    list("/a", "/b");
    await fetch(["-i", "list", "-o", "out"]);
    list("/c");
    answers.take();
    expect((await fetch(["-i", "list", "-o", "out", "--restart"])).code).toBe(0);
    expect(answers.take()).toEqual(["/c"]);
    expect(results()).toHaveLength(1);
  });
});

describe("results are refused", () => {
  test.each([
    [
      ["--resume"],
      "has no journal beside it, so there is nothing to go on with: without --resume and --retry-failed it is begun",
    ],
    [
      ["--retry-failed"],
      "has no journal beside it, so there is nothing to go on with: without --resume and --retry-failed it is begun",
    ],
    [[], "is not empty and has no journal beside it: write elsewhere, or --restart replaces it"],
  ])("with %j where there is no journal", async (flags, message) => {
    await using setting = await setUp();
    const { answers, server, fetch, folder } = setting;
    writeFileSync(folder.at("out"), "precious\n");
    const { code, stderr } = await fetch(["-o", "out", ...flags, server.url("/a")]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `taskwright fetch: \`${folder.at("out")}\` ${message}\n` });
    expect({
      out: readFileSync(folder.at("out"), "utf8"),
      names: readdirSync(folder.path),
      asked: answers.asked,
    }).toEqual({
      out: "precious\n",
      names: ["out"],
      asked: [],
    });
  });

  test("that another run writes to, which it names", async () => {
    await using setting = await setUp();
    const { answers, server, fetch, start, folder } = setting;
    answers.held.add("/held");
    const first = start(["-o", "out", server.url("/held")]);
    await answers.untilAsked("/held");
    const { code, stderr } = await fetch(["-o", "out", "--restart", server.url("/held")]);
    first.kill("SIGKILL");
    await first.ended;
    expect(code).toBe(2);
    expect(stderr).toBe(
      `taskwright fetch: \`${folder.at("out")}\` is being written by process ${first.process.pid}: ` +
        "wait until it has ended, or write elsewhere\n",
    );
    answers.held.clear();
    expect((await fetch(["-o", "out", server.url("/held")])).code).toBe(0);
  });

  test("of another job, with what is different", async () => {
    await using setting = await setUp();
    const { server, fetch } = setting;
    await fetch(["-o", "out", server.url("/a"), "-H", "Accept: text/plain"]);
    const { code, stderr } = await fetch(["-o", "out", server.url("/a"), "-X", "PUT", "-H", "Accept: text/html"]);
    expect(code).toBe(2);
    expect(stderr).toContain(
      "holds results of another job: the method was not given, and is PUT; the header `accept` is not what it was: " +
        "write elsewhere, or --restart begins anew in their place\n",
    );
  });

  test("that are the results of other lines", async () => {
    await using setting = await setUp();
    const { answers, fetch, list } = setting;
    list("/a", "/b", "/c");
    await fetch(["-i", "list", "-o", "out"]);
    answers.take();
    list("/a", "/x", "/c");
    const other = await fetch(["-i", "list", "-o", "out", "-q"]);
    expect({ code: other.code, stderr: other.stderr }).toEqual({
      code: 2,
      stderr:
        "taskwright fetch: Cannot read requests (list): request 2 is not what it was: " +
        "give it the same list again, or begin anew with --restart\n",
    });
    list("/a", "/b");
    const shorter = await fetch(["-i", "list", "-o", "out", "-q"]);
    expect(shorter.code).toBe(2);
    expect(shorter.stderr).toContain("1 request that has its result is not in the input any more");
    expect(answers.take()).toEqual([]);
  });

  test.each(["--resume", "--restart", "--retry-failed"])("no results, where %s was given for them", async (flag) => {
    const { code, stderr } = await runCli(["fetch", flag, "http://127.0.0.1:1/"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `taskwright fetch: ${flag} needs --output: there is a journal only beside a file of results\n`,
    });
  });
});

test("what is no file has no journal", async () => {
  await using setting = await setUp();
  const { server, folder, fetch } = setting;
  expect((await fetch(["-o", "/dev/null", server.url("/a")])).code).toBe(0);
  const piped = await shell(
    `mkfifo pipe; cat pipe > got & taskwright fetch -o pipe ${server.url("/b")}; wait`,
    folder.path,
  );
  expect(piped).toBe(0);
  expect(readFileSync(folder.at("got"), "utf8")).toContain('"body":"/b"');
  expect(readdirSync(folder.path).toSorted()).toEqual(["got", "pipe"]);
});
