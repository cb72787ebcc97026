import { expect, test } from "vitest";
import { packed, unpacked } from "./packed.ts";

const numbers: readonly number[] = Array.from(
  { length: 100 },
  (_, n) => [n, -0, Number.NaN, 2 ** 31, -1.5, Infinity][n % 6]!,
);

test("many numbers go over as memory, and are the same after that", () => {
  expect(packed(numbers)).toBeInstanceOf(Float64Array);
  expect(unpacked(structuredClone(packed(numbers)))).toStrictEqual(numbers);
});

test("what is not only numbers, or is little, goes over as it is", () => {
  for (const values of [[], [1, 2], ["a", ...numbers], [...numbers, 1n], [...numbers, undefined]]) {
    expect(packed(values)).toBe(values);
    expect(unpacked(values)).toBe(values);
  }
});
