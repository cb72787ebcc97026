/** `taskwright fetch` as its users meet it: a process, against real servers. */
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { Cli, type CliEnd, TemporaryFolder, runCli } from "./cli.ts";
import { certificate, privateKey } from "./http-certificate.ts";
import { httpServer } from "./http-server.ts";

interface Result {
  id: string | number;
  url: string;
  ok: boolean;
  status?: number;
  attempts: number;
  bodyType?: string;
  body?: unknown;
  error?: { code: string; message: string };
  headers?: Record<string, string>;
}

function resultsOf(text: string): Result[] {
  expect(text.endsWith("\n") || text === "").toBe(true);
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Result).toSorted((a, b) => Number(a.id) - Number(b.id));
}

const fetchCli = (...args: string[]): Promise<CliEnd> => runCli(["fetch", ...args]);

/** Answers with its own path. */
function echoPath(request: IncomingMessage, response: ServerResponse): void {
  response.end(request.url);
}

/** Answers with what it was asked. */
function echoRequest(request: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = request;
  response.setHeader("content-type", "application/json");
  void readAll(request).then((body) => response.end(JSON.stringify({ method, headers, body })));
}

/** Holds all requests until told to answer, and from then on holds none. */
class HeldServer {
  readonly waiting: ServerResponse[] = [];
  #isHolding = true;
  #arrived = Promise.withResolvers<void>();

