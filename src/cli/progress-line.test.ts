import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { progressLine, progressSentence, type ProgressState } from "./progress-line.ts";

const state: ProgressState = {
  done: 12_345,
  total: 100_000,
  isTotalExact: false,
  perSecond: 4_512,
  inFlight: 100,
  pausedHosts: 0,
  p50Ms: 12.4,
  p95Ms: 48,
  failed: 4,
  failures: [
    ["404", 3],
    ["ECONNREFUSED", 1],
  ],
};
const plain = { hasColor: false, hasUnicode: false };

describe("progressLine", () => {
  test("tells more the wider the terminal is, and what matters most first", () => {
    expect(progressLine(state, 30, plain)).toBe("12,345/~100,000  12%  4,512/s");
    expect(progressLine(state, 80, plain)).toBe(
      "[#---------------]  12,345/~100,000  12%  4,512/s  4 failed  p95 48 ms  ETA 0:19",
    );
    expect(progressLine(state, 200, plain)).toBe(
      "[####----------------------------------]  12,345/~100,000  12%  4,512/s  4 failed  " +
        "404 x3, ECONNREFUSED x1  100 in flight  p50 12 ms  p95 48 ms  ETA 0:19",
    );
  });

  test("has no bar, no share and no end where the total is unknown", () => {
    expect(progressLine({ ...state, total: undefined, failed: 0 }, 80, plain)).toBe(
      "12,345  4,512/s  100 in flight  p50 12 ms  p95 48 ms",
    );
  });

  test("tells how many hosts are left alone", () => {
    expect(progressLine({ ...state, failed: 0, pausedHosts: 2 }, 80, plain)).toContain("2 hosts on pause");
    expect(progressSentence({ ...state, pausedHosts: 1 })).toContain(", 1 host on pause, ");
  });

  test("begins and ends well", () => {
    const nothing = { ...state, done: 0, total: 10, isTotalExact: true, perSecond: 0, failed: 0, p50Ms: undefined };
    expect(progressLine(nothing, 60, plain)).toBe("[--------------------------]  0/10  0%  0.0/s  100 in flight");
    const all = { ...nothing, done: 10, perSecond: 5, inFlight: 0 };
    expect(progressLine(all, 60, plain)).toBe("[###############]  10/10  100%  5.0/s  0 in flight  ETA 0:00");
  });

  test("is never wider than the terminal, whatever the numbers, with colours or without", () => {
    const count = fc.nat(2_000_000_000);
    const states = fc.record({
      done: count,
      total: fc.option(count, { nil: undefined }),
      isTotalExact: fc.boolean(),
      perSecond: fc.double({ min: 0, max: 1e7, noNaN: true }),
      inFlight: count,
      pausedHosts: count,
      p50Ms: fc.double({ min: 0, max: 1e7, noNaN: true }),
      p95Ms: fc.double({ min: 0, max: 1e7, noNaN: true }),
      failed: count,
      failures: fc.array(fc.tuple(fc.constantFrom("404", "ECONNREFUSED", "HTTP_TIMEOUT"), count)),
    });
    const style = fc.record({ hasColor: fc.boolean(), hasUnicode: fc.boolean() });
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 250 }), style, (any, width, chosen) => {
        expect(stripVTControlCharacters(progressLine(any, width, chosen)).length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test("progressSentence says the same in words", () => {
  expect(progressSentence(state)).toBe(
    "12,345 of about 100,000 (12%) done, 4,512/s, 100 in flight, p50 12 ms, p95 48 ms, " +
      "4 failed (404 x3, ECONNREFUSED x1), 0:19 left",
  );
});
