import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Limiter,
  type Permit,
  Cancelled,
  Semaphore,
  TaskCancelledError,
  TimeoutError,
  cancelScope,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  throttle,
  timeout,
} from "../index.ts";

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

async function* spaced(...times: number[]): AsyncGenerator<number> {
  for (const [index, ms] of times.entries()) {
    await sleep(ms);
    yield index;
  }
}

/** When each item comes to a reader that works on each for so long. */
async function timesOf(items: AsyncIterable<unknown>, workMs = 0): Promise<number[]> {
  const times: number[] = [];
  for await (const _ of items) {
    times.push(now());
    if (workMs > 0) await sleep(workMs);
  }
  return times;
}

test(
  "the first item comes at once, and each further one no sooner than everyMs later",
  virtually(async () => {
    expect(await timesOf(throttle("abc", { everyMs: 10 }))).toEqual([0, 10, 20]);
  }),
);

test(
  "a slow source or a slow reader is not slowed down further, and there is no rush afterwards",
  virtually(async () => {
    expect(await timesOf(throttle(spaced(0, 25, 2, 2), { everyMs: 10 }))).toEqual([0, 25, 35, 45]);
    const startedMs = now();
    const times = await timesOf(throttle("abc", { everyMs: 10 }), 25);
    expect(times.map((ms) => ms - startedMs)).toEqual([0, 25, 50]);
  }),
);

test(
  "no item is dropped, and they keep their order",
  virtually(async () => {
    expect(await Array.fromAsync(throttle([1, undefined, 3], { everyMs: 5 }))).toEqual([1, undefined, 3]);
    expect(await Array.fromAsync(throttle([], { everyMs: 5 }))).toEqual([]);
    expect(await timesOf(throttle("abc", { everyMs: 0 }))).toEqual([10, 10, 10]);
  }),
);

test(
  "the source is read one item ahead and no further, and not before the first is asked for",
  virtually(async () => {
    const source = new Endless();
    const stream = throttle(source, { everyMs: 5 });
    await loopTurns(2);
    expect(source.read).toBe(0);
    await stream.next();
    await sleep(100);
    expect(source.read).toBe(2);
    await stream.return();
    expect(source.closed).toBe(1);
  }),
);

test(
  "a limiter gives a permit for each item, which is not held while the reader works",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    const seen: unknown[] = [];
    await taskGroup((group) => {
      group.spawn(() => semaphore.run(() => sleep(10)));
      group.spawn(async () => {
        for await (const item of throttle("ab", { limiter: semaphore })) {
          seen.push(item, now());
          await sleep(1);
          seen.push(semaphore.statistics().inUse);
        }
      });
    });

    expect(seen).toEqual(["a", 10, 0, "b", 11, 0]);
  }),
);

test(
  "an error of the limiter fails the stream, after the item that waited for it",
  virtually(async () => {
    const error = new Error("open circuit");
    const refuse = (): Promise<Permit> => Promise.reject(error);
    const limiter = { acquire: refuse, tryAcquire: () => undefined, run: refuse } as Limiter;
    const source = new Endless();
    const stream = throttle(source, { limiter });

    expect(await stream.next()).toEqual({ done: false, value: 0 });
    expect(await thrownBy(stream.next())).toBe(error);
    expect(source.closed).toBe(1);
  }),
);

test(
  "an error of the source comes after its items",
  virtually(async () => {
    const error = new Error("source");
    const source = function* (): Generator<number> {
      yield 1;
      throw error;
    };
    const stream = throttle(source(), { everyMs: 10 });

    expect((await stream.next()).value).toBe(1);
    expect(await thrownBy(stream.next())).toBe(error);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "cancelled while an item waits for its time, it closes the source, and has the item for whoever still asks",
  virtually(async (root) => {
    const source = new Endless();
    const seen: unknown[] = [];
    await moveOnAfter(15, async () => {
      const stream = throttle(source, { everyMs: 10 });
      try {
        for await (const item of stream) seen.push(item);
      } finally {
        seen.push(source.closed);
        await shield(async () => {
          for await (const item of stream) seen.push(item);
        });
      }
    });

    expect(seen).toEqual([0, 1, 1, 2]);
    expect(now()).toBe(15);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "leaving the loop waits for no time to pass, and disposes of the item that was not given",
  virtually(async (root) => {
    const log: unknown[] = [];
    const source = function* (): Generator<Disposable> {
      for (let n = 0; ; n++) yield { [Symbol.dispose]: () => log.push(n) };
    };
    const semaphore = new Semaphore(0);
    for await (const _ of throttle(source(), { everyMs: 1_000 })) {
      await sleep(1);
      break;
    }
    const waiting = throttle(source(), { limiter: semaphore });
    await thrownBy(timeout(5, () => waiting.next()));
    await waiting.return();

    expect(log).toEqual([1, 0]);
    expect(now()).toBe(6);
    expect(semaphore.statistics()).toMatchObject({ waiting: 0, inUse: 0 });
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a reader outside the scope of the stream learns that it was cut",
  virtually(async () => {
    const stream = throttle(new Endless(), { everyMs: 5 });
    await cancelScope(async (scope) => {
      await stream.next();
      scope.cancel("no more");
    });

    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
  }),
);

test("an endless source that never waits does not hold the loop", async () => {
  const reading = timeout(20, async () => {
    for await (const _ of throttle(new Endless(), { everyMs: 0 }));
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
      thrown = await thrownBy(throttle(source, { everyMs: 1 }).next());
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(source.read).toBe(0);
  }),
);

test.for([-1, NaN, "1"])("everyMs of %s is refused", (everyMs) => {
  expect(() => throttle("abc", { everyMs: everyMs as number })).toThrow("Expected `everyMs` to be a number of milli");
});
