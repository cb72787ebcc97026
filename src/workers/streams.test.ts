import { describe, expect, test } from "vitest";
import { flag } from "../../test/workers/flag.ts";
import * as tasks from "../../test/workers/tasks.ts";
import { cancelScope, run, sleep } from "../index.ts";
import { openProcessPool, openThreadPool } from "./index.ts";

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );
}

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe("map", () => {
  test("returns results in order, whatever the chunks", async () => {
    await using pool = openThreadPool({ size: 2 });

    for (const chunkSize of ["auto", 1, 7, 10_000] as const) {
      expect(await pool.map(numbers(2_000), tasks.square, { chunkSize })).toEqual(numbers(2_000).map((n) => n * n));
    }
    expect(await pool.map([], tasks.square)).toEqual([]);
    expect(await pool.map([[1], [2]], tasks.echo)).toEqual([[1], [2]]);
  });

  test.each([
    ["threads", openThreadPool],
    ["processes", openProcessPool],
  ])("gives each item to the task as it is, and each result back, in %s", async (_, open) => {
    await using pool = open({ size: 2 });
    const odd = [-0, Number.NaN, Infinity, 2 ** 53, -1.5, 5e-324];
    const many = numbers(300).map((n) => odd[n % odd.length]!);
    const lists: unknown[][] = [
      many,
      many.map(String),
      // Of several kinds, of which the first may be numbers.
      [...many, "text", null, undefined, 1n, true, { deep: [1, "two"] }, ...many],
      ["text", ...many],
      [undefined, ...many],
      [...many.keys()].map((n) => ({ n })),
    ];

    for (const items of lists) {
      for (const chunkSize of ["auto", 7, 1_000] as const) {
        expect(await pool.map(items, tasks.echo, { chunkSize })).toStrictEqual(items);
      }
    }
    // oxlint-disable-next-line no-sparse-arrays
    expect(await pool.map([1, , 3], tasks.echo, { chunkSize: 3 })).toStrictEqual([1, undefined, 3]);
    expect(await pool.map(new Set(many), tasks.echo)).toStrictEqual([...new Set(many)]);
  });

  test("waits within a chunk for items whose result comes later, and fails with what an item throws after that", async () => {
    await using pool = openThreadPool({ size: 1 });
    const evenThenBoth = [...numbers(100).map((n) => n * 2), ...numbers(100)];

    for (const items of [evenThenBoth, [1, ...evenThenBoth], numbers(3)]) {
      expect(await pool.map(items, tasks.nowOrLater, { chunkSize: 1_000 })).toStrictEqual(items);
    }
    for (const before of [numbers(100).map((n) => n * 2), numbers(100)]) {
      const failed = pool.map([...before, -1, ...before], tasks.nowOrLater, { chunkSize: 1_000 });
      expect(await failure(failed)).toMatchObject({ name: "RangeError", message: "-1 is negative" });
    }
    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0 });
  });

  test("sends many items at a time of quick functions, async ones too", async () => {
    await using pool = openThreadPool({ size: 1 });

    await pool.map(numbers(5_000), tasks.square);
    await pool.map(numbers(20), tasks.overlap, { chunkSize: 10 });

    expect(pool.statistics().completed).toBeLessThan(2_500);
  });

  test("fails with the first error of an item, and stops", async () => {
    await using pool = openThreadPool({ size: 2 });

    const error = await failure(pool.map([1, -1, 2], tasks.squareRoot, { chunkSize: 2 }));

    expect(error).toMatchObject({ name: "RangeError", message: "no root of -1" });
    await expect(pool.map([1], tasks.square, { chunkSize: 0 })).rejects.toThrow(RangeError);
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  test("that is cancelled stops between items that do not look themselves", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
    const counter = flag();

    await cancelScope(async (scope) => {
      const mapped = pool.map(
        numbers(1_000_000).map(() => counter.memory),
        tasks.countUp,
        { chunkSize: 1_000_000 },
      );
      await counter.changed();
      scope.cancel();
      await mapped;
    });

    expect(counter.value).toBeLessThan(1_000_000);
    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0 });
  });
});

describe("mapStream", () => {
  test("yields results in order, or as they come, and does not read the source ahead", async () => {
    await using pool = openThreadPool({ size: 2 });
    let read = 0;
    function* source(): Generator<number> {
      for (; ; read++) yield read;
    }

    const found: number[] = [];
    for await (const value of pool.mapStream(source(), tasks.square, { chunkSize: 10 })) {
      if (found.push(value) === 100) break;
    }
    const all = await Array.fromAsync(pool.mapStream(numbers(100), tasks.square, { chunkSize: 3, ordered: false }));

    expect(found).toEqual(numbers(100).map((n) => n * n));
    expect(read).toBeLessThanOrEqual(100 + 4 * 10);
    expect(all.toSorted((a, b) => a - b)).toEqual(numbers(100).map((n) => n * n));
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
  });
});

describe("stream", () => {
  test("reads what a generator yields, sync or async, in order", async () => {
    await using pool = openThreadPool({ size: 1 });

    expect(await Array.fromAsync(pool.stream(tasks.count, 1_000))).toEqual(numbers(1_000));
    expect(await Array.fromAsync(pool.stream(tasks.count, 0))).toEqual([]);
  });

  test("lets the task wait when 16 items are unread", async () => {
    await using pool = openThreadPool({ size: 1 });
    const produced = flag();

    await run(
      async () => {
        const items = pool.stream(tasks.count, 1_000, produced.memory);
        await items.next();
        // However long nobody reads.
        await sleep(50);
        expect(produced.value).toBeLessThanOrEqual(18);
        expect(produced.value).toBeGreaterThanOrEqual(16);
        await items.return();
      },
      { signals: false },
    );
  });

  test("fails after the items that came before the error", async () => {
    await using pool = openThreadPool({ size: 1 });
    const found: number[] = [];

    const error = await failure(
      (async () => {
        for await (const item of pool.stream(tasks.countThenFail, 40)) found.push(item);
      })(),
    );

    expect(error).toMatchObject({ name: "RangeError", message: "no more" });
    expect(found).toEqual(numbers(40));
  });

  test("stops the task when the reader leaves, and lets it clean up", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
    const state = flag();

    for await (const item of pool.stream(tasks.closingStream, state.memory)) if (item === 100) break;

    expect(state.value).toBe(2);
    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0 });
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("fails with what the task throws as it cleans up", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });

    for (const read of [1, 8, 40]) {
      const items = pool.stream(tasks.failToClose);
      for (let i = 0; i < read; i++) expect(await items.next()).toEqual({ done: false, value: i });
      expect(await failure(items.return())).toMatchObject({ name: "RangeError", message: "cannot close" });
    }
    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0 });
  });

  test("of a thread that ends fails, and of a task that yields nothing too", async () => {
    await using pool = openThreadPool({ size: 1 });

    const crashed = await failure(Array.fromAsync(pool.stream(tasks.countThenExit, 20)));
    const wrong = await failure(Array.fromAsync(pool.stream(tasks.add as never, 1, 2)));

    expect(crashed).toMatchObject({ code: "WORKER_CRASHED", exitCode: 5 });
    expect(wrong).toBeInstanceOf(TypeError);
  });
});
