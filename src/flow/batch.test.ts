import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type BatchOptions,
  type Source,
  Cancelled,
  Queue,
  TimeoutError,
  batch,
  cancelScope,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { expectNoLeaks } from "../testing/index.ts";

/** Items with the times at which each comes after the one before. */
async function* spaced(...times: number[]): AsyncGenerator<string> {
  for (const [index, ms] of times.entries()) {
    await sleep(ms);
    yield String.fromCodePoint(97 + index);
  }
}

async function* failing(error: unknown, ...items: string[]): AsyncGenerator<string> {
  yield* items;
  throw error;
}

/** An endless source that tells how far it was read and whether it was closed. */
class Endless {
  read = 0;
  closed = 0;

  [Symbol.iterator](): Iterator<number> {
    return {
      next: () => ({ done: false, value: this.read++ }),
      return: () => ({ done: true, value: this.closed++ }),
    };
  }
}

const lengthOf = (word: string): number => word.length;

const joined = async (items: Source<string>, options: BatchOptions<string>): Promise<string> => {
  const batches = await Array.fromAsync(batch(items, options));
  return batches.map((each) => each.join("")).join();
};

test(
  "a batch goes out when it is full, and what is left goes out at the end",
  virtually(async () => {
    expect(await joined("abcde", { size: 2 })).toBe("ab,cd,e");
    expect(await joined("abcd", { size: 2 })).toBe("ab,cd");
    expect(await joined(spaced(1, 1, 1), { size: Infinity })).toBe("abc");
    expect(await joined("", { size: 2 })).toBe("");
  }),
);

test(
  "a batch goes out when its time has passed since its first item, and none is empty",
  virtually(async () => {
    const seen: string[] = [];
    for await (const items of batch(spaced(20, 5, 10, 100, 1), { size: 10, withinMs: 12 })) {
      seen.push(`${items.join("")} at ${now()}`);
    }

    expect(seen).toEqual(["ab at 32", "c at 47", "de at 136"]);
  }),
);

