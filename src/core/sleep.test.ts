import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, realTime, thrownBy, times, virtually, warningsOf, whatIsLeft } from "../../test/core/helpers.ts";
import { Cancelled, breathe, cancelScope, checkpoint, moveOnAfter, now, run, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test(
  "sleep waits at least its time, fractions included",
  virtually(async () => {
    await sleep(2.5);
    expect(now()).toBeGreaterThanOrEqual(2.5);
    await sleep(0.001);
    expect(now()).toBeGreaterThanOrEqual(2.501);
  }),
);

test("on the real clock sleep never ends early", async () => {
  await run(
    () =>
      taskGroup((group) => {
        for (let ms = 0.5; ms < 15; ms += 0.7) {
          group.spawn(async () => {
            const startedMs = performance.now();
            await sleep(ms);
            expect(performance.now() - startedMs).toBeGreaterThanOrEqual(ms);
          });
        }
      }),
    { signals: false },
  );
});

test(
  "sleepers wake in the order of their times, and of arrival within one time",
  virtually(() =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), async (durations) => {
        const woken: [number, number][] = [];
        const sleepers = durations.map((ms, index): [number, number] => [ms, index]);
        await taskGroup((group) => {
          for (const sleeper of sleepers) group.spawn(async () => (await sleep(sleeper[0]), woken.push(sleeper)));
        });

        expect(woken).toEqual(sleepers.toSorted(([a, i], [b, j]) => a - b || i - j));
      }),
      times(50),
    ),
  ),
);

test(
  "sleep(0) and checkpoint() let everybody else go on once, and take no time",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) => {
      for (const name of ["a", "b"]) {
        group.spawn(async () => {
          log.push(`${name}1`);
          await sleep(0);
          log.push(`${name}2`);
          await checkpoint();
          log.push(`${name}3`);
        });
      }
    });

    expect(log).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
    expect(now()).toBe(0);
  }),
);

test(
  "checkpoint() lets I/O run",
  virtually(async () => {
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    await checkpoint();
    await checkpoint();

    expect(hasTurned).toBe(true);
  }),
);

test(
  "sleep(Infinity) waits until it is cancelled",
  virtually(async () => {
    await moveOnAfter(1e12, () => sleep(Infinity));

    expect(now()).toBe(1e12);
  }),
);

test(
  "sleep refuses what is no duration",
  virtually(async (root) => {
    for (const ms of [-1, NaN, -Infinity]) {
      expect(await thrownBy(sleep(ms)), String(ms)).toBeInstanceOf(RangeError);
    }
    for (const ms of ["5", null, undefined, true]) {
      expect(await thrownBy(sleep(ms as unknown as number)), String(ms)).toBeInstanceOf(TypeError);
    }
    await expect(sleep(-1)).rejects.toThrow(
      "Expected `ms` to be a number of milliseconds, 0 or more, got `-1` (number)",
    );
    expect(whatIsLeft(root)).toEqual([]);
    expect(now()).toBe(0);
  }),
);

test(
  "every wait throws in a cancelled scope, and none starts to wait",
  virtually(async () => {
    await cancelScope(async (scope) => {
      scope.cancel();
      for (const wait of [() => sleep(5), () => sleep(0), () => sleep(Infinity), checkpoint, breathe]) {
        expect(await thrownBy(wait())).toBeInstanceOf(Cancelled);
        expect(whatIsLeft(scope)).toEqual([]);
      }
    });
  }),
);

test(
  "a sleep that is cancelled rejects at once, and leaves no timer",
  virtually(async () => {
    await cancelScope(async (scope) => {
      const sleeping = [sleep(1e9), sleep(0), checkpoint()].map(thrownBy);
      scope.cancel();
      expect(await Promise.all(sleeping)).toEqual([
        expect.any(Cancelled),
        expect.any(Cancelled),
        expect.any(Cancelled),
      ]);
    });
    await sleep(1);
    await loopTurns(2);

    expect(now()).toBe(1);
  }),
);

test(
  "a sleep that is over before the cancellation arrives is received: value first",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        await sleep(5);
        log.push("woken");
        await checkpoint();
        log.push("not here");
      });
      group.spawn(async () => {
        await sleep(5);
        task.cancel();
      });
    });

    expect(log).toEqual(["woken"]);
  }),
);

test("a sleep of more than 2 ** 31 ms does not overflow Node's timers", async () => {
  let hasEnded = false;
  const warnings = await warningsOf(() =>
    run(
      () =>
        moveOnAfter(30, async () => {
          await sleep(2 ** 31 + 1_000);
          hasEnded = true;
        }),
      { signals: false },
    ),
  );

  expect(hasEnded).toBe(false);
  expect(warnings).toEqual([]);
});

test("a nearer timer is not held up by a far one, nor a far one lost when a nearer is cancelled", async () => {
  const log: string[] = [];
  await run(
    () =>
      taskGroup(async (group) => {
        const far = group.spawn(() => sleep(100_000));
        group.spawn(async () => (await sleep(30), log.push("middle")));
        const near = group.spawn(() => sleep(10));
        near.cancel();
        await sleep(2);
        log.push("soon");
        await sleep(40);
        log.push("after");
        far.cancel();
      }),
    { signals: false },
  );

  expect(log).toEqual(["soon", "middle", "after"]);
});

/** How many milliseconds of the loop `breathe` lets pass. */
const breathAfterMs = 10;

/** Calls `fn` until it has not been held up by a busy machine. */
async function undisturbed(fn: () => Promise<void>): Promise<void> {
  for (let startedMs = -Infinity; performance.now() - startedMs >= breathAfterMs;) {
    startedMs = performance.now();
    await fn();
  }
}

test("breathe gives way only when the loop has been held for some 10 ms", async () => {
  await run(
    async () => {
      let turns = 0;
      const count = (): void => {
        turns++;
        counting = setImmediate(count);
      };
      let counting = setImmediate(count);
      let passed = 0;
      await undisturbed(async () => {
        await checkpoint();
        const before = turns;
        for (let n = 0; n < 100; n++) await breathe();
        passed = turns - before;
      });
      expect(passed).toBe(0);

      const before = turns;
      const until = performance.now() + breathAfterMs + 5;
      while (performance.now() < until);
      await breathe();
      clearImmediate(counting);
      expect(turns).toBeGreaterThan(before);
    },
    { signals: false },
  );
});

test("breathe measures from the last time a wait of ours woke up", async () => {
  await run(
    async () => {
      let hasTurned = true;
      await realTime(2 * breathAfterMs);
      await undisturbed(async () => {
        await checkpoint();
        hasTurned = false;
        const immediate = setImmediate(() => (hasTurned = true));
        await breathe();
        clearImmediate(immediate);
      });

      expect(hasTurned).toBe(false);
    },
    { signals: false },
  );
});

test("ten thousand sleepers are cancelled at once, and none is left", async () => {
  await withVirtualTime(async (root) => {
    const thrown = await moveOnAfter(5, () =>
      taskGroup((group) => {
        for (let n = 0; n < 10_000; n++) group.spawn(() => sleep(1_000 + n));
      }),
    );

    expect(thrown).toBeUndefined();
    expect(now()).toBe(5);
    expect(whatIsLeft(root)).toEqual([]);
  });
});
