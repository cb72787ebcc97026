import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Limiter,
  type Permit,
  type Scope,
  Cancelled,
  Semaphore,
  TimeoutError,
  cancelScope,
  checkpoint,
  interruptible,
  map,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

const double = (n: number): number => n * 2;

/** Counts what runs, and the most that ever did. */
class Gauge {
  running = 0;
  peak = 0;

  async run(ms: number): Promise<void> {
    this.peak = Math.max(this.peak, ++this.running);
    try {
      await sleep(ms);
    } finally {
      this.running--;
    }
  }
}

/** A source that tells what is done with it. */
class Probe<T> {
  read = 0;
  closed = 0;
  readonly #items: readonly T[];

  constructor(items: readonly T[]) {
    this.#items = items;
  }

  [Symbol.iterator](): Iterator<T> {
    return {
      next: () => {
        this.read++;
        return this.read <= this.#items.length
          ? { done: false, value: this.#items[this.read - 1] as T }
          : { done: true, value: undefined };
      },
      return: () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}

function* oneToThree(): Generator<number> {
  yield* [1, 2, 3];
}

async function* slowly<T>(items: readonly T[], ms: number): AsyncGenerator<T> {
  for (const item of items) {
    await sleep(ms);
    yield item;
  }
}

/** Both ways to say how much runs at once. */
const bounds = [
  ["concurrency", (n: number) => ({ concurrency: n })],
  ["limiter", (n: number) => ({ limiter: new Semaphore(n) as Limiter })],
] as const;

test.for(bounds)("with %s, results come in the order of the items, whichever ends first", ([, bound]) =>
  virtually(async () => {
    const results = await map([30, 10, 20], async (ms, index) => (await sleep(ms), `${index}:${ms}`), bound(3));

    expect(results).toEqual(["0:30", "1:10", "2:20"]);
    expect(now()).toBe(30);
  })(),
);

test.for(bounds)("with %s, every kind of source is read: arrays, strings, sets, generators, async ones", ([, bound]) =>
  virtually(async () => {
    expect(await map([1, 2, 3], double, bound(2))).toEqual([2, 4, 6]);
    expect(await map("abc", (letter) => letter.toUpperCase(), bound(2))).toEqual(["A", "B", "C"]);
    expect(await map(new Set([1, 2]), double, bound(2))).toEqual([2, 4]);
    expect(await map(new Map([["a", 1]]), ([key, value]) => key + value, bound(2))).toEqual(["a1"]);
    expect(await map(oneToThree(), double, bound(2))).toEqual([2, 4, 6]);
    expect(await map(slowly([1, 2, 3], 5), double, bound(2))).toEqual([2, 4, 6]);
    expect(await map([], double, bound(2))).toEqual([]);
    expect(await map([undefined, null], (item) => item, bound(2))).toEqual([undefined, null]);
  })(),
);

test.for(bounds)("with %s, no more calls run at once than allowed, and no fewer while there are items", ([, bound]) =>
  virtually(() =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 25 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        async (durations, concurrency, isAsync) => {
          const gauge = new Gauge();
          const source = isAsync ? slowly(durations, 0) : durations;
          const results = await map(source, async (ms) => (await gauge.run(ms), ms), bound(concurrency));

          expect(results).toEqual(durations);
          expect(gauge.peak).toBe(Math.min(concurrency, durations.length));
        },
      ),
      times(40),
    ),
  )(),
);

test.for(bounds)(
  "with %s, the first failure cancels the other calls, and is thrown when they have ended",
  ([, bound]) =>
    virtually(async () => {
      const [error, later] = [new Error("no"), new Error("later")];
      const log: unknown[] = [];
      const thrown = await thrownBy(
        map(
          [1, 2, 3, 4, 5],
          async (n, _index, scope) => {
            log.push(n);
            if (n === 2) {
              await sleep(5);
              throw error;
            }
            try {
              await sleep(Infinity);
            } finally {
              log.push(scope.cancelled?.kind);
              await shield(() => sleep(10));
              // oxlint-disable-next-line no-unsafe-finally -- that an error of the cleanup is kept is tested
              if (n === 3) throw later;
            }
          },
          bound(3),
        ),
      );

      expect(thrown).toBe(error);
      expect(thrown).toHaveProperty("suppressed", [later]);
      expect(log).toEqual([1, 2, 3, "sibling-failed", "sibling-failed"]);
      expect(now()).toBe(15);
    })(),
);

test.for(bounds)("with %s, a function that throws before its first await fails as any other", ([, bound]) =>
  virtually(async () => {
    const error = new Error("no");
    const calls: number[] = [];
    const running = map(
      [1, 2, 3],
      (n) => {
        calls.push(n);
        throw error;
      },
      bound(1),
    );

    expect(await thrownBy(running)).toBe(error);
    expect(calls).toEqual([1]);
  })(),
);

test.for(bounds)("with %s, a failure leaves the rest of the source unread, and closes it once", ([, bound]) =>
  virtually(async () => {
    const source = new Probe([1, 2, 3, 4, 5, 6, 7, 8]);
    await thrownBy(
      map(
        source,
        async (n) => {
          await sleep(n === 2 ? 1 : 5);
          throw new Error("no");
        },
        bound(3),
      ),
    );

    // With a limiter the next item is read when a permit is free, so none is either way.
    expect([source.read, source.closed]).toEqual([3, 1]);
  })(),
);

test.for(bounds)("with %s, a source that is read to its end is not closed", ([, bound]) =>
  virtually(async () => {
    const source = new Probe([1, 2]);
    await map(source, double, bound(5));

    expect(source.closed).toBe(0);
  })(),
);

test.for(bounds)("with %s, an error of the source fails the map, when the calls that run have ended", ([, bound]) =>
  virtually(async () => {
    const error = new Error("source");
    const log: unknown[] = [];
    const sources = [
      function* (): Generator<number> {
        yield 1;
        throw error;
      },
      async function* (): AsyncGenerator<number> {
        yield 1;
        await sleep(1);
        throw error;
      },
    ];
    for (const source of sources) {
      const running = map(
        source(),
        async (_n, _index, scope) => {
          await thrownBy(sleep(Infinity));
          log.push(scope.cancelled?.kind);
        },
        bound(3),
      );
      expect(await thrownBy(running)).toBe(error);
    }

    expect(log).toEqual(["sibling-failed", "sibling-failed"]);
  })(),
);

test.for(bounds)("with %s, a sync source that throws is not asked again", ([, bound]) =>
  virtually(async () => {
    let asked = 0;
    let closed = 0;
    const broken: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next(): never {
          asked++;
          throw new Error("source");
        },
        return: () => ({ done: true, value: closed++ }),
      }),
    };

