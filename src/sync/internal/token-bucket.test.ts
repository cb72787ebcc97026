import { ok } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

/** Takes `n` if there is room. */
function tryTake(bucket: TokenBucket, n: number, nowMs: number): ((nowMs: number) => void) | undefined {
  return bucket.readyAtMs(n, nowMs) <= nowMs ? bucket.take(n, nowMs) : undefined;
}

test.for([
  [3, 1_000],
  [7, 60_000],
  [1_000, 1_000],
  [999, 997],
] as const)(
  "%i in %i ms: after a million permits taken as soon as possible not a rounding error has piled up",
  ([limit, perMs]) => {
    const bucket = new TokenBucket(limit, perMs, undefined);
    const total = 1_000_000;
    const startMs = 12_345.678;
    let nowMs = startMs;
    for (let count = 0; count < total; count++) {
      nowMs = bucket.readyAtMs(1, nowMs);
      bucket.take(1, nowMs);
    }
    const exactMs = startMs + ((total - limit) * perMs) / limit;

    expect(Math.abs(nowMs - exactMs)).toBeLessThan(exactMs * 2 ** -51);
  },
);

/** What happens at a bucket. Times are in eighths of a millisecond, so that all sums of the reference are whole. */
type Step =
  | { readonly do: "wait"; readonly eighths: number }
  | { readonly do: "take"; readonly n: number }
  | { readonly do: "undo"; readonly pick: number }
  | { readonly do: "limit"; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("wait" as const),
    eighths: fc.oneof(fc.nat(80), fc.nat(8_000)),
  }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const), n: fc.integer({ min: 1, max: 5 }) }) },
  fc.record({ do: fc.constant("undo" as const), pick: fc.nat() }),
  fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 1, max: 50 }) }),
);
interface Settings {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  perMs: fc.integer({ min: 1, max: 1_000 }),
  burst: fc.integer({ min: 5, max: 60 }),
});

/** What has happened at a bucket: something was taken, or its limit was set. */
type Happened =
  | { readonly at: number; readonly n: number; readonly undo: (nowMs: number) => void; isUndone: boolean }
  | { readonly at: number; readonly limit: number };

/**
 * What is in the bucket by the definition: it fills by `limit` each eighth and costs `8 * perMs` a token, in whole
 * numbers, told anew from the beginning, without what was given back.
 */
function levelOf(story: readonly Happened[], at: number, { limit, perMs, burst }: Settings): number {
  const token = perMs * 8;
  let [level, rate, last] = [burst * token, limit, 0];
  for (const happened of [...story, { at, limit: 0 }]) {
    level = Math.min(burst * token, level + (happened.at - last) * rate);
    last = happened.at;
    if ("limit" in happened) rate = happened.limit;
    else if (!happened.isUndone) level -= happened.n * token;
  }
  return level / token;
}

/** So much may be missing for rounding, once a limit was set between two tokens. */
const rounding = 1e-9;

test("it has in it what has flowed in less what was taken, exactly; and never more for what is given back", () =>
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 60, size: "max" }), (how, steps) => {
      const bucket = new TokenBucket(how.limit, how.perMs, how.burst);
      const story: Happened[] = [];
      let now = 0;
      let wasUndone = false;
      for (const next of steps) {
        switch (next.do) {
          case "wait":
            now += next.eighths;
            break;
          case "take": {
            const undo = tryTake(bucket, next.n, now / 8);
            const missing = next.n - levelOf(story, now, how);
            ok(undo === undefined || missing <= rounding);
            // What was given back late may not have come back in full.
            ok(undo !== undefined || missing > -rounding || wasUndone);
            if (undo !== undefined) story.push({ at: now, n: next.n, undo, isUndone: false });
            break;
          }
          case "undo": {
            const happened = story[next.pick % Math.max(1, story.length)];
            if (happened === undefined || "limit" in happened || happened.isUndone) break;
            happened.undo(now / 8);
            happened.isUndone = true;
            wasUndone ||= happened.at !== now;
            break;
          }
          case "limit":
            bucket.setLimit(next.limit, now / 8);
            story.push({ at: now, limit: next.limit });
            break;
          default:
            next satisfies never;
        }
        const level = levelOf(story, now, how);
        const available = bucket.available(now / 8);
        ok(available <= Math.max(0, Math.floor(level + rounding)));
        ok(available >= Math.floor(level - (story.some((each) => "limit" in each) ? rounding : 0)) || wasUndone);
      }
    }),
    { numRuns: 1_000 },
  ));

test("what was taken before the limit was set is not given back beyond what is missing", () => {
  const bucket = new TokenBucket(10, 1_000, undefined);
  const undo = bucket.take(1, 0);
  bucket.setLimit(2, 0);
  undo(0);

  expect(bucket.available(0)).toBe(2);
});

test("what is given back at once can be taken again", () => {
  const bucket = new TokenBucket(1, 1_000, 3);
  bucket.take(2, 0);
  const undo = bucket.take(1, 100);
  expect(bucket.available(100)).toBe(0);
  undo(100);

  expect(bucket.available(100)).toBe(1);
  expect(bucket.readyAtMs(2, 100)).toBe(1_000);
});

test("of what is given back late, what has flowed in meanwhile is withheld: it might have flowed over", () => {
  const bucket = new TokenBucket(1, 1_000, 10);
  const undo = bucket.take(5, 0);
  bucket.take(5, 0);
  undo(2_000);

  // Two have flowed in, and three of the five come back.
  expect(bucket.available(2_000)).toBe(5);
});

test("another limit keeps what is in the bucket, and what is behind its decimal point", () => {
  const bucket = new TokenBucket(10, 1_000, undefined);
  bucket.take(10, 0);
  bucket.setLimit(2, 150);
  expect(bucket.available(150)).toBe(1);
  expect(bucket.readyAtMs(2, 150)).toBe(400);
  bucket.setLimit(20, 150);
  expect(bucket.readyAtMs(2, 150)).toBe(175);
  bucket.setLimit(Infinity, 150);
  expect(bucket.available(150)).toBe(Infinity);
  bucket.setLimit(4, 160);

  expect(bucket.available(160)).toBe(4);
});

test("a bucket that has become smaller has flowed over", () => {
  const bucket = new TokenBucket(10, 1_000, undefined);
  bucket.take(1, 0);
  bucket.setLimit(5, 0);

  expect(bucket.available(0)).toBe(5);
  bucket.setLimit(10, 0);
  expect(bucket.available(0)).toBe(5);
});

test("a weight that has become heavier than the bucket goes when it is full, and is paid off afterwards", () => {
  const bucket = new TokenBucket(6, 600, undefined);
  bucket.take(6, 0);
  bucket.setLimit(2, 0);
  expect(bucket.readyAtMs(3, 0)).toBe(600);
  bucket.take(3, 600);

  expect(bucket.available(600)).toBe(0);
  expect(bucket.readyAtMs(1, 600)).toBe(1_200);
});

test("what turns out to be more is paid off, and what turns out to be less fills it up, but never over", () => {
  const bucket = new TokenBucket(10, 1_000, 5);
  bucket.take(5, 0);
  bucket.correct(20, 0);
  expect(bucket.readyAtMs(1, 0)).toBe(2_100);
  bucket.correct(-20, 0);
  expect(bucket.readyAtMs(1, 0)).toBe(100);
  bucket.correct(-3, 0);
  expect(bucket.available(0)).toBe(3);
  bucket.correct(-30, 100);

  expect(bucket.available(100)).toBe(5);
});
