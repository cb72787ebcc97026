import { deepStrictEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { StableHeap } from "./stable-heap.ts";

interface Item {
  readonly rank: number;
  readonly id: number;
}

const byRank = (a: Item, b: Item): number => a.rank - b.rank;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.nat(4) },
  { weight: 4, arbitrary: fc.constant("shift" as const) },
  fc.constant("takeAll" as const),
);

test("the smallest item comes first, and equal ones in order of arrival, whatever came and went before", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const heap = new StableHeap(byRank);
      let model: Item[] = [];
      for (const [id, next] of steps.entries()) {
        if (next === "takeAll") {
          deepStrictEqual(heap.takeAll(), model);
          model = [];
        } else if (next === "shift") {
          if (model.length > 0) equal(heap.shift(), model.shift());
        } else {
          const item = { rank: next, id };
          heap.push(item);
          // Sorting arrays is stable.
          model = [...model, item].toSorted(byRank);
        }
        expect(heap.size).toBe(model.length);
      }
      expect(heap.takeAll()).toEqual(model);
    }),
    { numRuns: 300 },
  );
});

test("when comparing fails, at whatever comparison, the heap is as it was", () => {
  const action = fc.constantFrom("push" as const, "shift" as const, "takeAll" as const);
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 2, maxLength: 40 }), action, fc.nat(20), (ranks, next, failAt) => {
      let left = Infinity;
      const heap = new StableHeap((a: Item, b: Item) => {
        if (left-- === 0) throw new Error("cannot compare");
        return byRank(a, b);
      });
      const items = ranks.map((rank, id) => ({ rank, id }));
      for (const item of items) heap.push(item);
      let model = items.toSorted(byRank);
      left = failAt;
      try {
        if (next === "push") {
          heap.push({ rank: 5, id: -1 });
          model = [...model, { rank: 5, id: -1 }].toSorted(byRank);
        } else if (next === "shift") {
          heap.shift();
          model.shift();
        } else {
          heap.takeAll();
          model = [];
        }
      } catch {
        // As it was: so the model stays.
      }
      left = Infinity;
      expect(heap.takeAll()).toEqual(model);
    }),
    { numRuns: 300 },
  );
});

test("a comparison that says neither means equal", () => {
  const heap = new StableHeap(() => NaN);
  for (let n = 0; n < 20; n++) heap.push(n);

  expect(Array.from({ length: 20 }, () => heap.shift())).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

test("equal items keep their order over a long run of coming and going", () => {
  const heap = new StableHeap<number>(() => 0);
  let next = 0;
  for (let n = 0; n < 1_000; n++) heap.push(n);
  for (let n = 1_000; n < 100_000; n++) {
    heap.push(n);
    if (heap.shift() !== next++) throw new Error(`${next - 1} was overtaken`);
  }

  expect(heap.size).toBe(1_000);
});
