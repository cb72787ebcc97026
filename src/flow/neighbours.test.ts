/** Bugs that other libraries had, and that must not be ours. Each test is named for the bug. */
import { EventEmitter, on } from "node:events";
import { describe, expect, test } from "vitest";
import { loopTurns, never, thrownBy, virtually, warningsOf, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Source,
  any,
  asCompleted,
  batch,
  cancelScope,
  gather,
  hedge,
  interruptible,
  map,
  mapStream,
  merge,
  moveOnAfter,
  now,
  race,
  retry,
  settle,
  shield,
  sleep,
  taskGroup,
  throttle,
  timeout,
} from "../index.ts";
import { expectNoLeaks } from "../testing/index.ts";

const shortLived = async (): Promise<object> => {
  await loopTurns();
  return { text: "x".repeat(1_000) };
};

const longLived = () => interruptible(never);

const winner = async (): Promise<number> => {
  await sleep(1);
  return 1;
};

const loser = async (): Promise<never> => {
  await thrownBy(sleep(Infinity));
  await shield(() => sleep(5));
  throw new Error("lost");
};

const refuse = (): Promise<never> => Promise.reject(new Error("first"));

/** So many numbers, each after its time. */
async function* numbers(count: number, ms: (n: number) => number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    await sleep(ms(n));
    yield n;
  }
}

test(
  "an aborted retry sleeps its wait to the end, and may even try again (p-retry, SDKs with retries)",
  virtually(async () => {
    let calls = 0;
    const fail = (): never => {
      calls++;
      throw new Error("no");
    };
    await expectNoLeaks(() =>
      cancelScope(async (scope) => {
        const retrying = thrownBy(retry(fail, { backoff: () => 60_000 }));
        await sleep(5);
        scope.cancel();
        await retrying;
      }),
    );

    expect(now()).toBe(5);
    expect(calls).toBe(1);
  }),
);

test(
  "a slot is freed while the work that timed out still runs (p-map with p-timeout)",
  virtually(async () => {
    let [running, peak] = [0, 0];
    const work = async (): Promise<void> => {
      peak = Math.max(peak, ++running);
      try {
        await sleep(1_000);
      } finally {
        await shield(() => sleep(50));
        running--;
      }
    };
    const timed = (): Promise<unknown> => thrownBy(timeout(10, work));
    await map([1, 2, 3, 4], timed, { concurrency: 2 });
    await Array.fromAsync(mapStream([1, 2, 3, 4], timed, { concurrency: 2 }));

    expect(peak).toBe(2);
    expect(now()).toBe(240);
  }),
);

describe("what was raced against a promise that lives long is kept as long as that (Promise.race)", () => {
  const contests: Record<string, () => Promise<unknown>> = {
    race: () => race([shortLived, longLived]),
    any: () => any([shortLived, longLived]),
    hedge: () => hedge((attempt) => (attempt === 1 ? longLived() : shortLived()), { afterMs: 0 }),
    timeout: () => timeout(0.1, () => race([shortLived, longLived])).catch((error: unknown) => error),
    moveOnAfter: () => moveOnAfter(1, longLived),
    asCompleted: async () => {
      for await (const completion of asCompleted([shortLived, longLived])) return completion;
      return undefined;
    },
    merge: async () => {
      const stalled = { [Symbol.asyncIterator]: () => ({ next: () => interruptible(never) }) };
      for await (const item of merge([await shortLived()], stalled)) return item;
      return undefined;
    },
  };

  test.for(Object.entries(contests))("%s", async ([, contest]) => {
    const results: WeakRef<object>[] = [];
    for (let count = 0; count < 20; count++) {
      const result = await contest();
      if (typeof result === "object" && result !== null) results.push(new WeakRef(result));
    }
    // What a WeakRef was made of lives until the turn is over.
    await loopTurns(2);
    globalThis.gc!();

    // The last ones may still be in a register, or in the promise that was made last.
    expect(results.filter((result) => result.deref() !== undefined).length).toBeLessThanOrEqual(3);
  });
});

test("listeners on a signal or an emitter pile up (calls that are given the signal of something long-lived)", async () => {
  const emitter = new EventEmitter();
  const heard = (signal: AbortSignal): Promise<unknown> => on(emitter, "event", { signal }).next();
  const warnings = await warningsOf(() =>
    expectNoLeaks(async (scope) => {
      void scope.signal;
      for (let count = 0; count < 20; count++) {
        await race([() => loopTurns(), () => interruptible(heard)]);
        await hedge((attempt) => (attempt === 1 ? interruptible(heard) : loopTurns()), { afterMs: 0 });
        for await (const _ of merge([1], on(emitter, "event"))) break;
      }
    }),
  );

  expect(warnings).toEqual([]);
  expect(emitter.listenerCount("event")).toBe(0);
});

