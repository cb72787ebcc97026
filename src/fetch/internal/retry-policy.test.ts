import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WireHeaders } from "../../http/index.ts";
import { Job } from "./job.ts";
import { retryDelayMs, type RetryPolicy } from "./retry-policy.ts";

const policy: RetryPolicy = { attempts: 3, baseMs: 500, maxMs: 30_000, maxTimeMs: 60_000, random: () => 0.5 };
const target = { origin: "http://a", path: "/", url: "http://a/", isPlain: true, authorization: undefined };

interface End {
  status?: number;
  error?: { isRetryable?: boolean; isStale?: boolean };
  retryAfter?: string;
  date?: string;
}

function delay(end: End, options: Partial<RetryPolicy> & { job?: Job; nowMs?: number } = {}) {
  const { status = 0, error, retryAfter, date } = end;
  const headers: WireHeaders = { ...(retryAfter && { "retry-after": retryAfter }), ...(date && { date }) };
  const answer = { status, headers, chunks: [], bodyBytes: 0, firstByteMs: 0, totalMs: 0 };
  const failure = { code: "", message: "", status: undefined, isRetryable: true, isStale: false, ...error };
  const attempt = {
    job: options.job ?? askedOnce("GET"),
    startMs: 0,
    endMs: options.nowMs ?? 0,
    answer: error === undefined ? answer : undefined,
    failure: error === undefined ? undefined : failure,
  };
  return retryDelayMs({ ...policy, ...options }, attempt, 0);
}

function askedOnce(method: string, headers: string[] = []): Job {
  const job = new Job(1, undefined, target, method, headers, undefined);
  job.attempts = 1;
  return job;
}

describe("what is asked again", () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 599])("the answer %i", (status) => {
    expect(delay({ status })).toBe(250);
  });

  test.each([200, 204, 301, 304, 400, 401, 403, 404, 409, 410, 418, 422, 451])("not the answer %i", (status) => {
    expect(delay({ status })).toBeUndefined();
  });

  test("what failed on the way, unless it would fail again", () => {
    expect(delay({ error: { isRetryable: true } })).toBe(250);
    expect(delay({ error: { isRetryable: false } })).toBeUndefined();
  });

  test("methods that may be repeated, and others only with an Idempotency-Key", () => {
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
      expect(delay({ status: 503 }, { job: askedOnce(method) })).toBe(250);
    }
    for (const method of ["POST", "PATCH", "LINK"]) {
      expect(delay({ status: 503 }, { job: askedOnce(method) })).toBeUndefined();
      expect(delay({ status: 503 }, { job: askedOnce(method, ["Idempotency-Key", "1"]) })).toBe(250);
    }
  });

  test("as long as there are attempts, of which the first is one", () => {
    const job = askedOnce("GET");
    expect(delay({ status: 503 }, { job, attempts: 1 })).toBeUndefined();
    job.attempts = 3;
    expect(delay({ status: 503 }, { job })).toBeUndefined();
    expect(delay({ status: 503 }, { job, attempts: 4 })).toBeDefined();
  });
});

describe("the wait", () => {
  test("is drawn from 0 to a bound that doubles, up to the greatest", () => {
    const attempts = fc.integer({ min: 1, max: 2_000 });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(attempts, random, (done, drawn) => {
        const job = askedOnce("GET");
        job.attempts = done;
        const options = { job, attempts: Infinity, random: () => drawn };
        expect(delay({ status: 500 }, options)).toBe(drawn * Math.min(30_000, 500 * 2 ** (done - 1)));
      }),
    );
  });

  test("is what Retry-After asks, in full, even beyond the greatest of our own", () => {
    expect(delay({ status: 503, retryAfter: "45" })).toBe(45_000);
    expect(delay({ status: 429, retryAfter: "0" })).toBe(0);
  });

  test("to a date is counted from the server's own clock", () => {
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    expect(delay({ status: 503, retryAfter: "Sun, 06 Nov 1994 08:49:47 GMT", date })).toBe(10_000);
    expect(delay({ status: 503, retryAfter: "Thu, 01 Jan 1970 00:00:02 GMT" })).toBe(2_000);
  });

  test("is our own where Retry-After cannot be understood", () => {
    expect(delay({ status: 503, retryAfter: "later" })).toBe(250);
  });

  test("is none after a kept connection was found closed, once, and that attempt does not count", () => {
    const job = askedOnce("GET");
    expect(delay({ error: { isStale: true } }, { job, attempts: 1 })).toBe(0);
    job.wasStale = true;
    job.attempts = 2;
    expect(delay({ error: { isStale: true } }, { job, attempts: 1 })).toBeUndefined();
    expect(delay({ error: { isStale: true } }, { job, attempts: 2 })).toBe(250);
    expect(delay({ error: { isStale: true } }, { job: askedOnce("POST") })).toBeUndefined();
  });

  test("never goes past the time for retries: then the answer is final at once", () => {
    expect(delay({ status: 503, retryAfter: "60" })).toBe(60_000);
    expect(delay({ status: 503, retryAfter: "61" })).toBeUndefined();
    expect(delay({ status: 503 }, { nowMs: 59_750 })).toBe(250);
    expect(delay({ status: 503 }, { nowMs: 59_751 })).toBeUndefined();
  });
});