test(
  "a batch whose time has passed takes what still comes until it is asked for",
  virtually(async () => {
    const stream = batch(spaced(1, 1, 20, 1, 1), { size: 4, withinMs: 5 });
    expect((await stream.next()).value).toEqual(["a", "b"]);
    expect(now()).toBe(6);
    await sleep(24);
    expect((await stream.next()).value).toEqual(["c", "d", "e"]);
    expect(now()).toBe(30);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "items have weights: one that would be too much begins the next batch, one too heavy has its own",
  virtually(async () => {
    const words = ["aa", "bb", "c", "dddd", "e", "ffffffff", "g"];

    expect(await joined(words, { size: 3, maxWeight: 4, weight: lengthOf })).toBe("aabb,c,dddd,e,ffffffff,g");
    expect(await joined(words, { size: 2, maxWeight: 100, weight: lengthOf })).toBe("aabb,cdddd,effffffff,g");
  }),
);

test(
  "the source is read one batch ahead and no further, and not before the first batch is asked for",
  virtually(async () => {
    const source = new Endless();
    const stream = batch(source, { size: 3, withinMs: 5 });
    await loopTurns(2);
    expect(source.read).toBe(0);
    expect((await stream.next()).value).toEqual([0, 1, 2]);
    await sleep(10);
    expect(source.read).toBe(6);
    expect((await stream.next()).value).toEqual([3, 4, 5]);
    await stream.return();
    expect(source.closed).toBe(1);
  }),
);

test(
  "nothing is read while two batches wait, the item that was too much for the first being a batch of its own",
  virtually(async () => {
    const source = new Endless();
    const stream = batch(source, { size: 3, maxWeight: 4, weight: (n) => (n === 4 ? 10 : 1) });
    expect((await stream.next()).value).toEqual([0, 1, 2]);
    await sleep(1);
    expect(source.read).toBe(5);
    expect((await stream.next()).value).toEqual([3]);
    await sleep(1);
    expect(source.read).toBe(5);
    expect((await stream.next()).value).toEqual([4]);
    await sleep(1);
    expect(source.read).toBe(8);
    await stream.return();
  }),
);

test(
  "items that were read come before the error of the source, which is thrown once",
  virtually(async () => {
    const error = new Error("source");
    const stream = batch(failing(error, "a", "b", "c"), { size: 2 });

    expect((await stream.next()).value).toEqual(["a", "b"]);
    expect((await stream.next()).value).toEqual(["c"]);
    expect(await thrownBy(stream.next())).toBe(error);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "cancelled while it fills a batch, it closes the source first, and has the items for whoever still asks",
  virtually(async (root) => {
    const queue = new Queue<number>();
    const log: unknown[] = [];
    for (const n of [1, 2, 3]) queue.tryPut(n);
    await moveOnAfter(5, async () => {
      const stream = batch(queue, { size: 2 });
      try {
        for await (const items of stream) log.push(items);
      } finally {
        expect(queue.statistics()).toMatchObject({ getting: 0 });
        await shield(async () => {
          for await (const items of stream) log.push("flushed", items);
        });
      }
    });

    expect(log).toEqual([[1, 2], "flushed", [3]]);
    expect(queue.size).toBe(0);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "the time of a batch cuts no read: an item that is on its way then is in the next batch",
  virtually(async () => {
    const queue = new Queue<number>();
    const seen: number[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for await (const items of batch(queue, { size: 10, withinMs: 3 })) seen.push(...items);
      });
      for (let n = 0; n < 50; n++) {
        await sleep(n % 4);
        queue.tryPut(n);
      }
      queue.shutdown();
    });

    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  }),
);

test(
  "a deadline around one next ends the stream, and what was read can still be asked for",
  virtually(async () => {
    const stream = batch(spaced(1, 1, 1, 1, 10), { size: 3 });
    expect((await stream.next()).value).toEqual(["a", "b", "c"]);
    await expect(timeout(5, () => stream.next())).rejects.toThrow("did not end within 5 ms");
    expect((await stream.next()).value).toEqual(["d"]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "leaving the loop closes the source in order, and disposes of items that were not given",
  virtually(async (root) => {
    const log: string[] = [];
    const source = async function* (): AsyncGenerator<Disposable> {
      try {
        for (let n = 0; ; n++) yield { [Symbol.dispose]: () => log.push(`${n} disposed`) };
      } finally {
        await sleep(5);
        log.push("closed");
      }
    };
    for await (const _ of batch(source(), { size: 2 })) {
      await sleep(1);
      break;
    }

    expect(log).toEqual(["closed", "2 disposed", "3 disposed"]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a batch that is not full can be dropped when the source fails, and goes out all the same at its end, or when it is cancelled",
  virtually(async () => {
    const error = new Error("source");
    const drop = { size: 2, afterFailure: "drop" } as const;
    const disposed: string[] = [];
    const items = ["a", "b", "c"].map((name) => ({ name, [Symbol.dispose]: () => void disposed.push(name) }));
    const fails = async function* (): AsyncGenerator<(typeof items)[number]> {
      yield* items;
      throw error;
    };
    const stream = batch(fails(), drop);
    expect((await stream.next()).value).toEqual(items.slice(0, 2));
    expect(await thrownBy(stream.next())).toBe(error);
    expect(disposed).toEqual(["c"]);
    expect(await joined("abc", drop)).toBe("ab,c");

    const cut = batch(spaced(1, 1, 1), { ...drop, size: 5 });
    let left: IteratorResult<string[], void> | undefined;
    await moveOnAfter(2, async () => {
      await thrownBy(cut.next());
      left = await shield(() => cut.next());
    });
    expect(left?.value).toEqual(["a"]);
  }),
);

test(
  "a stream that was left leaves no timer",
  virtually(async () => {
    const left = expectNoLeaks(async () => {
      for await (const _ of batch(spaced(1, 1, 1), { size: 2, withinMs: 1_000_000 })) {
        await sleep(5);
        break;
      }
      return now();
    });

    expect(await left).toBe(7);
  }),
);

test("an endless source that never waits does not hold the loop", async () => {
  const reading = timeout(20, async () => {
    for await (const _ of batch(new Endless(), { size: 100 }));
  });

  expect(await thrownBy(reading)).toBeInstanceOf(TimeoutError);
});

test(
  "in a cancelled scope the source is not opened",
  virtually(async () => {
    const source = new Endless();
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(batch(source, { size: 1 }).next());
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(source.read).toBe(0);
  }),
);

test("works outside any run", async () => {
  expect(await joined("abc", { size: 2, withinMs: 1_000 })).toBe("ab,c");
});

test.for([
  [{ size: 0 }, RangeError, "Expected `size` to be an integer of 1 or more, got `0` (number)"],
  [{ size: 1, withinMs: -1 }, RangeError, "Expected `withinMs` to be a number of milliseconds, 0 or more"],
  [{ size: 1, maxWeight: 0, weight: () => 1 }, RangeError, "Expected `maxWeight` to be more than 0"],
  [{ size: 1, maxWeight: 5 }, TypeError, "Expected `weight` with `maxWeight`"],
  [{ size: 1, afterFailure: "throw" as "drop" }, TypeError, 'Expected `afterFailure` to be "give" or "drop"'],
] as [BatchOptions<string>, typeof Error, string][])("%o is refused", ([options, kind, message]) => {
  expect(() => batch("abc", options)).toThrow(kind);
  expect(() => batch("abc", options)).toThrow(message);
});

test.for([-1, NaN, "1"])("a weight of %s fails the stream, after the items before it", (wrong) =>
  virtually(async () => {
    const stream = batch("ab", { size: 2, maxWeight: 5, weight: (item) => (item === "b" ? (wrong as number) : 1) });

    expect((await stream.next()).value).toEqual(["a"]);
    await expect(stream.next()).rejects.toThrow("Expected `weight` to return 0 or more");
  })(),
);
