import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { Deque } from "./index.ts";

/** So many values are pushed, or with a negative number shifted, as far as there are any; now and then a rush. */
const step = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: -40, max: 50 }) }, fc.constantFrom(1_500, -9_999));

test("values leave in the order in which they came, however many there are", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const deque = new Deque<number>();
      const model: number[] = [];
      const shiftAll = (count: number): number[] => Array.from({ length: count }, () => deque.shift());
      for (const next of steps) {
        for (let n = 0; n < next; n++) {
          deque.push(n);
          model.push(n);
        }
        const gone = model.splice(0, Math.max(0, -next));
        expect(shiftAll(gone.length)).toEqual(gone);
        expect([deque.size, deque.first]).toEqual([model.length, model[0]]);
      }
      expect(shiftAll(model.length)).toEqual(model);
      expect([deque.size, deque.first]).toEqual([0, undefined]);
    }),
    times(100),
  );
});

test("an empty deque does not keep the room that a rush of values took", () => {
  const deque = new Deque<number>();
  globalThis.gc!();
  const usedBefore = process.memoryUsage().heapUsed;
  for (let n = 0; n < 1_000_000; n++) deque.push(n);
  while (deque.size > 0) deque.shift();
  globalThis.gc!();

  expect(process.memoryUsage().heapUsed - usedBefore).toBeLessThan(2_000_000);
  deque.push(1);
  expect([deque.size, deque.shift()]).toEqual([1, 1]);
});

test("takeAll takes the values in their order", () => {
  const deque = new Deque<number>();
  for (const n of [1, 2, 3]) deque.push(n);

  expect([deque.takeAll(), deque.size, deque.takeAll()]).toEqual([[1, 2, 3], 0, []]);
});
