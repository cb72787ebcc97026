import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { Deque } from "./index.ts";

/** So many values are pushed, or with a negative number shifted, as far as there are any. */
const step = fc.integer({ min: -40, max: 50 });

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
