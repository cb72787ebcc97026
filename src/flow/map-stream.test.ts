import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, virtually, warningsOf, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type ResultStream,
  Cancelled,
  ContextVar,
  Semaphore,
  TaskCancelledError,
  TimeoutError,
  cancelScope,
  checkpoint,
  mapStream,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

const afterItself = async (ms: number): Promise<number> => {
  await sleep(ms);
  return ms;
};

const slowToDispose = (log: string[], name: string): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    await checkpoint();
    log.push(name);
  },
});

/** Reads a stream to its end. */
async function all<R>(stream: AsyncIterable<R>): Promise<R[]> {
  const results: R[] = [];
  for await (const result of stream) results.push(result);
  return results;
}

async function* slowly<T>(items: readonly T[], ms: number): AsyncGenerator<T> {
  for (const item of items) {
    await sleep(ms);
    yield item;
  }
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

test(
  "results come in the order of the items, or with ordered: false as they are ready",
  virtually(async () => {
    const durations = [30, 10, 20];

    expect(await all(mapStream(durations, afterItself, { concurrency: 3 }))).toEqual([30, 10, 20]);
    expect(await all(mapStream(durations, afterItself, { concurrency: 3, ordered: false }))).toEqual([10, 20, 30]);
    expect(await all(mapStream(durations, afterItself, { concurrency: 2, ordered: false }))).toEqual([10, 30, 20]);
    expect(now()).toBe(90);
  }),
);

test(
  "every kind of source is read",
  virtually(async () => {
    const options = { concurrency: 2 };

    expect(await all(mapStream("ab", (letter) => letter, options))).toEqual(["a", "b"]);
    expect(await all(mapStream(new Set([1, 2]), (n) => n, options))).toEqual([1, 2]);
    expect(await all(mapStream(slowly([1, 2, 3], 5), afterItself, options))).toEqual([1, 2, 3]);
    expect(await all(mapStream([], afterItself, options))).toEqual([]);
    expect(await all(mapStream([undefined], (item) => item, options))).toEqual([undefined]);
    const inner = mapStream([1, 2, 3], afterItself, options);
    expect(await all(mapStream(inner, (n) => n * 2, options))).toEqual([2, 4, 6]);
  }),
);

test(
  "whatever the times of source, calls and reader: every item once, never more at once than allowed, never read ahead",
  virtually(() =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ call: fc.nat(8), reader: fc.nat(8) }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.nat(4),
        async (items, concurrency, ordered, sourceMs) => {
          let [read, delivered, running] = [0, 0, 0];
          const source = async function* (): AsyncGenerator<number> {
            for (const index of items.keys()) {
              await sleep(sourceMs);
              read++;
              expect(read - delivered).toBeLessThanOrEqual(concurrency);
              yield index;
            }
          };
          const results: number[] = [];
          const stream = mapStream(
            source(),
            async (index) => {
              expect(++running).toBeLessThanOrEqual(concurrency);
              await sleep(items[index]!.call);
              running--;
              return index;
            },
            { concurrency, ordered },
          );
          for await (const index of stream) {
            delivered++;
            results.push(index);
            await sleep(items[index]!.reader);
          }

          const everyItem = [...items.keys()];
          expect(ordered ? results : results.toSorted((a, b) => a - b)).toEqual(everyItem);
        },
      ),
      times(60),
    ),
  ),
);

test(
  "back-pressure: while nothing is read, no more than `concurrency` items are taken from the source",
  virtually(async () => {
    const source = new Endless();
    const stream = mapStream(source, (n) => n, { concurrency: 3 });
    await loopTurns(2);
    expect(source.read).toBe(0);
    expect((await stream.next()).value).toBe(0);
    await sleep(10);
    expect(source.read).toBe(4);
    expect((await stream.next()).value).toBe(1);
    await sleep(10);
    expect(source.read).toBe(5);
    await stream.return();
  }),
);

