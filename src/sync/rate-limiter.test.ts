import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  Cancelled,
  type Permit,
  RateLimiter,
  type RateLimiterOptions,
  cancelScope,
  checkpoint,
  map,
  moveOnAfter,
  now,
  sleep,
  taskGroup,
} from "../index.ts";

/** When each of `count` callers that come at once gets through. */
function timesOf(limiter: RateLimiter, count: number, weight = 1): Promise<number[]> {
  return map(Array.from({ length: count }), async () => ((await limiter.acquire(weight)).release(), now()), {
    concurrency: count,
  });
}

test(
  "a token bucket lets a burst through at once, and then one after the other",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000, burst: 3 });

    expect(await timesOf(limiter, 6)).toEqual([0, 0, 0, 500, 1_000, 1_500]);
  }),
);

test(
  "the burst is the limit unless told otherwise, and comes back while nobody asks",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000 });
    expect(await timesOf(limiter, 3)).toEqual([0, 0, 500]);
    await sleep(9_500);

    expect(await timesOf(limiter, 3)).toEqual([10_000, 10_000, 10_500]);
  }),
);

test(
  "a sliding window lets no more than the limit through in any time of `perMs`",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000, algorithm: "sliding-window" });
    expect(await timesOf(limiter, 1)).toEqual([0]);
    await sleep(900);

    expect(await timesOf(limiter, 4)).toEqual([900, 1_000, 1_900, 2_000]);
  }),
);

test(
  "in the long run neither drifts, not where the time for one is no whole number of milliseconds either",
  virtually(async () => {
    for (const algorithm of ["token-bucket", "sliding-window"] as const) {
      const startMs = now();
      const limiter = new RateLimiter({ limit: 7, perMs: 1_000, algorithm });
      for (let count = 0; count < 7_001; count++) await limiter.acquire();

      expect([algorithm, now() - startMs]).toEqual([
        algorithm,
        { "token-bucket": 999_143, "sliding-window": 1e6 }[algorithm],
      ]);
    }
  }),
);

test.for(["token-bucket", "sliding-window"] as const)(
  "%s: a heavy caller is not overtaken by light ones behind it, nor by tryAcquire",
  (algorithm) =>
    virtually(async () => {
      const limiter = new RateLimiter({ limit: 4, perMs: 1_000, algorithm });
      const log: string[] = [];
      await taskGroup(async (group) => {
        const pass = (name: string, weight: number): unknown =>
          group.spawn(async () => {
            await limiter.acquire(weight);
            log.push(`${name} at ${now()}`);
          });
        pass("light", 2);
        pass("heavy", 4);
        pass("late", 1);
        expect(limiter.statistics()).toEqual({ limit: 4, perMs: 1_000, available: 2, waiting: 2, pausedMs: 0 });
        expect(limiter.tryAcquire()).toBeUndefined();
        await sleep(1);
      });
      const heavyAtMs = { "token-bucket": 500, "sliding-window": 1_000 }[algorithm];
      const lateAtMs = { "token-bucket": 750, "sliding-window": 2_000 }[algorithm];

      expect(log).toEqual(["light at 0", `heavy at ${heavyAtMs}`, `late at ${lateAtMs}`]);
    })(),
);

test(
  "tryAcquire gives a permit only if there is one now",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000 });
    expect(limiter.tryAcquire(2)).toBeDefined();
    expect(limiter.tryAcquire()).toBeUndefined();
    await sleep(500);

    expect(limiter.tryAcquire(2)).toBeUndefined();
    expect(limiter.tryAcquire()).toBeDefined();
  }),
);

test(
  "a permit is used up when it is given: releasing it, once, gives nothing back",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000 });
    const permit = await limiter.acquire();
    permit.report({ ok: true, ms: 5 });
    permit.release();
    expect(() => permit.release()).toThrow("This permit was released before");
    {
      using other = await limiter.acquire();
      expect(other).toBeDefined();
    }

    expect(now()).toBe(1_000);
    expect(limiter.statistics().available).toBe(0);
  }),
);

test(
  "run waits for its turn, and calls the function",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000 });
    expect(await limiter.run(() => now())).toBe(0);

    expect(await limiter.run(() => now())).toBe(1_000);
  }),
);