describe("sources are not closed when the reader leaves early (parallelMerge, mergeiterator, it-merge)", () => {
  const streams: Record<string, (source: Source<number>) => AsyncIterable<unknown>> = {
    mapStream: (source) => mapStream(source, (n) => n, { concurrency: 3 }),
    "mapStream as completed": (source) => mapStream(source, (n) => n, { concurrency: 3, ordered: false }),
    batch: (source) => batch(source, { size: 2 }),
    merge: (source) => merge(source, [1, 2, 3], [4, 5, 6]),
    throttle: (source) => throttle(source, { everyMs: 1 }),
  };
  const no = new Error("no");
  const ways: Record<string, (stream: AsyncIterable<unknown>) => Promise<unknown>> = {
    "by a break": async (stream) => {
      for await (const _ of stream) break;
    },
    "by an error": async (stream) => {
      for await (const _ of stream) throw no;
    },
    "by a cancellation": async (stream) => {
      for await (const _ of stream) await sleep(10);
    },
    "without a word": (stream) => stream[Symbol.asyncIterator]().next(),
    "within another stream": async (stream) => {
      for await (const _ of mapStream(stream, (n) => n, { concurrency: 1 })) break;
    },
  };
  const cases = Object.keys(streams).flatMap((stream) => Object.keys(ways).map((way) => [stream, way] as const));

  test.for(cases)("%s, left %s", ([stream, way]) =>
    virtually(async (root) => {
      let [opened, closed] = [0, 0];
      const source = async function* (): AsyncGenerator<number> {
        opened++;
        try {
          for (let n = 0; ; n++) {
            await sleep(1);
            yield n;
          }
        } finally {
          closed++;
        }
      };
      await moveOnAfter(25, () => ways[way]!(streams[stream]!(source()))).catch(() => {});

      expect([opened, closed]).toEqual([1, 1]);
      expect(whatIsLeft(root)).toEqual([]);
    })(),
  );
});

describe("what loses a race fails later, and nobody handles it (Promise.race, Promise.any)", () => {
  const contests: Record<string, () => Promise<unknown>> = {
    race: () => race([winner, loser]),
    any: () => any([winner, loser]),
    hedge: () => hedge((attempt) => (attempt === 1 ? loser() : winner()), { afterMs: 1 }),
    asCompleted: () => asCompleted([winner, loser]).next(),
    gather: () => gather([refuse, loser, refuse]),
    settle: () => settle([refuse, refuse]),
    map: () => map([winner, refuse, loser], (fn) => fn(), { concurrency: 3 }),
    mapStream: () => mapStream([winner, loser], (fn) => fn(), { concurrency: 2 }).next(),
  };

  test.for(Object.entries(contests))("%s", async ([, contest]) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    await virtually(() => taskGroup(contest).catch(() => {}))();
    await loopTurns(3);
    process.off("unhandledRejection", note);

    expect(unhandled).toEqual([]);
  });
});

describe("the source is read ahead of the work (p-map, pMapIterable)", () => {
  class Counted {
    read = 0;

    *[Symbol.iterator](): Generator<number> {
      for (;;) yield this.read++;
    }
  }

  test(
    "map reads an item when a call can start, and not before",
    virtually(async () => {
      for (const isAsync of [false, true]) {
        const source = new Counted();
        const items = isAsync ? mapStream(source, (n) => n, { concurrency: 1 }) : source;
        let started = 0;
        const work = async (): Promise<void> => {
          started++;
          await sleep(10);
        };
        await moveOnAfter(25, () => map<number, void>(items, work, { concurrency: 3 }));
        // A stream is itself one item ahead.
        expect(source.read).toBeLessThanOrEqual(started + (isAsync ? 2 : 1));
        expect(started).toBe(9);
      }
    }),
  );

  test(
    "and no more calls run than allowed, although more results may wait to be read",
    virtually(async () => {
      let [running, peak] = [0, 0];
      const stream = mapStream(
        numbers(6, () => 0),
        async (n) => {
          peak = Math.max(peak, ++running);
          await sleep(10);
          running--;
          return n;
        },
        { concurrency: 2 },
      );
      for await (const _ of stream) await sleep(3);

      expect(peak).toBe(2);
    }),
  );
});

test("a source that never gives fills the memory while others do (merging by Promise.race)", async () => {
  const stalled = { [Symbol.asyncIterator]: () => ({ next: () => interruptible(never) }) };
  const items = Array(50_000).keys();
  let count = 0;
  let bytesBefore = 0;
  await loopTurns();
  for await (const _ of merge(items, stalled)) {
    if (++count === 1_000) {
      globalThis.gc!();
      bytesBefore = process.memoryUsage().heapUsed;
    }
    if (count === 50_000) break;
  }
  globalThis.gc!();

  // A promise for each would be more than five times as much.
  expect(process.memoryUsage().heapUsed - bytesBefore).toBeLessThan(1_000_000);
});

test(
  "what is cut off by a time limit is an item lost (a timeout around each read of a queue)",
  virtually(async () => {
    const batches = await Array.fromAsync(
      batch(
        numbers(20, (n) => n % 5),
        { size: 100, withinMs: 3 },
      ),
    );

    expect(batches.flat()).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(batches.length).toBeGreaterThan(5);
  }),
);
