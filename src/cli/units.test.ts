import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatBytes, formatClock, formatMs, parseDuration, parseRate, parseSize } from "./units.ts";

describe("parseDuration", () => {
  test.each([
    ["30s", 30_000],
    ["500ms", 500],
    ["2m", 120_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    ["30", 30_000],
    ["0.25", 250],
    ["0", 0],
    ["1d", 86_400_000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "s", "-1s", "1 s", "1x", "1s2", "1e3", "Infinity", "NaN", ".5s", "1.s", "1S"])(
    "refuses `%s`",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test("never gives anything but a time", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789.smhd-+e ") }), (text) => {
        const ms = parseDuration(text);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
  });
});

describe("parseRate", () => {
  test.each([
    ["100/s", 100, 1_000],
    ["6000/m", 6_000, 60_000],
    ["5/10s", 5, 10_000],
    ["1/500ms", 1, 500],
    ["7", 7, 1_000],
    ["200000/h", 200_000, 3_600_000],
  ])("reads %s", (text, limit, perMs) => {
    expect(parseRate(text)).toEqual({ limit, perMs });
  });

  test.each(["", "0/s", "/s", "5/", "5/x", "-5/s", "5/0s", "1.5/s", "5 / s", "5/s/s"])("refuses `%s`", (text) => {
    expect(parseRate(text)).toBeUndefined();
  });
});

describe("parseSize", () => {
  test.each([
    ["500", 500],
    ["64k", 65_536],
    ["10M", 10_485_760],
    ["1.5GB", 1_610_612_736],
    ["1KiB", 1_024],
    ["7b", 7],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "k", "-1", "1 k", "1kk", "1x", "1e3"])("refuses `%s`", (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

test("times and sizes read well at every magnitude", () => {
  expect([0.04, 9.94, 9.96, 999.4, 999.6, 59_900, 60_000, 3_723_000].map(formatMs)).toEqual([
    "0.0 ms",
    "9.9 ms",
    "10 ms",
    "999 ms",
    "1.0 s",
    "59.9 s",
    "1:00",
    "1:02:03",
  ]);
  expect([0, 9_400, 245_000].map(formatClock)).toEqual(["0:00", "0:09", "4:05"]);
  expect([0, 999, 1_000, 23_100_000, 999_600, 123_456_789].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.00 kB",
    "23.1 MB",
    "1.00 MB",
    "123 MB",
  ]);
});
