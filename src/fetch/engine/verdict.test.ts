import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WireHeaders } from "../../http/index.ts";
import { Host } from "./host.ts";
import { Job } from "./job.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import { type Verdict, judge } from "./verdict.ts";

const policy: RetryPolicy = { attempts: 3, baseMs: 500, maxMs: 30_000, maxTimeMs: 60_000, random: () => 0.5 };
const target = { origin: "http://a", path: "/", url: "http://a/", isPlain: true, authorization: undefined };

interface End {
  status?: number;
  error?: { isRetryable?: boolean; isStale?: boolean; isUnprocessed?: boolean };
  retryAfter?: string;
  date?: string;
  quota?: WireHeaders;
}

interface Setup extends Partial<RetryPolicy> {
  job?: Job;
  host?: Host;
  startMs?: number;
  nowMs?: number;
}

function verdict(end: End, setup: Setup = {}): Verdict {
  const { status = 0, error, retryAfter, date, quota } = end;
  const { startMs = 0, nowMs = 0, host = new Host("http://a", 10) } = setup;
  const headers: WireHeaders = { ...quota, ...(retryAfter && { "retry-after": retryAfter }), ...(date && { date }) };
  const answer = { status, headers, chunks: [], bodyBytes: 0, firstByteMs: 0, totalMs: 0 };
  const failure = { code: "", message: "", status: undefined, isRetryable: true, isStale: false, isUnprocessed: false };
  const attempt = {
    job: setup.job ?? askedOnce("GET"),
    startMs,
    endMs: nowMs,
    answer: error === undefined ? answer : undefined,
    failure: error === undefined ? undefined : { ...failure, ...error },
  };
  return judge({ ...policy, ...setup }, attempt, host, 0);
}

/** How long until the job is asked again, where the host is not paused. */
function delay(end: End, setup?: Setup): number | undefined {
  const { delayMs, pauseUntilMs } = verdict(end, setup);
  expect(pauseUntilMs).toBeUndefined();
  return delayMs;
}

function askedOnce(method: string, headers: string[] = []): Job {
  const job = new Job(1, undefined, target, method, headers, undefined);
  job.attempts = 1;
  return job;
}

