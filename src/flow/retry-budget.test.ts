import { ok } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { RetryBudget, now, retry, sleep } from "../index.ts";

const down = new Error("down");

const countSince = (atMs: number, times: readonly number[]): number => times.filter((time) => time > atMs).length;

/** Calls so often what always fails, and counts the attempts. */
async function callOften(times: number, budget: RetryBudget): Promise<number> {
  let attempts = 0;
  const fail = (): never => {
    attempts++;
    throw down;
  };
  for (let n = 0; n < times; n++) expect(await thrownBy(retry(fail, { budget, backoff: () => 0 }))).toBe(down);
  return attempts;
}

test(
  "many calls together make no more retries than the ratio, and then fail with their own errors",
  virtually(async () => {
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0 });

    expect(await callOften(100, budget)).toBe(120);
    expect(budget.statistics()).toEqual({ calls: 100, retries: 20, left: 0 });
  }),
);

test(
  "a few retries a second are free, for whoever calls seldom",
  virtually(async () => {
    expect(await callOften(50, new RetryBudget({ ratio: 0, minPerSecond: 1 }))).toBe(60);
    expect(await callOften(1, new RetryBudget())).toBe(3);
  }),
);

test(
  "what has left the window counts no more",
  virtually(async () => {
    const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0, windowMs: 1_000 });
    await callOften(10, budget);
    expect(budget.statistics()).toEqual({ calls: 10, retries: 5, left: 0 });
    await sleep(899);
    expect(budget.statistics().calls).toBe(10);
    await sleep(101);
    expect(budget.statistics()).toEqual({ calls: 0, retries: 0, left: 0 });
    expect(await callOften(2, budget)).toBe(3);
    await sleep(1e14);
    expect(budget.statistics().calls).toBe(0);
  }),
);

test(
  "calls that succeed pay for the retries of others",
  virtually(async () => {
    const budget = new RetryBudget({ ratio: 0.1, minPerSecond: 0 });
    for (let n = 0; n < 100; n++) await retry(() => n, { budget });

    expect(budget.statistics()).toEqual({ calls: 100, retries: 0, left: 10 });
    expect(await callOften(5, budget)).toBe(15);
  }),
);

test(
  "over any time, retries stay within the ratio of the calls of the window and what is free",
  virtually(() =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ waitMs: fc.nat(400), call: fc.boolean() }), { maxLength: 100 }),
        fc.constantFrom(0, 0.2, 0.29, 1),
        fc.constantFrom(0, 1, 3),
        async (steps, ratio, minPerSecond) => {
          const windowMs = 1_000;
          const budget = new RetryBudget({ ratio, minPerSecond, windowMs });
          const calls: number[] = [];
          const retries: number[] = [];
          for (const { waitMs, call } of steps) {
            await sleep(waitMs);
            if (call) {
              budget.call();
              calls.push(now());
            } else if (budget.tryRetry()) {
              retries.push(now());
              // The window moves in steps of a tenth: it is that much shorter at times.
              const allowed = ratio * countSince(now() - windowMs, calls) + (minPerSecond * windowMs) / 1_000;
              ok(countSince(now() - windowMs * 0.9, retries) <= allowed + 1e-9);
            }
          }
        },
      ),
      { numRuns: 200 },
    ),
  ),
);

test("works outside any run, and a budget that met another clock begins anew", async () => {
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 });
  budget.call();
  expect(budget.statistics().calls).toBe(1);
  await virtually(() => {
    expect(budget.statistics().calls).toBe(0);
  })();
});

test.for([
  [{ ratio: -1 }, "Expected `ratio` to be a number of 0 or more, got `-1` (number)"],
  [{ ratio: NaN }, "Expected `ratio` to be a number of 0 or more"],
  [{ minPerSecond: Infinity }, "Expected `minPerSecond` to be a number of 0 or more"],
  [{ windowMs: 0 }, "Expected `windowMs` to be a number of milliseconds, more than 0"],
] as const)("%o is refused", ([options, message]) => {
  expect(() => new RetryBudget(options)).toThrow(message);
});