    await expect(map(broken, double, bound(3))).rejects.toThrow("source");
    expect([asked, closed]).toEqual([1, 0]);
  })(),
);

test.for(bounds)("with %s, a source that cannot be read is refused, and no scope is left", ([, bound]) =>
  virtually(async (root) => {
    const error = new Error("no iterator");
    const throwing: Iterable<number> = {
      [Symbol.iterator](): never {
        throw error;
      },
    };

    expect(await thrownBy(map(5 as unknown as number[], double, bound(1)))).toBeInstanceOf(TypeError);
    expect(await thrownBy(map(undefined as unknown as number[], double, bound(1)))).toBeInstanceOf(TypeError);
    expect(await thrownBy(map(throwing, double, bound(1)))).toBe(error);
    expect(whatIsLeft(root)).toEqual([]);
  })(),
);

test.for(bounds)(
  "with %s, an error of closing the source is thrown, or suppressed by the failure before",
  ([, bound]) =>
    virtually(async () => {
      const [error, closing] = [new Error("call"), new Error("closing")];
      const source = function* (): Generator<number> {
        try {
          yield 1;
          yield 2;
        } finally {
          // oxlint-disable-next-line no-unsafe-finally -- sources may do so
          throw closing;
        }
      };
      const thrown = await thrownBy(map(source(), () => Promise.reject(error), bound(1)));

      expect(thrown).toBe(error);
      expect(thrown).toHaveProperty("suppressed", [closing]);
    })(),
);

test.for(bounds)(
  "with %s, a cancellation from around cuts the calls, waits for them, and starts no more",
  ([, bound]) =>
    virtually(async () => {
      const log: unknown[] = [];
      let thrown: unknown;
      await cancelScope(async (scope) => {
        scope.deadline = 5;
        thrown = await thrownBy(
          map(
            [1, 2, 3, 4],
            async (n) => {
              log.push(n);
              try {
                await sleep(Infinity);
              } finally {
                await shield(() => sleep(10));
                log.push(`${n} ended`);
              }
            },
            bound(2),
          ),
        );
      });

      expect(thrown).toBeInstanceOf(Cancelled);
      expect(new Set(log)).toEqual(new Set([1, 2, "1 ended", "2 ended"]));
      expect(now()).toBe(15);
    })(),
);

test.for(bounds)("with %s, results that are complete are returned although the scope was cancelled", ([, bound]) =>
  virtually(async () => {
    const results = await cancelScope((scope) =>
      map(
        [1, 2, 3],
        async (n) => {
          await shield(() => sleep(n));
          if (n === 3) scope.cancel();
          return n;
        },
        bound(3),
      ),
    );

    expect(results).toEqual([1, 2, 3]);
  })(),
);

