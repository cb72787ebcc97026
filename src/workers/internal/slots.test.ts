import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

test("what a function takes is known from its first call on, and the newest calls count most", () => {
  const slots = new Slots();
  expect(slots.averageMs(0)).toBeUndefined();

  slots.measured(0, 10, 1);
  expect(slots.averageMs(0)).toBe(10);
  slots.measured(0, 5, 1);
  expect(slots.averageMs(0)).toBeCloseTo(9, 10);
});

test("many calls that were measured together weigh as much as if each had been", () => {
  const [together, apart] = [new Slots(), new Slots()];
  for (const slots of [together, apart]) slots.measured(0, 10, 1);

  together.measured(0, 3, 3);
  for (let call = 0; call < 3; call++) apart.measured(0, 1, 1);
  expect(together.averageMs(0)).toBeCloseTo(apart.averageMs(0)!, 10);

  together.measured(0, 1, 10_000);
  expect(together.averageMs(0)).toBeCloseTo(0.000_1, 10);
});

test("calls are counted on when there have been more than a word of memory can count", () => {
  const thread = new Slots();
  const pool = new Slots(thread.buffer);
  const counts = [2 ** 30, 2 ** 31 - 1, 2 ** 31 + 7, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 31, 2 ** 33 - 2];

  for (const calls of counts) {
    thread.processed = calls;
    expect(pool.processed).toBe(calls);
    expect(pool.processed).toBe(calls);
  }
});

test("what has taken no time, and no calls at all, leave an average", () => {
  const slots = new Slots();

  slots.measured(0, 0, 100);
  expect(slots.averageMs(0)).toBeGreaterThan(0);
  slots.measured(1, 1, 0);
  expect(slots.averageMs(1)).toBeUndefined();
});
