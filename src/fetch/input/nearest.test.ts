import { expect, test } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

test("nearest finds a word with a slip of the fingers, and nothing for another word", () => {
  const words = ["concurrency", "per-host", "timeout", "retry"];
  expect(nearest("concurency", words)).toBe("concurrency");
  expect(nearest("timeuot", words)).toBe("timeout");
  expect(nearest("per-hots", words)).toBe("per-host");
  expect(nearest("rettry", words)).toBe("retry");
  expect(nearest("output", words)).toBeUndefined();
});

test("a swap of neighbours counts as one", () => {
  expect(editDistance("ab", "ba")).toBe(1);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
});
