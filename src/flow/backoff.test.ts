import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { exponential } from "./backoff.ts";

test("without jitter the waits grow by the factor, up to the longest", () => {
  const backoff = exponential({ baseMs: 100, factor: 3, maxMs: 1_000, jitter: "none" });

  expect([1, 2, 3, 4, 5].map(backoff)).toEqual([100, 300, 900, 1_000, 1_000]);
});

test("with jitter every wait lies between 0 and what it would be without, for all settings and attempts", () => {
  const anyMs = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      anyMs,
      fc.double({ min: 1, max: 10, noNaN: true }),
      anyMs,
      fc.integer({ min: 1, max: 5_000 }),
      (baseMs, factor, maxMs, attempt) => {
        const exact = exponential({ baseMs, factor, maxMs, jitter: "none" })(attempt);
        const jittered = exponential({ baseMs, factor, maxMs })(attempt);

        expect(exact).toBeGreaterThanOrEqual(0);
        expect(exact).toBeLessThanOrEqual(maxMs);
        expect(jittered).toBeGreaterThanOrEqual(0);
        expect(jittered).toBeLessThanOrEqual(exact);
      },
    ),
    times(200),
  );
});

test("jitter comes from where it is told to", () => {
  const backoff = exponential({ baseMs: 100, random: () => 0.25 });

  expect([1, 2, 3].map(backoff)).toEqual([25, 50, 100]);
});

test("a backoff from 0 stays at 0, however many attempts there were", () => {
  expect(exponential({ baseMs: 0 })(2_000)).toBe(0);
});

test.for([{ baseMs: -1 }, { baseMs: NaN }, { factor: 0.5 }, { factor: NaN }, { maxMs: -1 }, { maxMs: NaN }])(
  "a backoff of %o is refused",
  (options) => {
    expect(() => exponential(options)).toThrow(RangeError);
  },
);