  readonly hold = (_request: IncomingMessage, response: ServerResponse): void => {
    if (!this.#isHolding) return void response.end("later");
    this.waiting.push(response);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  };

  async untilWaiting(count: number): Promise<void> {
    while (this.waiting.length < count) await this.#arrived.promise;
  }

  answerAll(): void {
    this.#isHolding = false;
    for (const response of this.waiting) response.end("late");
  }
}

describe("input", () => {
  test("takes URLs from the command line", async () => {
    await using server = await httpServer(echoPath);
    const { code, stdout } = await fetchCli(server.url("/a"), server.url("/b"));
    expect(code).toBe(0);
    expect(resultsOf(stdout)).toMatchObject([
      { id: 1, url: server.url("/a"), ok: true, status: 200, attempts: 1, bodyType: "text", body: "/a" },
      { id: 2, url: server.url("/b"), body: "/b" },
    ]);
  });

  test("takes a list from a file or from standard input, and numbers requests by their lines", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    const list = `# a list\n\n${server.url("/a")}\r\n${server.url("/b")}`;
    writeFileSync(folder.at("list"), list);
    const ends = await Promise.all([
      fetchCli("-i", folder.at("list")),
      runCli(["fetch"], { stdin: list }),
      runCli(["fetch", "-"], { stdin: list }),
      runCli(["fetch", "-i", "-"], { stdin: list }),
    ]);
    for (const { code, stdout } of ends) {
      expect(code).toBe(0);
      expect(resultsOf(stdout)).toMatchObject([
        { id: 3, body: "/a" },
        { id: 4, body: "/b" },
      ]);
    }
  });

  test("takes JSONL with methods, headers and bodies", async () => {
    await using server = await httpServer(echoRequest);
    const lines = [
      { id: "a", url: server.url("/"), method: "PUT", headers: { "X-One": "1" }, body: "text" },
      { id: "b", url: server.url("/"), body: { n: 1 } },
    ];
    const { code, stdout } = await runCli(["fetch", "-A", "me", "-H", "X-One: default"], {
      stdin: lines.map((line) => JSON.stringify(line)).join("\n"),
    });
    expect(code).toBe(0);
    const results = resultsOf(stdout).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(results).toMatchObject([
      {
        id: "a",
        bodyType: "json",
        body: { method: "PUT", body: "text", headers: { "x-one": "1", "user-agent": "me" } },
      },
      { id: "b", body: { method: "POST", body: '{"n":1}', headers: { "content-type": "application/json" } } },
    ]);
  });

  test("sends -d and --json as curl does", async () => {
    await using server = await httpServer(echoRequest);
    const sentBy = async (...args: string[]): Promise<unknown> =>
      resultsOf((await fetchCli(...args, server.url("/"))).stdout)[0]!.body;
    const form = { method: "POST", body: "a=1&b=2", headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect(await sentBy("-d", "a=1", "-d", "b=2")).toMatchObject(form);
    const json = { method: "PATCH", body: "{}", headers: { "content-type": "application/json" } };
    expect(await sentBy("--json", "{}", "-X", "patch")).toMatchObject(json);
  });

  test("reports a line that is no request with its number, and goes on", async () => {
    await using server = await httpServer(echoPath);
    const stdin = `${server.url("/a")}\nhttp//typo\n${server.url("/b")}\n`;
    const { code, stdout, stderr } = await runCli(["fetch"], { stdin });
    expect(code).toBe(1);
    expect(stderr).toContain("standard input:2: Expected an http or https URL, got `http//typo`\n");
    expect(resultsOf(stdout)).toMatchObject([
      { id: 1, ok: true },
      {
        id: 2,
        url: "http//typo",
        ok: false,
        error: { code: "BAD_LINE", message: expect.stringMatching(/^line 2: /) as unknown },
      },
      { id: 3, ok: true },
    ]);
  });

  test("names the column of what is wrong in JSON", async () => {
    const { code, stderr } = await runCli(["fetch"], { stdin: '{"url": "http://a/", "method": 5}\n{"url" 1}\n' });
    expect(code).toBe(1);
    expect(stderr).toContain("standard input:1:22: Expected `method` to be a string, got 5\n");
    expect(stderr).toContain("standard input:2:8: The line is not JSON: expected `:`, got `1`\n");
  });
});

describe("exit code 2, before anything is asked", () => {
  test.each([
    [["--concurency", "5"], "Unknown flag --concurency: did you mean --concurrency?"],
    [["-c", "none", "http://a/"], "Expected --concurrency to be auto, or a whole number of 1 or more, got `none`"],
    [["--timeout", "soon", "http://a/"], "Expected --timeout to be a time such as 30s, 500ms or 2m"],
    [["-o"], "-o needs a value: FILE"],
    [["-i", "/nonexistent", "-o", "x"], "Cannot read requests: ENOENT"],
    [["-i", "/tmp"], "Cannot read requests: EISDIR"],
    [
      ["http://a/", "-o", "/nonexistent/results"],
      "Cannot write results: there is no folder `/nonexistent`: --create-dirs makes it",
    ],
    [["example.com/a"], "did you mean `https://example.com/a`?"],
    [["http://a/", "-i", "list"], "Got URLs on the command line and an input to read: give one or the other"],
    [["-H", "no colon", "http://a/"], "Expected --header to be 'NAME: VALUE'"],
    [["-H", "a: 1\r\nb: 2", "http://a/"], "which no header can carry"],
    [["-d", "@/nonexistent", "http://a/"], "Cannot read `/nonexistent`"],
  ])("for %j", async (args, message) => {
    const { code, stdout, stderr } = await fetchCli(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("for results in place of the input, which stays", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), "http://127.0.0.1:1/\n");
    const { code, stderr } = await fetchCli("-i", folder.at("list"), "-o", folder.at("list"));
    expect(code).toBe(2);
    expect(stderr).toContain("is the input: results in its place would delete the requests");
    expect(readFileSync(folder.at("list"), "utf8")).toBe("http://127.0.0.1:1/\n");
  });
});

describe("-v", () => {
  test("shows where an error comes from, which is otherwise told in one line", async () => {
    const args = ["-i", "/nonexistent"];
    const [brief, loud] = await Promise.all([fetchCli(...args), fetchCli(...args, "-v")]);
    expect(brief.stderr).toMatch(/^taskwright fetch: Cannot read requests: ENOENT[^\n]*\n$/);
    expect(loud.stderr.startsWith(brief.stderr)).toBe(true);
    expect(loud.stderr).toMatch(/\n {4}at [^]*\nError: ENOENT/);
  });

  test("is the contrary of -q", async () => {
    const { code, stderr } = await fetchCli("-q", "-v", "http://a/");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^taskwright fetch: Got --quiet and --verbose: give one or the other\n/);
  });

  test("tells each failure, and why", async () => {
    await using server = await httpServer((_request, response) => {
      response.writeHead(404).end();
    });
    const { stderr } = await fetchCli("-v", "--retry", "0", server.url("/a"), "http://127.0.0.1:1/");
    expect(stderr).toContain(`GET ${server.url("/a")}: failed (status 404)\n`);
    expect(stderr).toContain("GET http://127.0.0.1:1/: failed (ECONNREFUSED: could not connect");
  });
});