test.for(bounds)("with %s, in a cancelled scope nothing is called", ([, bound]) =>
  virtually(async () => {
    const calls: number[] = [];
    let thrown: unknown;
    let empty: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(map([1, 2], (n) => calls.push(n), bound(2)));
      empty = await map([], (n) => n, { concurrency: 2 });
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(calls).toEqual([]);
    expect(empty).toEqual([]);
  })(),
);

test.for(bounds)("with %s, an item that arrives after the cancellation starts no call", ([, bound]) =>
  virtually(async () => {
    const calls: number[] = [];
    let closed = 0;
    const source = async function* (): AsyncGenerator<number> {
      try {
        yield 1;
        await shield(() => sleep(50));
        yield 2;
      } finally {
        closed++;
      }
    };
    const value = await moveOnAfter(10, () => map(source(), (n) => calls.push(n), bound(2)));

    expect(value).toBeUndefined();
    expect(calls).toEqual([1]);
    expect(closed).toBe(1);
    expect(now()).toBe(50);
  })(),
);

test("a permit that is granted when the cancellation has come is given back, and nothing is read for it", () =>
  virtually(async () => {
    const semaphore = new Semaphore(1);
    const source = new Probe([1, 2, 3]);
    await cancelScope(async (scope) => {
      using permit = await semaphore.acquire();
      const mapping = thrownBy(map(source, double, { limiter: semaphore }));
      await checkpoint();
      // Granted first, cancelled then, and received after both: value first.
      permit.release();
      scope.cancel();
      expect(await mapping).toBeInstanceOf(Cancelled);
    });

    // One look tells that something was left.
    expect(source.read).toBeLessThanOrEqual(1);
    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
  })());

test.for(bounds)("with %s, a call that cancels the scope it is given cuts the whole map", ([, bound]) =>
  virtually(async (root) => {
    const thrown = await thrownBy(
      map(
        [1, 2],
        async (n, _index, scope: Scope) => {
          if (n === 2) scope.cancel("enough");
          await sleep(1);
          return n;
        },
        bound(2),
      ),
    );

    expect(thrown).toBeInstanceOf(Cancelled);
    expect((thrown as Cancelled).reason).toEqual({ kind: "requested", why: "enough" });
    expect(whatIsLeft(root)).toEqual([]);
  })(),
);

test.for(bounds)(
  "with %s, a cancellation in the middle of a source that throws when asked waits for all calls",
  ([, bound]) =>
    virtually(async (root) => {
      const error = new Error("source");
      let ended = 0;
      const source: Iterable<number> = {
        [Symbol.iterator]: () => {
          let n = 0;
          return {
            next: () => {
              if (n === 1) throw error;
              return { done: false, value: ++n };
            },
          };
        },
      };
      const thrown = await thrownBy(
        cancelScope((scope) =>
          map(
            source,
            async () => {
              scope.cancel();
              await shield(() => sleep(10));
              ended++;
            },
            bound(3),
          ),
        ),
      );

      expect(thrown).toBe(error);
      expect(ended).toBe(1);
      expect(whatIsLeft(root)).toEqual([]);
    })(),
);

test.for(bounds)("with %s, calls may spawn, time out and map in turn", ([, bound]) =>
  virtually(async () => {
    const results = await map(
      [1, 2],
      (n) =>
        timeout(100, () =>
          taskGroup(async (group) => {
            const task = group.spawn(() => map([n, n + 1], async (m) => (await sleep(m), m), bound(2)));
            return task.join();
          }),
        ),
      bound(2),
    );

    expect(results).toEqual([
      [1, 2],
      [2, 3],
    ]);
  })(),
);

test(
  "a call that is cut by a timeout of its own fails the map as any error does",
  virtually(async () => {
    const thrown = await thrownBy(map([5, 50], (ms) => timeout(10, () => sleep(ms)), { concurrency: 2 }));

    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(now()).toBe(10);
  }),
);

test.for([
  ["0", 0, RangeError],
  ["a fraction", 1.5, RangeError],
  ["NaN", NaN, RangeError],
  ["a string", "2", TypeError],
  ["undefined", undefined, TypeError],
] as const)("a concurrency of %s is refused, and the source is left alone", ([, concurrency, Kind]) =>
  virtually(async () => {
    const source = new Probe([1]);
    const thrown = await thrownBy(map(source, double, { concurrency: concurrency as number }));

    expect(thrown).toBeInstanceOf(Kind);
    expect((thrown as Error).message).toContain("Expected `concurrency` to be an integer of 1 or more");
    expect([source.read, source.closed]).toEqual([0, 0]);
  })(),
);