test(
  "leaving the loop cancels the calls and waits for them before the code after the loop goes on",
  virtually(async (root) => {
    const log: unknown[] = [];
    const source = new Endless();
    const stream = mapStream(
      source,
      async (n, _index, scope) => {
        if (n === 0) return n;
        try {
          await sleep(Infinity);
        } finally {
          log.push(scope.cancelled?.kind);
          await shield(() => sleep(5));
          log.push(`${n} ended`);
        }
        return n;
      },
      { concurrency: 2 },
    );
    for await (const result of stream) {
      log.push(result);
      await sleep(1);
      break;
    }
    log.push("after the loop");

    expect(log).toEqual([0, "unneeded", "unneeded", expect.any(String), expect.any(String), "after the loop"]);
    expect(source.closed).toBe(1);
    expect(now()).toBe(6);
    expect(whatIsLeft(root)).toEqual([]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "an error thrown in the loop tears down as break does",
  virtually(async (root) => {
    const source = new Endless();
    const error = new Error("reader");
    const reading = async (): Promise<void> => {
      for await (const n of mapStream(source, (item) => item, { concurrency: 2 })) if (n === 3) throw error;
    };

    expect(await thrownBy(reading())).toBe(error);
    expect(source.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "when a call fails the others are cancelled, and what was ready is yielded before the error is thrown",
  virtually(async () => {
    const [error, later] = [new Error("no"), new Error("later")];
    const stream = mapStream(
      [0, 1, 2, 3],
      async (n) => {
        if (n < 2) return n;
        if (n === 2) await sleep(5);
        else await thrownBy(sleep(Infinity));
        throw n === 2 ? error : later;
      },
      { concurrency: 4 },
    );
    await sleep(10);
    const read: unknown[] = [];
    const thrown = await thrownBy(
      (async () => {
        for await (const n of stream) {
          read.push(n);
          await sleep(10);
        }
      })(),
    );

    expect(read).toEqual([0, 1]);
    expect(thrown).toBe(error);
    expect(thrown).toHaveProperty("suppressed", [later]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "an error of the source is thrown after the results that were ready",
  virtually(async () => {
    const error = new Error("source");
    const source = function* (): Generator<number> {
      yield 1;
      throw error;
    };
    const stream = mapStream(source(), (n) => n, { concurrency: 3 });

    expect(await stream.next()).toEqual({ done: false, value: 1 });
    expect(await thrownBy(stream.next())).toBe(error);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "an error of closing the source comes after that of the call",
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
    const thrown = await thrownBy(all(mapStream(source(), () => Promise.reject(error), { concurrency: 1 })));

    expect(thrown).toBe(error);
    expect(thrown).toHaveProperty("suppressed", [closing]);
  }),
);

test(
  "a source that cannot be read fails the first next",
  virtually(async (root) => {
    const stream = mapStream(5 as unknown as number[], (n) => n, { concurrency: 1 });

    expect(await thrownBy(stream.next())).toBeInstanceOf(TypeError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "the stream belongs to the scope of its first next, not to the one it was made in",
  virtually(async () => {
    let stream!: ResultStream<number>;
    await cancelScope((scope) => {
      stream = mapStream([1, 2], (n) => n, { concurrency: 1 });
      scope.cancel();
    });

    expect(await all(stream)).toEqual([1, 2]);
  }),
);

test(
  "a stream that nobody reads to its end is dismissed when its scope ends, and waited for",
  virtually(async (root) => {
    const source = new Endless();
    const log: string[] = [];
    let stream!: ResultStream<number>;
    await cancelScope(async () => {
      stream = mapStream(
        source,
        async (n) => {
          if (n === 0) return n;
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(5));
            log.push("call ended");
          }
          return n;
        },
        { concurrency: 2 },
      );
      await stream.next();
    });
    log.push("scope ended");

    expect(log).toEqual(["call ended", "call ended", "scope ended"]);
    expect(source.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "a reader outside learns why the stream was cut, although its scope has ended",
  virtually(async () => {
    let stream!: ResultStream<number>;
    await cancelScope(async (scope) => {
      stream = mapStream([1, 2, 3], (n) => n, { concurrency: 1 });
      await stream.next();
      scope.cancel("no more");
      await loopTurns(2);
    });
    const thrown = await thrownBy(stream.next());

    expect(thrown).toBeInstanceOf(TaskCancelledError);
    expect(thrown).toMatchObject({ task: "mapStream", reason: { kind: "requested", why: "no more" } });
  }),
);

test(
  "cancelling the reader tears the stream down before the cancellation goes on",
  virtually(async (root) => {
    const source = new Endless();
    const log: string[] = [];
    await moveOnAfter(10, async () => {
      try {
        const stream = mapStream(
          source,
          async () => {
            try {
              await sleep(Infinity);
            } finally {
              await shield(() => sleep(5));
              log.push("call ended");
            }
          },
          { concurrency: 2 },
        );
        for await (const _ of stream) log.push("not here");
      } finally {
        log.push("loop left");
      }
    });

    expect(log).toEqual(["call ended", "call ended", "loop left"]);
    expect(now()).toBe(15);
    expect(source.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a timeout around one next ends the whole stream",
  virtually(async () => {
    const source = new Endless();
    const stream = mapStream(source, () => sleep(100), { concurrency: 1 });
    await expect(timeout(10, () => stream.next())).rejects.toThrow("did not end within 10 ms");

    expect(source.closed).toBe(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "several readers share the results: each goes to one of them, in the order of asking",
  virtually(async () => {
    const stream = mapStream([1, 2, 3], afterItself, { concurrency: 1 });
    const reads = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next(), stream.next()]);

    expect(reads).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: false, value: 3 },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  }),
);

test(
  "of several readers one gets the error, and the others learn that it is over",
  virtually(async () => {
    const error = new Error("no");
    const stream = mapStream(
      [1],
      async () => {
        await sleep(5);
        throw error;
      },
      { concurrency: 1 },
    );
    const reads = await Promise.allSettled([stream.next(), stream.next()]);

    expect(reads).toEqual([
      { status: "rejected", reason: error },
      { status: "fulfilled", value: { done: true, value: undefined } },
    ]);
  }),
);

test(
  "when one of several readers is cancelled, the others learn that the stream was",
  virtually(async () => {
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      const stream = mapStream([1], () => sleep(Infinity), { concurrency: 1 });
      const first = group.spawn(() => stream.next());
      group.spawn(async () => {
        log.push(await thrownBy(stream.next()));
        log.push(await stream.next());
      });
      await sleep(5);
      first.cancel();
    });

    expect(log).toEqual([expect.any(TaskCancelledError), { done: true, value: undefined }]);
  }),
);

test(
  "a result that meets a cancellation of its reader is received or the stream is torn down, never lost in between",
  virtually(async () => {
    const outcomes = new Set<unknown>();
    for (let ticks = 0; ticks < 12; ticks++) {
      const gate = Promise.withResolvers<Disposable>();
      let isDisposed = false;
      let outcome: unknown;
      await cancelScope(async (scope) => {
        const reading = mapStream([1], () => gate.promise, { concurrency: 1 }).next();
        await checkpoint();
        gate.resolve({ [Symbol.dispose]: () => (isDisposed = true) });
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        scope.cancel();
        outcome = await reading.then(
          ({ value }) => (isDisposed || value === undefined ? "received what was disposed" : "received"),
          () => (isDisposed ? "torn down" : "lost"),
        );
      });
      outcomes.add(outcome);
    }

    expect(outcomes).toEqual(new Set(["torn down", "received"]));
  }),
);

test.for([true, false])(
  "a call that cancels its own task fails the stream with a TaskCancelledError, ordered: %s",
  (ordered) =>
    virtually(async () => {
      const stream = mapStream(
        [1, 2],
        async (n, _index, scope) => {
          if (n === 1) scope.cancel("not this one");
          await sleep(1);
          return n;
        },
        { concurrency: 1, ordered },
      );
      const thrown = await thrownBy(stream.next());

      expect(thrown).toBeInstanceOf(TaskCancelledError);
      expect(thrown).toMatchObject({ task: "call 0", reason: { kind: "requested", why: "not this one" } });
    })(),
);

test(
  "results that were never read are disposed when the reader leaves",
  virtually(async () => {
    const log: string[] = [];
    const warnings = await warningsOf(async () => {
      const stream = mapStream(["a", "b", "c", "d"], (name) => slowToDispose(log, name), { concurrency: 3 });
      await stream.next();
      await sleep(5);
      await cancelScope(async (scope) => {
        scope.cancel();
        await stream.next();
      });
    });

    expect(log).toEqual(["b", "c", "d"]);
    expect(warnings).toEqual([]);
  }),
);

test(
  "results that were never read are disposed when the scope of the stream ends, also those of a stream that is through",
  virtually(async (root) => {
    const log: string[] = [];
    let stream!: ResultStream<AsyncDisposable>;
    await cancelScope(async () => {
      stream = mapStream(["a", "b", "c"], (name) => slowToDispose(log, name), { concurrency: 3 });
      await stream.next();
      await sleep(5);
    });

    expect(log).toEqual(["b", "c"]);
    expect(whatIsLeft(root)).toEqual([]);
    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "a result that stands behind a failed call, and can never be read, is disposed",
  virtually(async () => {
    const log: string[] = [];
    const error = new Error("no");
    const stream = mapStream(
      ["a", "b", "c"],
      async (name) => {
        await sleep(name === "b" ? 5 : 1);
        if (name === "b") throw error;
        return slowToDispose(log, name);
      },
      { concurrency: 3 },
    );
    await stream.next();

    expect(await thrownBy(stream.next())).toBe(error);
    expect(log).toEqual(["c"]);
  }),
);

test(
  "an error that a call or the source throws while the reader leaves is thrown where it leaves, once",
  virtually(async (root) => {
    const [inCall, inSource] = [new Error("call"), new Error("source")];
    const source = async function* (): AsyncGenerator<number> {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        await sleep(5);
        // oxlint-disable-next-line no-unsafe-finally -- sources may do so
        throw inSource;
      }
    };
    const stream = mapStream(
      source(),
      async (n) => {
        if (n === 0) return n;
        await thrownBy(sleep(Infinity));
        throw inCall;
      },
      { concurrency: 2 },
    );
    const leaving = async (): Promise<void> => {
      for await (const _ of stream) break;
    };
    const thrown = await thrownBy(leaving());

    expect(thrown).toBe(inCall);
    expect(thrown).toHaveProperty("suppressed", [inSource]);
    expect(whatIsLeft(root)).toEqual([]);
    expect(await stream.return()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "Array.fromAsync ends although leaving the stream fails",
  virtually(async () => {
    const error = new Error("call");
    const stream = mapStream(
      [0, 1],
      async (n) => {
        if (n === 0) return n;
        await thrownBy(sleep(Infinity));
        throw error;
      },
      { concurrency: 2 },
    );
    const mapper = new Error("mapper");
    const refuse = (): never => {
      throw mapper;
    };

    expect(await thrownBy(Array.fromAsync(stream, refuse))).toBe(error);
  }),
);

test(
  "an ordinary error wins over the cancellation that the reader would get",
  virtually(async () => {
    const error = new Error("cleanup");
    const reading = moveOnAfter(5, async () => {
      const stream = mapStream(
        [1],
        async () => {
          await thrownBy(sleep(Infinity));
          throw error;
        },
        { concurrency: 1 },
      );
      for await (const _ of stream) throw new Error("not here");
    });

    expect(await thrownBy(reading)).toBe(error);
  }),
);

test(
  "an error that nobody came for fails the group in which the stream was left, or else is a warning",
  virtually(async () => {
    const error = new Error("no");
    const failLater = async (n: number): Promise<number> => {
      if (n === 1) await sleep(1);
      if (n === 1) throw error;
      return n;
    };
    const abandon = async (): Promise<void> => {
      await mapStream([0, 1], failLater, { concurrency: 2 }).next();
      await sleep(5);
    };
    const warnings = await warningsOf(() => cancelScope(abandon));

    expect(await thrownBy(taskGroup(abandon))).toBe(error);
    expect(warnings.map(({ message, cause }) => [message, cause])).toEqual([
      ["mapStream had failed when its scope ended, and nobody was told", error],
    ]);
  }),
);

test.for(["breaks", "is told of a failure", "abandons the stream"] as const)(
  "when the reader %s, the source is closed outside the cancellation: its cleanup may wait",
  (how) =>
    virtually(async (root) => {
      const log: unknown[] = [];
      const source = async function* (): AsyncGenerator<number> {
        try {
          for (let n = 0; n < 10; n++) yield n;
        } finally {
          await sleep(5);
          log.push(`closed at ${now()}`);
        }
      };
      const read = async (): Promise<void> => {
        const call = (n: number): number => {
          if (n === 3 && how === "is told of a failure") throw new Error("no");
          return n;
        };
        const stream = mapStream(source(), call, { concurrency: 2 });
        if (how === "abandons the stream") return void (await stream.next());
        for await (const n of stream) if (n === 1 && how === "breaks") break;
      };
      await cancelScope(read).catch(() => {});

      expect(log).toEqual(["closed at 5"]);
      expect(whatIsLeft(root)).toEqual([]);
    })(),
);

test(
  "streams within streams: leaving the outer one closes the innermost source, whose cleanup may wait",
  virtually(async (root) => {
    const log: unknown[] = [];
    const source = async function* (): AsyncGenerator<number> {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        await sleep(5);
        log.push("closed");
      }
    };
    const inner = mapStream(source(), afterItself, { concurrency: 2 });
    for await (const _ of mapStream(inner, (n) => n, { concurrency: 2 })) {
      await sleep(10);
      break;
    }

    expect(log).toEqual(["closed"]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a stream that a source has begun to read, and left, ends with the source",
  virtually(async (root) => {
    const log: string[] = [];
    const source = async function* (): AsyncGenerator<number> {
      const inner = mapStream(["a", "b"], (name) => slowToDispose(log, name), { concurrency: 2 });
      await inner.next();
      yield 1;
    };
    for await (const _ of mapStream(source(), (n) => n, { concurrency: 1 })) {
      await sleep(1);
      break;
    }

    expect(log).toEqual(["b"]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a read that is pending when the reader leaves is cancelled, with a reason",
  virtually(async () => {
    const log: unknown[] = [];
    const source = async function* (): AsyncGenerator<number> {
      yield 1;
      try {
        await sleep(Infinity);
      } catch (error) {
        log.push((error as Cancelled).reason);
        throw error;
      }
    };
    const stream = mapStream(source(), (n) => n, { concurrency: 2 });
    for await (const _ of stream) {
      await sleep(5);
      break;
    }

    expect(log).toEqual([{ kind: "unneeded", why: "the reader of mapStream left" }]);
  }),
);

test("an endless source that never waits does not hold the loop", async () => {
  const reading = timeout(20, async () => {
    for await (const _ of mapStream(new Endless(), (n) => n, { concurrency: 10 }));
  });

  expect(await thrownBy(reading)).toBeInstanceOf(TimeoutError);
});

test(
  "return before the first next leaves the source alone",
  virtually(async () => {
    const source = new Endless();
    const stream = mapStream(source, (n) => n, { concurrency: 2 });

    expect(await stream.return()).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect([source.read, source.closed]).toEqual([0, 0]);
  }),
);

test(
  "throw tears down and throws, await using tears down, and all may be repeated",
  virtually(async (root) => {
    const error = new Error("thrown in");
    const source = new Endless();
    {
      await using stream = mapStream(source, (n) => n, { concurrency: 2 });
      await stream.next();
      expect(await thrownBy(stream.throw(error))).toBe(error);
      expect(await stream.return()).toEqual({ done: true, value: undefined });
    }

    expect(source.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "in a cancelled scope next throws, and the source is not opened",
  virtually(async () => {
    const source = new Endless();
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(mapStream(source, (n) => n, { concurrency: 1 }).next());
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(source.read).toBe(0);
  }),
);

test(
  "each call holds a permit of the limiter besides",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    let [running, peak] = [0, 0];
    const stream = mapStream(
      [1, 2, 3, 4],
      async () => {
        peak = Math.max(peak, ++running);
        await sleep(5);
        running--;
      },
      { concurrency: 4, limiter: semaphore },
    );
    await all(stream);

    expect(peak).toBe(2);
    expect(semaphore.statistics()).toEqual({ limit: 2, inUse: 0, waiting: 0 });
  }),
);

test(
  "source and calls run in the context of the first next",
  virtually(async () => {
    const user = new ContextVar<string>("user");
    const seen: (string | undefined)[] = [];
    const source = async function* (): AsyncGenerator<number> {
      seen.push(user.get());
      await sleep(1);
      seen.push(user.get());
      yield 1;
    };
    const stream = user.run("maker", () => mapStream(source(), () => seen.push(user.get()), { concurrency: 1 }));
    await user.run("reader", () => stream.next());
    await user.run("later reader", () => stream.next());

    expect(seen).toEqual(["reader", "reader", "reader"]);
  }),
);

test(
  "a stream is read on from an async generator of one's own",
  virtually(async (root) => {
    const source = new Endless();
    const pairs = async function* (): AsyncGenerator<string> {
      for await (const n of mapStream(source, (item) => item, { concurrency: 2 })) yield `${n}`;
    };
    const taken: string[] = [];
    for await (const text of pairs()) {
      taken.push(text);
      if (taken.length === 3) break;
    }

    expect(taken).toEqual(["0", "1", "2"]);
    expect(source.closed).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a source that stalls holds up the end until it answers",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<number>>();
    const source: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: () => promise }) };
    let hasLeft = false;
    await taskGroup(async (group) => {
      const reader = group.spawn(async () => {
        await thrownBy(all(mapStream(source, (n) => n, { concurrency: 1 })));
        hasLeft = true;
      });
      reader.cancel();
      await loopTurns(2);
      expect(hasLeft).toBe(false);
      resolve({ done: false, value: 1 });
    });

    expect(hasLeft).toBe(true);
  }),
);

test("very many items pass through a stream", async () => {
  const stream = mapStream(Array(200_000).keys(), (n) => n, { concurrency: 100 });
  let [count, sum] = [0, 0];
  for await (const n of stream) {
    count++;
    sum += n;
  }

  expect([count, sum]).toEqual([200_000, (199_999 * 200_000) / 2]);
});

test.for([0, 1.5, NaN, undefined])("a concurrency of %s is refused when the stream is made", (concurrency) => {
  expect(() => mapStream([1], (n) => n, { concurrency: concurrency as number })).toThrow(/Expected `concurrency`/);
});