describe("--create-dirs", () => {
  test("makes the folders of the results", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    const output = folder.at("a/b/results");
    const { code } = await fetchCli("--create-dirs", "-o", output, server.url("/a"));
    expect(code).toBe(0);
    expect(resultsOf(readFileSync(output, "utf8"))).toMatchObject([{ ok: true }]);
  });
});

describe("requests", () => {
  test("fail with exit code 1, each with the reason in its result", async () => {
    await using server = await httpServer((request, response) => {
      if (request.url === "/gone") response.writeHead(404).end("not here");
      else if (request.url === "/reset") request.socket.destroy();
    });
    const urls = [server.url("/gone"), server.url("/reset"), server.url("/silent"), "http://127.0.0.1:1/"];
    const { code, stdout, stderr } = await fetchCli(...urls, "--retry", "0", "--timeout", "300ms");
    expect(code).toBe(1);
    expect(resultsOf(stdout)).toMatchObject([
      { ok: false, status: 404, body: "not here" },
      { ok: false, error: { code: expect.stringMatching(/^(HTTP_CONNECTION|ECONNRESET)$/) as unknown } },
      { ok: false, error: { code: "HTTP_TIMEOUT" } },
      { ok: false, error: { code: "ECONNREFUSED", message: expect.stringMatching(/^could not connect/) as unknown } },
    ]);
    expect(stderr).toContain("0 ok, 4 failed");
    expect(stderr).toContain("404 x1");
  });

  test("are asked again after what may pass, and the attempts are told", async () => {
    const asked: string[] = [];
    await using server = await httpServer((request, response) => {
      asked.push(request.url!);
      const isFirst = asked.filter((url) => url === request.url).length === 1;
      response.statusCode = isFirst ? 500 : 200;
      response.end("ok");
    });
    const { code, stdout, stderr } = await fetchCli(server.url("/a"), server.url("/b"), "-v");
    expect(code).toBe(0);
    expect(resultsOf(stdout)).toMatchObject([
      { attempts: 2, body: "ok" },
      { attempts: 2, body: "ok" },
    ]);
    expect(stderr).toMatch(/attempt 1 of 3 failed \(status 500\), again in [\d.]+ ms/);
    expect(stderr).toContain("2 ok, 0 failed, 2 retries");
  });

  test("that may not be repeated are asked once, unless they have an Idempotency-Key", async () => {
    await using server = await httpServer((_request, response) => {
      response.writeHead(500).end();
    });
    const post = ["-d", "x", "--retry", "1", server.url("/")];
    const once = await fetchCli(...post);
    expect(resultsOf(once.stdout)).toMatchObject([{ status: 500, attempts: 1 }]);
    const twice = await fetchCli("-H", "Idempotency-Key: 1", ...post);
    expect(resultsOf(twice.stdout)).toMatchObject([{ status: 500, attempts: 2 }]);
  });

  test("are not kept waiting by a Retry-After of more than a day", async () => {
    await using server = await httpServer((_request, response) => {
      response.writeHead(429, { "retry-after": "90000" }).end();
    });
    const { stdout } = await fetchCli(server.url("/"));
    expect(resultsOf(stdout)).toMatchObject([{ status: 429, attempts: 1 }]);
  });

  test("of one host that hangs do not keep those of others waiting", async () => {
    const held = new HeldServer();
    await using slow = await httpServer(held.hold);
    let answered = 0;
    await using quick = await httpServer((_request, response) => {
      response.end();
      // By now the slow host has had its share, and everything of this one is through.
      if (++answered === 50) setImmediate(() => held.answerAll());
    });
    const urls = [...Array(30).fill(slow.url("/")), ...Array(50).fill(quick.url("/"))] as string[];
    const { code, stdout } = await runCli(["fetch", "-c", "12"], { stdin: urls.join("\n") });
    expect(code).toBe(0);
    expect(resultsOf(stdout)).toHaveLength(80);
  });

  test("to one host are as many at once as --per-host allows", async () => {
    const held = new HeldServer();
    let most = 0;
    await using server = await httpServer((request, response) => {
      held.hold(request, response);
      most = Math.max(most, held.waiting.length);
      if (held.waiting.length === 3) for (const one of held.waiting.splice(0)) one.end();
    });
    const { code } = await fetchCli(...(Array(30).fill(server.url("/")) as string[]), "--per-host", "3");
    expect({ code, most }).toEqual({ code: 0, most: 3 });
  });

  test("to a server whose certificate nobody vouches for are sent only with -k, and not asked again", async () => {
    const server = createTlsServer({ cert: certificate, key: privateKey }, echoPath);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const [refused, accepted] = await Promise.all([fetchCli(url), fetchCli("-k", url)]);
    server.close();
    const error = { code: "DEPTH_ZERO_SELF_SIGNED_CERT" };
    expect(resultsOf(refused.stdout)).toMatchObject([{ ok: false, attempts: 1, error }]);
    expect(resultsOf(accepted.stdout)).toMatchObject([{ ok: true, body: "/a" }]);
  });

  test("with too long an answer are given up", async () => {
    await using server = await httpServer((_request, response) => {
      response.end("x".repeat(2_000));
    });
    const { stdout } = await fetchCli("--max-filesize", "1k", server.url("/"));
    expect(resultsOf(stdout)).toMatchObject([{ ok: false, attempts: 1, error: { code: "HTTP_BODY_TOO_LARGE" } }]);
  });

  test("with an answer that no line has room for are given up, and the others go on", async () => {
    await using server = await httpServer(({ url }, response) => {
      // As JSON, each of these bytes is six.
      response.end(url === "/long" ? Buffer.alloc(90_000_000, 1) : "short");
    });
    const { stdout } = await fetchCli("--max-filesize", "0", "-c", "1", server.url("/long"), server.url("/short"));
    expect(resultsOf(stdout)).toMatchObject([{ error: { code: "HTTP_BODY_TOO_LARGE" } }, { ok: true, body: "short" }]);
  });
});