test(
  "a cancelled waiter leaves the queue and uses nothing up, and who is behind it moves up",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 4, perMs: 4_000 });
    const log: string[] = [];
    await limiter.acquire(3);
    await taskGroup((group) => {
      group.spawn(() => moveOnAfter(500, () => limiter.acquire(4)));
      group.spawn(async () => {
        await limiter.acquire();
        log.push(`light at ${now()}`);
        await limiter.acquire();
        log.push(`again at ${now()}`);
      });
    });

    expect(log).toEqual(["light at 500", "again at 1000"]);
    expect(limiter.statistics().waiting).toBe(0);
  }),
);

test(
  "when the last waiter leaves no timer is left behind",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000_000 });
    await limiter.acquire();
    await moveOnAfter(5, () => limiter.acquire());
    await sleep(1);

    expect(now()).toBe(6);
    // The next one sets it again.
    await limiter.acquire();
    expect(now()).toBe(1_000_000);
  }),
);

test(
  "a permit granted before the cancellation is received, and the next checkpoint throws",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000, algorithm: "sliding-window" });
    const log: unknown[] = [];
    await limiter.acquire();
    await cancelScope(async (scope) => {
      const waiting = limiter.acquire();
      limiter.limit = 2;
      scope.cancel();
      using permit = await waiting;
      log.push(typeof permit.release, await thrownBy(checkpoint()));
    });
    await cancelScope(async (scope) => {
      scope.cancel();
      log.push(await thrownBy(limiter.acquire()));
    });

    expect(log).toEqual(["function", expect.any(Cancelled), expect.any(Cancelled)]);
  }),
);

test(
  "who has just been cancelled is given nothing by an abort listener: the next one is",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000, algorithm: "sliding-window" });
    const log: unknown[] = [];
    await limiter.acquire();
    await taskGroup((group) => {
      group.spawn(() =>
        cancelScope(async (scope) => {
          scope.signal.addEventListener("abort", () => (limiter.limit = 2));
          const waiting = thrownBy(limiter.acquire());
          await sleep(1);
          scope.cancel();
          log.push(await waiting);
        }),
      );
      group.spawn(async () => (await limiter.acquire(), log.push(now())));
    });

    expect(log).toEqual([1, expect.any(Cancelled)]);
  }),
);

test(
  "raising the limit lets waiters through sooner, lowering it later",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 1_000 });
    const times: Promise<number[]> = timesOf(limiter, 7);
    await sleep(500);
    limiter.limit = 10;
    await sleep(250);
    limiter.limit = 1;

    expect(limiter.limit).toBe(1);
    // Half a permit was there at 500, ten a second came until 750, and then one a second.
    expect(await times).toEqual([0, 550, 650, 750, 1_750, 2_750, 3_750]);
  }),
);

test(
  "in a window that has become smaller nothing passes until there is room again",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 4, perMs: 1_000, algorithm: "sliding-window" });
    await limiter.acquire(2);
    await sleep(500);
    await limiter.acquire(2);
    limiter.limit = 2;
    expect(limiter.statistics().available).toBe(0);

    expect(await timesOf(limiter, 3)).toEqual([1_500, 1_500, 2_500]);
  }),
);

test.for(["token-bucket", "sliding-window"] as const)(
  "%s: a waiter that has become too heavy goes alone instead of waiting for ever",
  (algorithm) =>
    virtually(async () => {
      const limiter = new RateLimiter({ limit: 4, perMs: 1_000, algorithm });
      await limiter.acquire(4);
      const heavy = timesOf(limiter, 1, 4);
      const light = timesOf(limiter, 1);
      limiter.limit = 2;
      const whenMs = { "token-bucket": [1_000, 2_500], "sliding-window": [1_000, 2_000] }[algorithm];

      expect([...(await heavy), ...(await light)]).toEqual(whenMs);
    })(),
);

test(
  "a pause holds everybody up for so long, and the longer of two counts",
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000, burst: 1 });
    await limiter.acquire();
    const times = timesOf(limiter, 3);
    limiter.pause(5_000);
    limiter.pause(1_000);
    expect(limiter.statistics()).toEqual({ limit: 2, perMs: 1_000, available: 0, waiting: 3, pausedMs: 5_000 });
    expect(limiter.isIdle).toBe(false);
    await sleep(4_000);
    expect(limiter.tryAcquire()).toBeUndefined();
    limiter.pause(2_000);

    expect(await times).toEqual([6_000, 6_500, 7_000]);
    expect(limiter.statistics().pausedMs).toBe(0);
  }),
);

