import { expect, test } from "vitest";
import { type Summary, summaryText } from "./summary.ts";

const summary: Summary = {
  end: "finished",
  requests: 20_000,
  earlier: 0,
  succeeded: 19_997,
  failed: 3,
  failures: { "404": 2, ECONNREFUSED: 1 },
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
};

test("the summary says how many, how fast, what failed, and where the results are", () => {
  expect(summaryText(summary)).toBe(
    "20,000 requests in 520 ms (38,462/s): 19,997 ok, 3 failed, 5 retries\n" +
      "failed:  404 x2, ECONNREFUSED x1\n" +
      "latency: p50 2.1 ms, p95 4.0 ms, max 31 ms; 20.5 MB of bodies\n" +
      "results: results.jsonl (23.1 MB)",
  );
});

test("the summary leaves out what there is nothing to say about", () => {
  const quiet = { ...summary, requests: 1, succeeded: 1, failed: 0, failures: {}, retries: 0, output: null };
  expect(summaryText({ ...quiet, latencyMs: null })).toBe("1 request in 520 ms (38,462/s): 1 ok, 0 failed");
});

test("the summary of a run that went on tells what was there before", () => {
  const later = { ...summary, earlier: 19_000, failures: { "404": 2, before: 1 } };
  expect(summaryText(later)).toContain("1,000 requests in 520 ms (38,462/s), and 19,000 before: 19,997 ok, 3 failed");
});

test("the summary of a stopped run says what has no outcome", () => {
  expect(summaryText({ ...summary, unfinished: 12 })).toContain("stopped: 12 requests have no outcome\n");
  expect(summaryText({ ...summary, isInputRead: false })).toContain("stopped: the rest of the input was not read\n");
});