describe("output", () => {
  test("goes to a file, with --restart in place of what it held", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("results"), "old\n".repeat(10_000));
    const { code, stdout, stderr } = await fetchCli(
      "--restart",
      "-o",
      folder.at("results"),
      "--include-headers",
      server.url("/a"),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain(`results: ${folder.at("results")} (`);
    expect(resultsOf(readFileSync(folder.at("results"), "utf8"))).toMatchObject([
      { body: "/a", headers: { "content-length": "2" } },
    ]);
  });

  test("that cannot be written ends the run with a clear error and exit code 1", async () => {
    await using server = await httpServer(echoPath);
    const full = openSync("/dev/full", "w");
    const { code, stderr } = await runCli(["fetch", server.url("/a")], { stdout: full });
    closeSync(full);
    expect(code).toBe(1);
    expect(stderr).toContain(
      "taskwright fetch: Cannot write results (standard output): ENOSPC: no space left on device",
    );
    expect(stderr).not.toContain("    at ");
  });

  test.each([["--summary", "json", "-o", "out"], ["--dry-run"], ["--help"]])(
    "is told in a line where %s cannot be written to standard output",
    async (...flags) => {
      await using server = await httpServer(echoPath);
      using folder = new TemporaryFolder();
      const full = openSync("/dev/full", "w");
      const args = ["fetch", "-q", ...flags, server.url("/a")];
      const { code, stderr } = await runCli(args, { stdout: full, cwd: folder.path });
      closeSync(full);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: "taskwright: Cannot write to standard output: ENOSPC: no space left on device, write\n",
      });
    },
  );

  test("that is cut off in the middle of a line is cut back to the last whole one", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    const stdin = `${server.url("/a")}\n`.repeat(2_000);
    const args = ["fetch", "-o", folder.at("results"), "--per-host", "100"];
    const { code, stderr } = await runCli(args, { stdin, maxFileBytes: 64 * 1024 });
    expect(code).toBe(1);
    expect(stderr).toContain("EFBIG: file too large");
    const written = readFileSync(folder.at("results"), "utf8");
    expect(written.length).toBeGreaterThan(63 * 1024);
    expect(resultsOf(written).every(({ ok }) => ok)).toBe(true);
  });

  test("whose reader goes away ends the run quietly, with exit code 141", async () => {
    await using server = await httpServer(echoPath);
    const cli = new Cli(["fetch"], { stdin: `${server.url("/a")}\n`.repeat(20_000) });
    cli.process.stdout!.once("data", () => cli.process.stdout!.destroy());
    const { code, stderr } = await cli.ended;
    expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
  });

  test("is nothing but results with -q, and a summary of JSON is for programs", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    const quiet = await runCli(["fetch", "-q"], { stdin: `${server.url("/a")}\nwrong\n` });
    expect(quiet).toMatchObject({ code: 1, stderr: "" });
    const summed = await fetchCli("--summary", "json", "-o", folder.at("results"), server.url("/a"));
    expect(summed.stderr).toBe("");
    expect(JSON.parse(summed.stdout)).toMatchObject({ end: "finished", requests: 1, succeeded: 1, failed: 0 });
  });

  test("has no secret in it, nor has the log", async () => {
    const seen: string[] = [];
    await using server = await httpServer((request, response) => {
      seen.push(request.headers.authorization ?? "");
      response.writeHead(500).end();
    });
    const url = server.url("/x").replace("http://", "http://user:hunter2@");
    const stdin = `${url}\nhttp://user:hunter2@[/\n`;
    const loud = await runCli(["fetch", "-v"], { stdin });
    const dry = await runCli(["fetch", "--dry-run", "-u", "me:hunter2", "-H", "X-Api-Key: hunter2"], { stdin });
    const wrong = await fetchCli("http://user:hunter2@[/");
    const basic = `Basic ${btoa("user:hunter2")}`;
    expect(seen).toEqual([basic, basic, basic]);
    for (const { stdout, stderr } of [loud, dry, wrong]) {
      expect(stdout + stderr).not.toContain("hunter2");
      expect(stdout + stderr).not.toContain(btoa("user:hunter2"));
      expect(stdout + stderr).not.toContain(btoa("me:hunter2"));
    }
    expect(resultsOf(loud.stdout)[0]!.url).toBe(server.url("/x"));
    expect(dry.stdout).toContain("authorization: Basic ***");
  });
});