test(
  "it is idle when a new one would be no different",
  virtually(async () => {
    for (const algorithm of ["token-bucket", "sliding-window"] as const) {
      const limiter = new RateLimiter({ limit: 2, perMs: 1_000, algorithm });
      const seen = [limiter.isIdle];
      await limiter.acquire();
      seen.push(limiter.isIdle);
      await sleep(algorithm === "token-bucket" ? 499 : 999);
      seen.push(limiter.isIdle);
      await sleep(1);
      seen.push(limiter.isIdle);
      limiter.limit = 3;
      seen.push(limiter.isIdle);

      expect([algorithm, ...seen]).toEqual([algorithm, true, false, false, true, false]);
    }
  }),
);

test(
  "without a limit everything passes",
  virtually(async () => {
    for (const algorithm of ["token-bucket", "sliding-window"] as const) {
      const limiter = new RateLimiter({ limit: Infinity, perMs: 1_000, algorithm });
      const permits: Permit[] = [await limiter.acquire(1_000_000), await limiter.acquire()];
      expect(limiter.statistics()).toMatchObject({ limit: Infinity, available: Infinity, waiting: 0 });
      expect(permits.length).toBe(2);
    }

    expect(now()).toBe(0);
  }),
);

test("a limiter of real time lets through what it says", async () => {
  const limiter = new RateLimiter({ limit: 1_000, perMs: 1_000, burst: 5 });
  const startedMs = performance.now();
  for (let count = 0; count < 25; count++) await limiter.acquire();

  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(19.9);
});

test("wrong settings and weights are refused at the door", async () => {
  const wrong: [Partial<RateLimiterOptions>, string][] = [
    [{ limit: 0 }, "Expected `limit` to be an integer of 1 or more, got `0` (number)"],
    [{ limit: 1.5 }, "Expected `limit` to be an integer of 1 or more, got `1.5` (number)"],
    [{ perMs: 0 }, "Expected `perMs` to be a number of milliseconds, 1 or more, got `0` (number)"],
    [{ perMs: NaN }, "Expected `perMs` to be a number of milliseconds, 1 or more, got `NaN` (number)"],
    [{ perMs: Infinity }, "Expected `perMs` to be finite, got `Infinity` (number)"],
    [{ burst: 0 }, "Expected `burst` to be an integer of 1 or more, got `0` (number)"],
    [{ burst: 3, algorithm: "sliding-window" }, "`burst` is for the token bucket: a sliding window has none"],
    [
      { algorithm: "leaky" as "sliding-window" },
      'Expected `algorithm` to be "token-bucket" or "sliding-window", got `leaky` (string)',
    ],
  ];
  for (const [options, message] of wrong) {
    expect(() => new RateLimiter({ limit: 2, perMs: 1_000, ...options })).toThrow(message);
  }
  const limiter = new RateLimiter({ limit: 10, perMs: 1_000, burst: 3 });
  for (const weight of [0, -1, 1.5, NaN, 4, Infinity]) {
    expect(() => limiter.tryAcquire(weight)).toThrow(RangeError);
    expect(await thrownBy(limiter.acquire(weight))).toBeInstanceOf(RangeError);
  }
  expect(() => limiter.tryAcquire(4)).toThrow("Expected `n` to be at most 3, got `4` (number): it would wait for ever");
  expect(() => (limiter.limit = 0)).toThrow(RangeError);
  expect(() => limiter.pause(-1)).toThrow(RangeError);

  expect(limiter.statistics()).toMatchObject({ limit: 10, available: 3, waiting: 0 });
});

test(
  "statistics are a frozen picture of the moment",
  virtually(() => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000 });
    const before = limiter.statistics();
    limiter.tryAcquire();

    expect(Object.isFrozen(before)).toBe(true);
    expect(before.available).toBe(2);
    expect(limiter.statistics().available).toBe(1);
  }),
);
