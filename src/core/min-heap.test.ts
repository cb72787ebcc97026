import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { MinHeap } from "./min-heap.ts";

const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer() },
  { weight: 3, arbitrary: fc.constant("pop" as const) },
  fc.constant("clear" as const),
);

test("the smallest number comes first, whatever was pushed and popped before", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new MinHeap();
      let model: number[] = [];
      for (const next of steps) {
        let [popped, expected]: (number | undefined)[] = [];
        if (next === "pop") [popped, expected] = [heap.pop(), model.shift()];
        else if (next === "clear") {
          heap.clear();
          model = [];
        } else {
          heap.push(next);
          model = [...model, next].toSorted((a, b) => a - b);
        }
        expect([popped, heap.smallest]).toEqual([expected, model[0]]);
      }
    }),
    times(100),
  );
});
