import { expect, test } from "vitest";
import { isExceeded } from "./failure-limit.ts";

test("a number is exceeded by one more", () => {
  expect(isExceeded({ kind: "count", most: 0 }, 0, 10)).toBe(false);
  expect(isExceeded({ kind: "count", most: 0 }, 1, 10)).toBe(true);
  expect(isExceeded({ kind: "count", most: 5 }, 5, 5)).toBe(false);
  expect(isExceeded({ kind: "count", most: 5 }, 6, 6)).toBe(true);
});

test("a part is exceeded by more than that part of at least a hundred outcomes", () => {
  expect(isExceeded({ kind: "share", most: 0.05 }, 99, 99)).toBe(false);
  expect(isExceeded({ kind: "share", most: 0.05 }, 5, 100)).toBe(false);
  expect(isExceeded({ kind: "share", most: 0.05 }, 6, 100)).toBe(true);
  expect(isExceeded({ kind: "share", most: 0.05 }, 50, 1_000)).toBe(false);
});