describe("a dry run", () => {
  test("tells what would be asked, asks nothing, and fails for lines that are no requests", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      asked++;
      response.end();
    });
    const stdin = `${server.url("/a")}\n${server.url("/b")}\n`;
    const good = await runCli(["fetch", "--dry-run"], { stdin });
    expect(good).toMatchObject({ code: 0, stderr: "" });
    expect(good.stdout).toContain("2 requests to 1 host: 2 GET\n");
    const bad = await runCli(["fetch", "--dry-run"], { stdin: `${stdin}wrong\n` });
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain("standard input:3: ");
    expect(asked).toBe(0);
  });
});

function urlsOf(origin: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `${origin}/${index}\n`).join("");
}

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("the first %s lets what is under way end, and starts nothing else", async (signal, expected) => {
    const held = new HeldServer();
    await using server = await httpServer(held.hold);
    const cli = new Cli(["fetch", "-c", "5"], { stdin: urlsOf(server.origin, 50) });
    await held.untilWaiting(5);
    cli.kill(signal);
    await cli.says("waiting for 5 under way");
    held.answerAll();
    const { code, stdout, stderr } = await cli.ended;
    expect(code).toBe(expected);
    expect(resultsOf(stdout).map(({ body }) => body)).toEqual(Array(5).fill("late"));
    expect(held.waiting).toHaveLength(5);
    expect(stderr).toContain("5 requests in ");
  });

  test("SIGHUP ends nothing that has no terminal, so that nohup holds what it promises", async () => {
    const held = new HeldServer();
    await using server = await httpServer(held.hold);
    const cli = new Cli(["fetch", "-c", "5"], { stdin: urlsOf(server.origin, 6) });
    await held.untilWaiting(5);
    cli.kill("SIGHUP");
    held.answerAll();
    const { code, signal, stdout } = await cli.ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(resultsOf(stdout)).toHaveLength(6);
  });

  test("the second cancels what is under way", async () => {
    const held = new HeldServer();
    await using server = await httpServer(held.hold);
    const cli = new Cli(["fetch", "-c", "5"], { stdin: urlsOf(server.origin, 50) });
    await held.untilWaiting(5);
    cli.kill("SIGINT");
    await cli.says("Ctrl-C again cancels");
    cli.kill("SIGINT");
    const { code, stdout, stderr } = await cli.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("stopped: 5 requests have no outcome, the rest of the input was not read\n");
  });

  test("the first ends a run that waits for input", async () => {
    await using server = await httpServer(echoPath);
    const cli = new Cli(["fetch"], { stdin: undefined });
    cli.process.stdin!.write(`${server.url("/a")}\n`);
    await cli.writesLine();
    cli.kill("SIGINT");
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^1 request in .*\nstopped: the rest of the input was not read\nlatency: .*\n$/);
  });

  test("the second ends a run whose results nobody takes", async () => {
    const allAsked = Promise.withResolvers<void>();
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      response.end("x".repeat(1_000_000));
      if (++asked === 10) allAsked.resolve();
    });
    const cli = new Cli(["fetch"], { stdin: urlsOf(server.origin, 10), isRead: false });
    await allAsked.promise;
    cli.kill("SIGINT");
    await cli.says("stopping: waiting");
    cli.kill("SIGINT");
    expect((await cli.exited).code).toBe(130);
  });

  test("the first ends the waits for another attempt at once", async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await httpServer((_request, response) => {
      response.writeHead(503, { "retry-after": "60" }).end();
      asked.resolve();
    });
    const cli = new Cli(["fetch", "-v", server.url("/")]);
    await cli.says("is left alone for ");
    cli.kill("SIGINT");
    expect(await cli.ended).toMatchObject({ code: 130, stdout: "" });
  });
});

describe("the command", () => {
  test("tells about itself", async () => {
    const [version, help, helpOfFetch, unknown] = await Promise.all([
      runCli(["--version"]),
      runCli(["--help"]),
      runCli(["fetch", "--help"]),
      runCli(["fech"]),
    ]);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown });
    expect(help.stdout).toContain("taskwright fetch [flags] URL...");
    expect(helpOfFetch).toMatchObject({ code: 0, stdout: expect.stringMatching(/Exit codes/) as unknown });
    expect(unknown).toMatchObject({
      code: 2,
      stderr: "taskwright: Unknown command fech: did you mean `taskwright fetch`?\n",
    });
  });

  test("whose help nobody reads to the end is quiet about it", async () => {
    const cli = new Cli(["fetch", "--help"]);
    cli.process.stdout!.destroy();
    expect((await cli.ended).stderr).toBe("");
  });
});
