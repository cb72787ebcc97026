import { expect, test } from "vitest";
import { type Summary, summaryText } from "./summary.ts";

const summary: Summary = {
  end: "finished",
  requests: 20_000,
  earlier: 0,
  succeeded: 19_997,
  failed: 3,
  failures: [
    { kind: "ECONNREFUSED", count: 2, example: "http://127.0.0.1:1/a" },
    { kind: "404", count: 1, example: "http://127.0.0.1:8080/b" },
  ],
  unfinished: 0,
  isInputRead: true,
  retries: 5,
  badLines: 0,
  elapsedMs: 520,
  perSecond: 38_461.5,
  latencyMs: { p50: 2.1, p95: 4, max: 31.2 },
  bodyBytes: 20_480_000,
  outputBytes: 23_100_000,
  output: "results.jsonl",
  journal: "results.jsonl.journal",
  bodies: "pages",
};

const textOf = (of: Summary, columns?: number): string => summaryText(of, columns).join("\n");

test("the summary says how many, how fast, what failed, and where everything is", () => {
  expect(textOf(summary)).toBe(
    "20,000 requests in 520 ms (38,462/s): 19,997 ok, 3 failed, 5 retries\n" +
      "failed:  ECONNREFUSED x2  http://127.0.0.1:1/a\n" +
      "         404 x1           http://127.0.0.1:8080/b\n" +
      "latency: p50 2.1 ms, p95 4.0 ms, max 31 ms; 20.5 MB of bodies\n" +
      "results: results.jsonl (23.1 MB)\n" +
      "bodies:  pages\n" +
      "journal: results.jsonl.journal",
  );
});

test("the summary leaves out what there is nothing to say about", () => {
  const quiet = { ...summary, requests: 1, succeeded: 1, failed: 0, failures: [], retries: 0 };
  expect(textOf({ ...quiet, latencyMs: null, output: null, journal: null, bodies: null })).toBe(
    "1 request in 520 ms (38,462/s): 1 ok, 0 failed",
  );
});

test("the summary tells what was asked now from what was asked before", () => {
  const failures = [{ kind: "before", count: 3, example: null }];
  expect(textOf({ ...summary, earlier: 15_000, failures })).toContain(
    "5,000 requests in 520 ms (38,462/s), and 15,000 before: 19,997 ok, 3 failed, 5 retries\nfailed:  before x3\n",
  );
});

test("the summary of a stopped run says what has no outcome", () => {
  expect(textOf({ ...summary, unfinished: 12 })).toContain("stopped: 12 requests have no outcome\n");
  expect(textOf({ ...summary, isInputRead: false })).toContain("stopped: the rest of the input was not read\n");
});

test("the summary shows so many kinds of failures, each on one line of the terminal", () => {
  const failures = Array.from({ length: 12 }, (_, index) => ({
    kind: String(500 + index),
    count: 1,
    example: `http://127.0.0.1/${"x".repeat(100)}`,
  }));
  const lines = summaryText({ ...summary, failures }, 80).filter((line) => /x1\b|kinds/.test(line));
  expect(lines).toHaveLength(9);
  expect(lines.at(0)).toMatch(/^failed: {2}500 x1 {2}http:\/\/127\.0\.0\.1\/x+\.\.\.$/);
  expect(lines.at(0)).toHaveLength(80);
  expect(lines.at(-1)).toBe("         and 4 more kinds");
});
