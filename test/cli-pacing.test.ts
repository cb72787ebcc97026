/** How fast `taskwright fetch` goes, and when it stops by itself. */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

interface Summary {
  end: string;
  requests: number;
  succeeded: number;
  failed: number;
  retries: number;
  elapsedMs: number;
}

/** Of the last line of standard error. */
function summaryOf(stderr: string): Summary {
  return JSON.parse(stderr.trimEnd().split("\n").at(-1)!) as Summary;
}

function list(url: string, count: number): string {
  return `${url}\n`.repeat(count);
}

function notFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end();
}

describe("rates", () => {
  test.each([["--rate"], ["--rate-per-host"]])("%s lets no more go in its time", async (flag) => {
    await using server = await httpServer((_request, response) => response.end());
    const args = ["fetch", flag, "20/s", "--summary", "json", "--progress", "none"];
    const { code, stderr } = await runCli(args, { stdin: list(server.url("/"), 9) });
    expect(code).toBe(0);
    // The first goes at once, and eight follow.
    expect(summaryOf(stderr)).toMatchObject({ succeeded: 9 });
    expect(summaryOf(stderr).elapsedMs).toBeGreaterThanOrEqual(400);
  });

  test("--tokens lets no more go than models may be asked for, as their answers tell", async () => {
    await using server = await httpServer((request, response) => {
      void readAll(request).then(() => response.end('{"usage":{"total_tokens":300}}'));
    });
    const args = ["fetch", "-c", "1", "--json", '{"max_tokens": 10}', "--tokens", "1000/s", "--summary", "json"];
    const { code, stderr } = await runCli(args, { stdin: list(server.url("/"), 5) });
    expect(code).toBe(0);
    // A thousand may go at once, and what the answers have used beyond is waited for.
    expect(summaryOf(stderr).elapsedMs).toBeGreaterThanOrEqual(200);
  });

  test("a header may tell, and an estimate stand in for guessing", async () => {
    await using server = await httpServer((_request, response) => {
      response.setHeader("X-Tokens", "500").end();
    });
    const flags = ["--tokens", "1000/s", "--tokens-header", "X-Tokens", "--tokens-estimate", "1"];
    const args = ["fetch", "-c", "1", ...flags, "--summary", "json"];
    const { stderr } = await runCli(args, { stdin: list(server.url("/"), 4) });
    expect(summaryOf(stderr).elapsedMs).toBeGreaterThanOrEqual(400);
  });

  test.each([
    [["--rate", "fast"], "Expected --rate to be a rate such as 100/s, 6000/m or 5/10s, got `fast`"],
    [["--tokens", "0/m"], "Expected --tokens to be a rate such as 200000/m, got `0/m`"],
    [["--tokens-field", "a.b"], "--tokens-field needs --tokens"],
    [["--retry-budget", "some"], "Expected --retry-budget to be a part such as 20%, or none for no limit"],
    [["--max-failures", "all"], "Expected --max-failures to be a number such as 20, or a part such as 5%"],
  ])("%j is refused", async (flags, message) => {
    const { code, stderr } = await runCli(["fetch", ...flags, "http://127.0.0.1:1/"]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("a host that asks to be left alone", () => {
  test("is, and no attempt is used up", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      if (++asked <= 3) response.writeHead(429, { "retry-after": "1" });
      response.end();
    });
    const args = ["fetch", "-v", "-c", "3", "--retry", "0", "--data", "x", "--summary", "json"];
    const { code, stderr } = await runCli(args, { stdin: list(server.url("/"), 6) });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^POST \S+: status 429: http:\S+ is left alone for \S+ s$/m);
    expect(summaryOf(stderr)).toMatchObject({ succeeded: 6, failed: 0, retries: 3 });
    expect(summaryOf(stderr).elapsedMs).toBeGreaterThanOrEqual(1_000);
  });
});

describe("--max-failures", () => {
  test("stops the run, says why, and exits with 3", async () => {
    let asked = 0;
    await using server = await httpServer((request, response) => {
      asked++;
      notFound(request, response);
    });
    const args = ["fetch", "-c", "2", "--max-failures", "5", "--summary", "json"];
    const { code, stdout, stderr } = await runCli(args, { stdin: list(server.url("/"), 1_000) });
    expect(code).toBe(3);
    expect(stderr).toMatch(/stopped: \d of \d requests failed, more than --max-failures allows/);
    expect(summaryOf(stderr).end).toBe("too-many-failures");
    expect(stdout.split("\n").length - 1).toBe(asked);
    expect(asked).toBeLessThan(10);
  });

  test("as a part looks at a hundred requests first", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      response.writeHead(++asked % 5 === 0 ? 404 : 200).end();
    });
    const stdin = list(server.url("/"), 300);
    const stopped = await runCli(["fetch", "--max-failures", "10%", "--summary", "json"], { stdin });
    expect(stopped.code).toBe(3);
    expect(summaryOf(stopped.stderr).requests).toBeGreaterThanOrEqual(100);
    expect(asked).toBeLessThan(130);
    expect((await runCli(["fetch", "--max-failures", "30%", "-q"], { stdin })).code).toBe(1);
  });

  test("leaves a run that can be gone on with, and loses nothing", async () => {
    let isDown = true;
    await using server = await httpServer((_request, response) => {
      response.writeHead(isDown ? 404 : 200).end();
    });
    using folder = new TemporaryFolder();
    const output = folder.at("results.jsonl");
    const urls = [...Array(50).keys()].map((index) => `${server.url(`/${index}`)}\n`).join("");
    const args = ["fetch", "-o", output, "-c", "2"];
    const stopped = await runCli([...args, "--max-failures", "3"], { stdin: urls });
    expect(stopped.code).toBe(3);
    expect(stopped.stderr).toContain("go on:");
    isDown = false;
    const { code } = await runCli([...args, "--retry-failed"], { stdin: urls });
    expect(code).toBe(0);
    const results = readFileSync(output, "utf8").trimEnd().split("\n");
    const last = new Map(
      results.map((line) => JSON.parse(line) as { url: string; ok: boolean }).map((it) => [it.url, it.ok]),
    );
    expect([...last.values()]).toEqual(Array(50).fill(true));
  });
});
