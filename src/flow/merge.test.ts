import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Source,
  Cancelled,
  Queue,
  TaskCancelledError,
  TimeoutError,
  cancelScope,
  checkpoint,
  merge,
  moveOnAfter,
  now,
  shield,
  sleep,
  timeout,
} from "../index.ts";

/** Items with the time that each takes to come. */
async function* spaced(name: string, ms: number, count: number): AsyncGenerator<string> {
  for (let n = 0; n < count; n++) {
    await sleep(ms);
    yield `${name}${n}`;
  }
}

/** A source of what `give` returns, again and again. */
function giving<T>(give: () => Promise<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: await give() }) }) };
}

/** A source that tells how far it was read, and whether it was closed. */
class Counted {
  read = 0;
  closed = 0;
  readonly #end: number;

  constructor(end = Infinity) {
    this.#end = end;
  }

  [Symbol.iterator](): Iterator<number> {
    return {
      next: () => (this.read < this.#end ? { done: false, value: this.read++ } : { done: true, value: undefined }),
      return: () => ({ done: true, value: this.closed++ }),
    };
  }
}

test(
  "items come as their sources give them, until all are at their end",
  virtually(async () => {
    const seen: string[] = [];
    for await (const item of merge(spaced("a", 10, 2), spaced("b", 4, 3), ["c"])) seen.push(`${item} at ${now()}`);

    expect(seen).toEqual(["c at 0", "b0 at 4", "b1 at 8", "a0 at 10", "b2 at 12", "a1 at 20"]);
    expect(await Array.fromAsync(merge())).toEqual([]);
    expect(await Array.fromAsync(merge([], [], "x"))).toEqual(["x"]);
  }),
);

test(
  "no source crowds out another, however much it has",
  virtually(async () => {
    const [one, two] = [new Counted(), "abcdef"];
    const seen: unknown[] = [];
    for await (const item of merge(one, two)) {
      seen.push(item);
      if (seen.length === 10) break;
    }

    expect(seen).toEqual([0, "a", 1, "b", 2, "c", 3, "d", 4, "e"]);
  }),
);

test(
  "each source is read one item ahead and no further, and not before the first item is asked for",
  virtually(async () => {
    const sources = [new Counted(), new Counted()] as const;
    const stream = merge(...sources);
    await loopTurns(2);
    expect(sources.map(({ read }) => read)).toEqual([0, 0]);
    await stream.next();
    await sleep(5);
    expect(sources.map(({ read }) => read)).toEqual([2, 1]);
    await stream.next();
    await stream.next();
    await sleep(5);
    expect(sources.map(({ read }) => read)).toEqual([3, 2]);
    await stream.return();
    expect(sources.map(({ closed }) => closed)).toEqual([1, 1]);
  }),
);

test(
  "one source that fails ends the others and closes them; what was read comes before the error",
  virtually(async (root) => {
    const error = new Error("source");
    const other = new Counted();
    const failing = async function* (): AsyncGenerator<string> {
      yield "last";
      throw error;
    };
    const log: unknown[] = [];
    const cut = giving(async () => {
      try {
        return await sleep(Infinity);
      } catch (thrown) {
        log.push((thrown as Cancelled).reason);
        throw thrown;
      }
    });
    const stream = merge(failing(), other, cut);
    const seen: unknown[] = [];
    const reading = async (): Promise<void> => {
      for await (const item of stream) {
        seen.push(item);
        await sleep(5);
      }
    };

    expect(await thrownBy(reading())).toBe(error);
    expect(seen).toEqual([0, 1, "last", 2]);
    expect(other.closed).toBe(1);
    expect(log).toEqual([{ kind: "sibling-failed", task: "a source of merge", error }]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "errors of several sources come together, those of closing included",
  virtually(async () => {
    const [first, second, closing] = [new Error("first"), new Error("second"), new Error("closing")];
    const fails = giving(async () => {
      await sleep(1);
      throw first;
    });
    const failsWhenCut = giving(async () => {
      await thrownBy(sleep(Infinity));
      throw second;
    });
    const failsToClose = function* (): Generator<number> {
      try {
        for (;;) yield 1;
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- sources may do so
        throw closing;
      }
    };
    const reading = async (): Promise<void> => {
      for await (const _ of merge(fails, failsWhenCut, failsToClose())) await sleep(5);
    };
    const thrown = (await thrownBy(reading())) as Error & { suppressed: unknown[] };

    expect(thrown).toBe(first);
    expect(new Set(thrown.suppressed)).toEqual(new Set([second, closing]));
  }),
);

test(
  "a source that cannot be read ends the others",
  virtually(async (root) => {
    const other = new Counted();

    expect(await thrownBy(Array.fromAsync(merge(other, 5 as unknown as number[])))).toBeInstanceOf(TypeError);
    expect(other.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "leaving the loop closes all sources in order, and disposes of items that were not given",
  virtually(async (root) => {
    const log: string[] = [];
    const source = async function* (name: string, ms: number): AsyncGenerator<Disposable> {
      try {
        for (;;) yield { [Symbol.dispose]: () => log.push(`${name} disposed`) };
      } finally {
        await sleep(ms);
        log.push(`${name} closed at ${now()}`);
      }
    };
    for await (const _ of merge(source("a", 5), source("b", 3))) {
      await sleep(1);
      break;
    }

    expect(log).toEqual(["b closed at 4", "a closed at 6", "b disposed", "a disposed"]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "leaving the loop waits for no source that owes an item and can be closed",
  virtually(async () => {
    const sockets = [new PassThrough({ objectMode: true }), new PassThrough({ objectMode: true })];
    sockets[1]!.write("hello");
    for await (const item of merge(...(sockets as Source<string>[]))) {
      expect(item).toBe("hello");
      break;
    }

    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  }),
);

test(
  "cancelled, it closes all sources first, and has the items for whoever still asks",
  virtually(async (root) => {
    const queues = [new Queue<string>(), new Queue<string>()] as const;
    const log: string[] = [];
    for (const item of ["a", "b"]) for (const queue of queues) queue.tryPut(item);
    await moveOnAfter(5, async () => {
      const stream = merge(...queues);
      try {
        for await (const item of stream) {
          log.push(item);
          if (log.length === 2) await sleep(10);
        }
      } finally {
        await shield(async () => {
          for await (const item of stream) log.push(`flushed ${item}`);
        });
      }
    }).catch(() => {});

    expect(log).toEqual(["a", "a"]);
    expect(queues.map(({ size }) => size)).toEqual([0, 0]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a reader outside the scope of the stream learns that it was cut",
  virtually(async () => {
    const stream = merge(spaced("a", 1, 5));
    await cancelScope(async (scope) => {
      await stream.next();
      scope.cancel("no more");
    });

    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
  }),
);

test(
  "merged streams can be merged",
  virtually(async () => {
    const inner = merge(spaced("a", 2, 2), spaced("b", 3, 2));
    const seen: string[] = [];
    for await (const item of merge(inner, spaced("c", 5, 1))) seen.push(item);

    expect(seen).toEqual(["a0", "b0", "a1", "c0", "b1"]);
  }),
);

test("endless sources that never wait do not hold the loop", async () => {
  const reading = timeout(20, async () => {
    for await (const _ of merge(new Counted(), new Counted()));
  });

  expect(await thrownBy(reading)).toBeInstanceOf(TimeoutError);
});

test("works outside any run", async () => {
  expect(await Array.fromAsync(merge([1, 2], "a"))).toEqual([1, "a", 2]);
});

test(
  "sources after one whose first read leaves the stream are not opened",
  virtually(async () => {
    const never = new Counted();
    const leaving: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next() {
          void stream.return(undefined);
          return { done: true, value: undefined };
        },
      }),
    };
    const stream: AsyncGenerator<number> = merge(leaving, never);

    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
    expect(never.read).toBe(0);
  }),
);

test(
  "a source that fails at once closes those after it",
  virtually(async () => {
    const error = new Error("no");
    const failing: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next() {
          throw error;
        },
      }),
    };
    const other = new Counted();

    expect(await thrownBy(Array.fromAsync(merge(failing, other)))).toBe(error);
    expect(other.closed).toBe(1);
  }),
);

test(
  "what was read can still be had when a source meets the cancellation again while it is closed",
  virtually(async () => {
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: "a" }),
        return: () => checkpoint().then(() => ({ done: true, value: undefined })),
      }),
    };
    await cancelScope(async (scope) => {
      const stream = merge(source);
      await stream.next();
      await loopTurns();
      scope.cancel();

      expect(await thrownBy(stream.next())).toBeInstanceOf(Cancelled);
      await shield(async () => {
        expect(await stream.next()).toEqual({ done: false, value: "a" });
        expect(await stream.next()).toEqual({ done: true, value: undefined });
      });
    });
  }),
);
