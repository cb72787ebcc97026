import { equal } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingWindow } from "./sliding-window.ts";

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "take"; readonly n: number }
  | { readonly do: "undo"; readonly pick: number }
  | { readonly do: "limit"; readonly limit: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), n: fc.integer({ min: 1, max: 5 }) }) },
  fc.record({ do: fc.constant("undo" as const), pick: fc.nat() }),
  fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 1, max: 12 }) }),
);

test("never is more taken in any `perMs` than the limit, and whatever fits is taken", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(step, { maxLength: 60 }), (perMs, steps) => {
      const window = new SlidingWindow(5, perMs);
      let limit = 5;
      let nowMs = 0;
      let takes: { readonly atMs: number; readonly n: number; readonly undo: () => void }[] = [];
      const sum = (): number => takes.filter(({ atMs }) => atMs > nowMs - perMs).reduce((total, { n }) => total + n, 0);
      for (const next of steps) {
        switch (next.do) {
          case "wait":
            nowMs += next.ms;
            break;
          case "take": {
            const fits = sum() + next.n <= limit || (sum() === 0 && next.n > limit);
            const readyAtMs = window.readyAtMs(next.n, nowMs);
            equal(readyAtMs <= nowMs, fits);
            // When it says it will be ready, it is, and not a millisecond before.
            const before = nowMs;
            if (!fits) {
              nowMs = readyAtMs - 1;
              equal(sum() + Math.min(next.n, limit) > limit, true);
              nowMs = readyAtMs;
              equal(sum() + Math.min(next.n, limit) > limit, false);
              nowMs = before;
              break;
            }
            const undo = window.take(next.n, nowMs);
            takes.push({ atMs: nowMs, n: next.n, undo: () => undo(nowMs) });
            break;
          }
          case "undo": {
            const take = takes[next.pick % Math.max(1, takes.length)];
            take?.undo();
            takes = takes.filter((other) => other !== take);
            break;
          }
          case "limit":
            limit = next.limit;
            window.setLimit(limit);
            break;
          default:
            next satisfies never;
        }
        expect(window.available(nowMs)).toBe(Math.max(0, limit - sum()));
      }
    }),
    { numRuns: 1_000 },
  ));

test("times between two milliseconds count as the later one, so that the limit holds all the more", () => {
  const window = new SlidingWindow(1, 10);
  window.take(1, 0.25);

  expect(window.readyAtMs(1, 10.5)).toBe(11);
  expect(window.available(10.99)).toBe(0);
  expect(window.available(11)).toBe(1);
});
