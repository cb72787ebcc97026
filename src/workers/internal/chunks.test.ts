import { describe, expect, test } from "vitest";
import { chunksOf } from "./chunks.ts";

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);

async function chunks<T>(...args: Parameters<typeof chunksOf<T>>): Promise<T[][]> {
  return Array.fromAsync(chunksOf(...args));
}

/** How many items there are in each chunk, of two threads. */
async function sizes(items: Parameters<typeof chunksOf>[0], averageMs: number | undefined): Promise<number[]> {
  return (await chunks(items, undefined, 2, () => averageMs)).map(({ length }) => length);
}

describe("chunks", () => {
  test("hold all items in order, whatever has them, and holes as undefined", async () => {
    const items = [1, "two", undefined, -1.5, Number.NaN, null, { five: 5 }];
    async function* read(): AsyncGenerator {
      yield* items;
    }

    for (const source of [items, new Set(items), items.values(), read()]) {
      const found = await chunks<unknown>(source, 3, 2, () => undefined);
      expect(found.map(({ length }) => length)).toEqual([3, 3, 1]);
      expect(found.flat()).toStrictEqual(items);
    }
    // oxlint-disable-next-line no-sparse-arrays
    const holey = (await chunks([1, , 3], 3, 2, () => undefined))[0]!;
    expect([holey.length, holey[1]]).toEqual([3, undefined]);
    for (const nothing of [[], new Set()]) expect(await sizes(nothing, 1)).toEqual([]);
  });

  test("are of what an iterator gives where a class extends arrays", async () => {
    class Backwards extends Array<number> {
      constructor(items: readonly number[]) {
        super();
        for (const item of items) this.push(item);
      }
      override *[Symbol.iterator](): ArrayIterator<number> {
        for (let i = this.length; i-- > 0;) yield this[i]!;
      }
    }

    expect(await chunks(new Backwards([1, 2, 3]), 2, 2, () => undefined)).toEqual([[3, 2], [1]]);
  });

  test("of an array that grows and shrinks while it is read have what it holds then", () => {
    const items = numbers(4);
    const iterator = (chunksOf(items, 2, 2, () => undefined) as Iterable<number[]>)[Symbol.iterator]();

    expect(iterator.next().value).toEqual([0, 1]);
    items.push(4, 5, 6, 7);
    expect(iterator.next().value).toEqual([2, 3]);
    items.length = 5;
    expect(iterator.next().value).toEqual([4]);
    expect(iterator.next().done).toBe(true);
  });

  test("have one item as long as nothing is known, and where one takes long", async () => {
    expect(await sizes(numbers(5), undefined)).toEqual([1, 1, 1, 1, 1]);
    expect(await sizes(numbers(100), 10)).toEqual(numbers(100).map(() => 1));
  });

  test("take about 5 ms each, and less towards the end, so that no thread is left with much", async () => {
    const found = await sizes(numbers(1_000), 0.5);

    expect(found.slice(0, 3)).toEqual([10, 10, 10]);
    expect(found.slice(-4)).toEqual([1, 1, 1, 1]);
    expect(found.reduce((sum, size) => sum + size)).toBe(1_000);
  });

  test("of next to no work are few, and yet none is more than the share of a thread, but for a small rest", async () => {
    expect(await sizes(numbers(16), 0.000_02)).toEqual([8, 4, 2, 1, 1]);
    expect(await sizes(numbers(100), 0.000_02)).toEqual([50, 25, 12, 10, 3]);
    expect((await sizes(numbers(100_000), 0.000_02)).length).toBeLessThan(16);
    // One that gives no length may go on for ever.
    expect((await sizes(new Set(numbers(100_000)), 0.000_02)).length).toBeLessThan(16);
  });
});