describe("what is asked again", () => {
  test.each([408, 425, 500, 502, 503, 504, 599])("the answer %i", (status) => {
    expect(delay({ status })).toBe(250);
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

  test("other methods too, if that was said", () => {
    expect(delay({ status: 503 }, { job: askedOnce("POST"), anyMethod: true })).toBe(250);
    expect(delay({ error: {} }, { job: askedOnce("POST"), anyMethod: true })).toBe(250);
  });

  test("what has reached nobody, whatever the method", () => {
    expect(delay({ error: {} }, { job: askedOnce("POST") })).toBeUndefined();
    expect(delay({ error: { isUnprocessed: true } }, { job: askedOnce("POST") })).toBe(250);
  });

  test("as long as there are attempts that count, of which the first is one", () => {
    const job = askedOnce("GET");
    expect(delay({ status: 503 }, { job, attempts: 1 })).toBeUndefined();
    job.attempts = 3;
    expect(delay({ status: 503 }, { job })).toBeUndefined();
    expect(delay({ status: 503 }, { job, attempts: 4 })).toBeDefined();
    job.uncounted = 1;
    expect(delay({ status: 503 }, { job })).toBeDefined();
  });

  test("a status of 5xx that is not known to pass twice, however many attempts there are", () => {
    const job = askedOnce("GET");
    expect(delay({ status: 520 }, { job, attempts: 10 })).toBeDefined();
    expect(delay({ status: 501 }, { job, attempts: 10 })).toBeDefined();
    expect(delay({ status: 520 }, { job, attempts: 10 })).toBeUndefined();
  });

  test("as many as a fifth of the requests to the host, and 10 a second", () => {
    const host = new Host("http://a", 10);
    const ask = (): number | undefined => delay({ status: 500 }, { host, budget: 0.2 });
    for (let free = 0; free < 100; free++) expect(ask()).toBe(250);
    expect(ask()).toBeUndefined();
    for (let request = 0; request < 5; request++) host.trouble!.retries.call(0);
    expect([ask(), ask()]).toEqual([250, undefined]);
    expect(delay({ status: 500 }, { budget: 0.2 })).toBe(250);
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
    expect(delay({ status: 500, retryAfter: "45" })).toBe(45_000);
    expect(delay({ status: 500, retryAfter: "0" })).toBe(250);
  });

  test("is none where Retry-After asks for more than a day: the answer stands, and the host is not paused", () => {
    for (const status of [429, 500, 503]) {
      expect(delay({ status, retryAfter: "86401" }, { maxTimeMs: Infinity })).toBeUndefined();
      expect(delay({ status, retryAfter: "Fri, 01 Jan 2100 00:00:00 GMT" })).toBeUndefined();
    }
    expect(delay({ status: 500, retryAfter: "86400" }, { maxTimeMs: Infinity })).toBe(86_400_000);
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
    expect(delay({ status: 500, retryAfter: "60" })).toBe(60_000);
    expect(delay({ status: 500, retryAfter: "61" })).toBeUndefined();
    const job = askedOnce("GET");
    const later = { job, attempts: 9 };
    expect(delay({ status: 503 }, { ...later, nowMs: 100_000 })).toBe(250);
    expect(delay({ status: 503 }, { ...later, nowMs: 159_750 })).toBe(250);
    expect(delay({ status: 503 }, { ...later, nowMs: 159_751 })).toBeUndefined();
  });
});

describe("a pause of the host", () => {
  test.each([429, 503])("is what Retry-After asks with %i, and no attempt is used up", (status) => {
    const job = askedOnce("GET");
    expect(verdict({ status, retryAfter: "90" }, { job, attempts: 1, nowMs: 5 })).toEqual({
      delayMs: 90_000,
      pauseUntilMs: 90_005,
    });
    expect(job.uncounted).toBe(1);
  });

  test("to a date is counted from the server's own clock", () => {
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    const later = { status: 503, retryAfter: "Sun, 06 Nov 1994 08:49:47 GMT", date };
    expect(verdict(later).pauseUntilMs).toBe(10_000);
    expect(verdict({ status: 503, retryAfter: "Thu, 01 Jan 1970 00:00:02 GMT" }).pauseUntilMs).toBe(2_000);
  });

  test("is our own where 429 comes alone, and grows while nothing else comes", () => {
    const host = new Host("http://a", 10);
    expect(verdict({ status: 429 }, { host })).toEqual({ delayMs: 250, pauseUntilMs: 250 });
    expect(verdict({ status: 429, retryAfter: "0" }, { host, startMs: 250, nowMs: 260 }).delayMs).toBe(500);
    expect(verdict({ status: 429 }, { host, startMs: 760, nowMs: 770 }).delayMs).toBe(1_000);
  });

  test("is what headers of a quota say, where there is no Retry-After", () => {
    const quota = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s" };
    expect(verdict({ status: 429, quota })).toEqual({ delayMs: 20_000, pauseUntilMs: 20_000 });
    expect(verdict({ status: 429, quota, retryAfter: "3" })).toEqual({ delayMs: 3_000, pauseUntilMs: 3_000 });
    expect(delay({ status: 500, quota })).toBe(250);
  });

  test("is one for all that were under way when it began", () => {
    const host = new Host("http://a", 10);
    for (let answer = 0; answer < 9; answer++) {
      expect(verdict({ status: 429 }, { host, startMs: answer === 0 ? 0 : -1, nowMs: 10 }).pauseUntilMs).toBe(260);
    }
    expect(verdict({ status: 429, retryAfter: "2" }, { host, startMs: -1, nowMs: 20 }).pauseUntilMs).toBe(2_020);
    expect(verdict({ status: 429, retryAfter: "1" }, { host, startMs: -1, nowMs: 30 }).pauseUntilMs).toBe(2_020);
  });

  test("takes a host at its word once: if it refuses again, no less than grows", () => {
    const host = new Host("http://a", 10);
    const refused = (nowMs: number): Verdict =>
      verdict({ status: 503, retryAfter: "0" }, { host, startMs: nowMs, nowMs });
    expect([0, 1, 1_000].map((nowMs) => refused(nowMs).pauseUntilMs! - nowMs)).toEqual([0, 500, 1_000]);
    host.trouble!.wentWell(host, 5_000);
    expect(refused(6_000).pauseUntilMs).toBe(6_000);
  });

  test("holds for the host, even where the job may not be asked again: by 503, as it may have been done", () => {
    const unavailable = verdict({ status: 503, retryAfter: "1" }, { job: askedOnce("POST") });
    expect(unavailable).toEqual({ delayMs: undefined, pauseUntilMs: 1_000 });
    const tooMany = verdict({ status: 429, retryAfter: "1" }, { job: askedOnce("POST") });
    expect(tooMany).toEqual({ delayMs: 1_000, pauseUntilMs: 1_000 });
  });

  test("is also for a host that has answered and now is down, as long as retries may take", () => {
    const host = new Host("http://a", 10);
    const refused = (nowMs: number): Verdict =>
      verdict({ error: { isUnprocessed: true } }, { host, startMs: nowMs, nowMs });
    for (let failure = 0; failure < 10; failure++) expect(refused(failure).pauseUntilMs).toBeUndefined();
    host.hasAnswered = true;
    host.trouble!.wentWell(host, 0);
    for (let failure = 0; failure < 4; failure++) expect(refused(20).pauseUntilMs).toBeUndefined();
    expect([refused(30).pauseUntilMs, host.limit]).toEqual([280, 1]);
    expect(verdict({ status: 502 }, { host, startMs: 50_000, nowMs: 60_000 }).pauseUntilMs).toBe(60_500);
    expect([refused(60_021).pauseUntilMs, host.limit]).toEqual([undefined, 10]);
  });

  test("comes after some failures, which are not the job's where it has met nobody", () => {
    const host = new Host("http://a", 10);
    host.hasAnswered = true;
    const job = askedOnce("POST");
    for (const delayMs of [250, 500, 1_000, 2_000]) {
      job.attempts++;
      expect(verdict({ error: { isUnprocessed: true } }, { host, job, attempts: 1 })).toEqual({
        delayMs,
        pauseUntilMs: undefined,
      });
    }
    expect(verdict({ error: { isUnprocessed: true } }, { host, job, attempts: 1 }).pauseUntilMs).toBeDefined();
  });
});

describe("the limit of a host", () => {
  test("after a pause is one, comes back with what goes well, and slower beyond half of what it was", () => {
    const host = new Host("http://a", 8);
    host.inFlight = 7;
    verdict({ status: 429, retryAfter: "1" }, { host });
    const { trouble } = host;
    trouble!.wentWell(host, 500);
    expect(host.limit).toBe(1);
    const limits: number[] = [];
    for (let answer = 0; answer < 30; answer++) {
      trouble!.wentWell(host, 1_000);
      limits.push(host.limit);
    }
    expect(limits.slice(0, 4)).toEqual([2, 3, 4, 4]);
    expect([limits.indexOf(5), limits.indexOf(6), limits.indexOf(8)]).toEqual([7, 12, 26]);
  });
});
