import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { Link, LinkedList } from "./index.ts";

class Numbered extends Link {
  readonly n: number;

  constructor(n: number) {
    super();
    this.n = n;
  }
}

const step = fc.oneof({ weight: 2, arbitrary: fc.constant("push" as const) }, fc.constant("shift" as const), fc.nat());

test("links keep their order, wherever one is taken out", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new LinkedList<Numbered>();
      const model: Numbered[] = [];
      for (const [n, next] of steps.entries()) {
        let [taken, expected]: (Numbered | undefined)[] = [];
        if (next === "push") {
          const link = new Numbered(n);
          list.push(link);
          model.push(link);
        } else if (next === "shift") [taken, expected] = [list.shift(), model.shift()];
        else if (model.length > 0) {
          taken = expected = model.splice(next % model.length, 1)[0]!;
          list.remove(taken);
        }
        expect(taken).toBe(expected);
        expect([taken?.list ?? null, taken?.before ?? null, taken?.after ?? null]).toEqual([null, null, null]);
        expect([...list]).toEqual(model);
        expect([list.size, list.head, list.tail]).toEqual([model.length, model[0] ?? null, model.at(-1) ?? null]);
        expect(model.every((link) => link.list === list)).toBe(true);
      }
    }),
    times(100),
  );
});

test("a link that was taken out may join again", () => {
  const list = new LinkedList<Numbered>();
  const [first, second] = [new Numbered(1), new Numbered(2)];
  list.push(first);
  list.push(second);
  list.remove(first);
  list.push(first);

  expect([...list].map(({ n }) => n)).toEqual([2, 1]);
});
