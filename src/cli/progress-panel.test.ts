import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { progressPanel } from "./progress-panel.ts";
import { type ProgressState, progressSentence } from "./progress-state.ts";

const state: ProgressState = {
  done: 12_345,
  earlier: 5_000,
  total: 100_000,
  isTotalExact: false,
  perSecond: 4_512,
  inFlight: 64,
  capacity: 100,
  pausedHosts: 2,
  pauseLeftMs: 42_400,
  p50Ms: 12.4,
  p95Ms: 48,
  failed: 4,
  failures: [
    ["404", 3],
    ["ECONNREFUSED", 1],
  ],
};
const plain = { hasColor: false, hasUnicode: false };

describe("progressPanel", () => {
  test("tells more the wider the terminal is, and what matters most first", () => {
    expect(progressPanel(state, 30, plain)).toEqual([
      "12,345/~100,000  12%  4,512/s",
      "2 hosts on pause, next in 0:42",
      "4 failed: 404 x3, ...",
    ]);
    expect(progressPanel(state, 77, plain)).toEqual([
      "[####------------------------------]  12,345/~100,000  12%  4,512/s  ETA 0:19",
      "64 of 100 in flight  p50 12 ms  p95 48 ms  2 hosts on pause, next in 0:42",
      "4 failed: 404 x3, ECONNREFUSED x1",
    ]);
    expect(progressPanel(state, 197, plain)[0]).toBe(
      "[####----------------------------------]  12,345/~100,000  12%  4,512/s  ETA 0:19",
    );
    expect(progressPanel(state, 197, plain)[1]).toBe(
      "64 of 100 in flight  p50 12 ms  p95 48 ms  2 hosts on pause, next in 0:42  5,000 from before",
    );
  });

  test("tells how long a host is left alone", () => {
    expect(progressPanel({ ...state, pausedHosts: 1 }, 77, plain)[1]).toContain("1 host on pause for 0:42");
  });

  test("has no bar, no share and no end where the total is unknown, and no line of failures where there are none", () => {
    const unknown = { ...state, total: undefined, failed: 0, failures: [], earlier: 0, pausedHosts: 0 };
    expect(progressPanel(unknown, 77, plain)).toEqual(["12,345  4,512/s", "64 of 100 in flight  p50 12 ms  p95 48 ms"]);
  });

  test("begins and ends well", () => {
    const first = { ...state, done: 0, total: 10, isTotalExact: true, perSecond: 0, inFlight: 0, p50Ms: undefined };
    const nothing = { ...first, failed: 0, earlier: 0, pausedHosts: 0 };
    expect(progressPanel(nothing, 40, plain)).toEqual([
      "[---------------------]  0/10  0%  0.0/s",
      "0 of 100 in flight",
    ]);
    const all = { ...nothing, done: 10, perSecond: 5 };
    expect(progressPanel(all, 40, plain)[0]).toBe("[########]  10/10  100%  5.0/s  ETA 0:00");
  });

  test("is never wider than the terminal, whatever the numbers, with colours or without", () => {
    const count = fc.nat(2_000_000_000);
    const states = fc.record({
      done: count,
      earlier: count,
      total: fc.option(count, { nil: undefined }),
      isTotalExact: fc.boolean(),
      perSecond: fc.double({ min: 0, max: 1e7, noNaN: true }),
      inFlight: count,
      capacity: count,
      pausedHosts: count,
      pauseLeftMs: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
      p50Ms: fc.double({ min: 0, max: 1e7, noNaN: true }),
      p95Ms: fc.double({ min: 0, max: 1e7, noNaN: true }),
      failed: count,
      failures: fc.array(fc.tuple(fc.constantFrom("404", "ECONNREFUSED", "HTTP_TIMEOUT"), count)),
    });
    const style = fc.record({ hasColor: fc.boolean(), hasUnicode: fc.boolean() });
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 250 }), style, (any, width, chosen) => {
        const lines = progressPanel(any, width, chosen).map((line) => stripVTControlCharacters(line));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test("progressSentence says the same in words", () => {
  expect(progressSentence(state)).toBe(
    "12,345 of about 100,000 (12%) done, 5,000 from before, 4,512/s, 64 in flight, p50 12 ms, p95 48 ms, " +
      "4 failed (404 x3, ECONNREFUSED x1), 2 hosts on pause, next in 0:42, 0:19 left",
  );
});