test(
  "a concurrency of Infinity starts all calls at once",
  virtually(async () => {
    const gauge = new Gauge();
    await map(Array(50).keys(), () => gauge.run(5), { concurrency: Infinity });

    expect(gauge.peak).toBe(50);
    expect(now()).toBe(5);
  }),
);

test(
  "calls of several maps share a limiter, which hears how each went",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    const gauge = new Gauge();
    await taskGroup((group) => {
      for (let n = 0; n < 3; n++) {
        group.spawn(() => map([1, 2, 3], async () => gauge.run(5), { limiter: semaphore }));
      }
    });

    expect(gauge.peak).toBe(2);
    expect(now()).toBe(25);
    expect(semaphore.statistics().inUse).toBe(0);
  }),
);

test(
  "an error of the limiter fails the map",
  virtually(async () => {
    const error = new Error("the circuit is open");
    const limiter: Limiter = {
      acquire: () => Promise.reject(error),
      tryAcquire: () => undefined,
      run: () => Promise.reject(error),
    };

    expect(await thrownBy(map([1], double, { limiter }))).toBe(error);
  }),
);

test(
  "an error of a permit fails the map",
  virtually(async () => {
    const error = new Error("report");
    const permit: Permit = {
      release() {},
      report() {
        throw error;
      },
      [Symbol.dispose]() {},
    };
    const limiter: Limiter = {
      acquire: () => Promise.resolve(permit),
      tryAcquire: () => permit,
      run: (fn) => Promise.resolve(fn()),
    };

    expect(await thrownBy(map([1], double, { limiter }))).toBe(error);
  }),
);

test(
  "cleanup of a source that waits is cancelled with the map, unless it is shielded",
  virtually(async () => {
    const log: string[] = [];
    const source = async function* (isShielded: boolean): AsyncGenerator<number> {
      try {
        yield 1;
        yield 2;
      } finally {
        const cleanUp = (): Promise<number> => sleep(5).then(() => log.push("cleaned up"));
        await (isShielded ? shield(cleanUp) : cleanUp());
        log.push("and went on");
      }
    };
    const error = new Error("no");
    const fails = (): Promise<never> => Promise.reject(error);

    expect(await thrownBy(map(source(false), fails, { concurrency: 1 }))).toBe(error);
    expect(log).toEqual([]);
    expect(await thrownBy(map(source(true), fails, { concurrency: 1 }))).toBe(error);
    expect(log).toEqual(["cleaned up", "and went on"]);
  }),
);

test(
  "an async source is read by one call at a time",
  virtually(async () => {
    let reading = 0;
    let peak = 0;
    let n = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          peak = Math.max(peak, ++reading);
          await sleep(1);
          reading--;
          return n < 10 ? { done: false, value: n++ } : { done: true, value: undefined };
        },
      }),
    };
    const results = await map(source, (item) => item, { concurrency: 4 });

    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(peak).toBe(1);
  }),
);

test(
  "a stalled source is waited for until it answers, and closed then",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<number>>();
    let closed = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => promise,
        return: () => Promise.resolve({ done: true, value: closed++ }),
      }),
    };
    let hasReturned = false;
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        await thrownBy(map(source, double, { concurrency: 2 }));
        hasReturned = true;
      });
      task.cancel();
      await loopTurns(2);
      expect(hasReturned).toBe(false);
      resolve({ done: false, value: 1 });
      await loopTurns(2);
      expect(hasReturned).toBe(true);
    });

    expect(closed).toBe(1);
  }),
);

test(
  "a source that should not hold up the end is made interruptible",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<number>>();
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => interruptible(promise) }),
    };
    let thrown: unknown;
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        thrown = await thrownBy(map(source, double, { concurrency: 2 }));
      });
      await loopTurns();
      task.cancel();
    });
    resolve({ done: true, value: undefined });

    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "a limited map that is cancelled while it reads an async source does not take that for its end",
  virtually(async () => {
    const source = {
      async *[Symbol.asyncIterator](): AsyncGenerator<number> {
        yield 1;
        await sleep(Infinity);
      },
    };
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.deadline = 5;
      thrown = await thrownBy(map(source, double, { limiter: new Semaphore(2) }));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

async function* oneAndTwo(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}

test(
  "cancelled when an async source has ended and its last calls return all the same, it returns their results",
  virtually(async () => {
    const results = await cancelScope((scope) => {
      scope.deadline = now() + 5;
      return map(oneAndTwo(), (n) => shield(() => sleep(10).then(() => n)), { concurrency: 3 });
    });

    expect(results).toEqual([1, 2]);
  }),
);
