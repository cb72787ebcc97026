import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHttpDate, parseRetryAfter } from "./retry-after.ts";

const atMs = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("parseRetryAfter", () => {
  test("reads seconds", () => {
    expect(parseRetryAfter("120", 0)).toBe(120_000);
    expect(parseRetryAfter(" 0 ", 0)).toBe(0);
    expect(parseRetryAfter("1.5", 0)).toBe(1_500);
  });

  test.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "reads the date %s against the date of the answer",
    (date) => {
      expect(parseRetryAfter(date, atMs - 30_000)).toBe(30_000);
      expect(parseRetryAfter(date, atMs + 30_000)).toBe(0);
    },
  );

  test.each(["", "soon", "-1", "1e3", "0x10", "1,5", "2026-11-20", "Sun, 06 Nov 1994", "9".repeat(30)])(
    "does not understand `%s`",
    (value) => {
      expect(parseRetryAfter(value, 0)).toBeUndefined();
    },
  );

  test("never throws, and never asks for a wait that is negative or not a number", () => {
    const text = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String));
    fc.assert(
      fc.property(text, fc.nat(), (value, dateMs) => {
        const waitMs = parseRetryAfter(value, dateMs);
        expect(waitMs === undefined || (waitMs >= 0 && Number.isFinite(waitMs))).toBe(true);
      }),
    );
  });

  test("reads every date that a server can write", () => {
    const date = fc.date({ min: new Date(0), max: new Date(Date.UTC(2200, 0)), noInvalidDate: true });
    fc.assert(
      fc.property(date, (when) => {
        expect(parseHttpDate(when.toUTCString())).toBe(Math.floor(when.getTime() / 1_000) * 1_000);
      }),
    );
  });
});
