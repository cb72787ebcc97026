import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  AdaptiveLimiter,
  Cancelled,
  CircuitBreaker,
  KeyedLimiter,
  type Limiter,
  RateLimiter,
  Semaphore,
  cancelScope,
  combine,
  map,
  moveOnAfter,
  sleep,
  taskGroup,
} from "../index.ts";

test(
  "each key has a limiter of its own, made when it is first asked for",
  virtually(async () => {
    const made: string[] = [];
    const keyed = new KeyedLimiter((key: string) => (made.push(key), new Semaphore(1)));
    const a = keyed.for("a");
    expect(made).toEqual([]);
    await a.run(async () => {
      expect(keyed.for("a").tryAcquire()).toBeUndefined();
      await keyed.for("b").run(() => expect(keyed.statistics()).toEqual({ keys: 2, inUse: 2 }));
    });

    expect(made).toEqual(["a", "b"]);
    expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
  }),
);

test(
  "the limiter of a key may be kept: it finds the same permits again, also after the key was forgotten",
  virtually(async () => {
    let made = 0;
    const keyed = new KeyedLimiter((_key: string) => (made++, new Semaphore(2)));
    const kept = keyed.for("a");
    const permit = await kept.acquire();
    permit.release();
    expect(keyed.statistics().keys).toBe(0);
    using again = await kept.acquire(2);
    expect(again).toBeDefined();

    expect(made).toBe(2);
    expect(keyed.for("a").tryAcquire()).toBeUndefined();
    expect(keyed.for("a").isIdle).toBe(false);
    expect(keyed.for("b").isIdle).toBe(true);
  }),
);

test(
  "callers of one key are let in first come, first served, and a key with waiters is remembered",
  virtually(async () => {
    const keyed = new KeyedLimiter(() => new Semaphore(1));
    const log: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["first", "second", "third"]) {
        group.spawn(() => moveOnAfter(15, () => keyed.for("key").run(async () => (log.push(name), await sleep(10)))));
      }
      await sleep(12);
      expect(keyed.statistics()).toEqual({ keys: 1, inUse: 2 });
    });

    expect(log).toEqual(["first", "second"]);
    expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
  }),
);

test(
  "a cancelled caller leaves nothing behind",
  virtually(async () => {
    const keyed = new KeyedLimiter(() => new Semaphore(0));
    await moveOnAfter(5, () => keyed.for("a").acquire());
    expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
    await cancelScope(async (scope) => {
      scope.cancel();
      expect(await thrownBy(keyed.for("a").acquire())).toBeInstanceOf(Cancelled);
    });

    expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
  }),
);

test(
  "a permit is released once, hands on reports, and a limiter that cannot be made or refuses leaves nothing behind",
  virtually(async () => {
    const keyed = new KeyedLimiter((key: string): Limiter => {
      if (key === "bad") throw new Error("no such key");
      return new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    });
    const permit = keyed.for("a").tryAcquire()!;
    permit.report({ ok: false, ms: 1 });
    permit.release();
    expect(() => permit.release()).toThrow("This permit was released before");
    expect(await thrownBy(keyed.for("a").acquire())).toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(keyed.for("a").tryAcquire()).toBeUndefined();
    expect(keyed.statistics()).toEqual({ keys: 1, inUse: 0 });
    expect(() => keyed.for("bad").tryAcquire()).toThrow("no such key");
    expect(await thrownBy(keyed.for("bad").acquire())).toMatchObject({ message: "no such key" });
    {
      using other = await keyed.for("b").acquire();
      expect(other).toBeDefined();
      expect(keyed.statistics()).toEqual({ keys: 2, inUse: 1 });
    }

    expect(keyed.statistics()).toEqual({ keys: 1, inUse: 0 });
  }),
);

test(
  "a key is remembered as long as its limiter is not idle",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    const limiters: Record<string, { readonly limiter: Limiter; readonly idleAfterMs: number }> = {
      "a semaphore": { limiter: semaphore, idleAfterMs: 0 },
      "a token bucket": { limiter: new RateLimiter({ limit: 1, perMs: 1_000 }), idleAfterMs: 1_000 },
      "a window": {
        limiter: new RateLimiter({ limit: 2, perMs: 1_000, algorithm: "sliding-window" }),
        idleAfterMs: 1_000,
      },
      "a breaker": { limiter: new CircuitBreaker({ failureThreshold: 9, resetMs: 1_000 }), idleAfterMs: 2_000 },
      "what has learned": { limiter: new AdaptiveLimiter(), idleAfterMs: 600_000 },
      several: { limiter: combine(new Semaphore(1), new RateLimiter({ limit: 1, perMs: 500 })), idleAfterMs: 500 },
    };
    for (const [what, { limiter, idleAfterMs }] of Object.entries(limiters)) {
      const keyed = new KeyedLimiter((key: string) => (key === "others" ? new Semaphore(1) : limiter));
      const look = (): Promise<number> => keyed.for("others").run(() => keyed.statistics().keys - 1);
      await keyed
        .for("key")
        .run(() => Promise.reject(new Error("down")))
        .catch(() => {});
      const before = idleAfterMs === 0 ? 0 : (await sleep(idleAfterMs - 1), await look(), await look());
      await sleep(1);
      await look();

      expect([what, before, keyed.statistics().keys]).toEqual([what, idleAfterMs === 0 ? 0 : 1, 0]);
    }
    semaphore.limit = 3;
    expect(semaphore.isIdle).toBe(false);
  }),
);

test(
  "very many keys that come by once leave it small, although each is to be remembered for a while",
  virtually(async () => {
    const perSecond = 5_000;
    const keyed = new KeyedLimiter((_key: number) => new RateLimiter({ limit: 1, perMs: 1_000 }));
    let most = 0;
    for (let key = 0; key < 200_000; key++) {
      keyed.for(key).tryAcquire()!.release();
      if (key % perSecond === 0) {
        await sleep(1_000);
        most = Math.max(most, keyed.statistics().keys);
      }
    }

    expect(most).toBeLessThan(2 * perSecond + 1_000);
    // And with nothing new coming, what is left goes too.
    await sleep(1_000);
    for (let count = 0; count < perSecond; count++) keyed.for(-1).tryAcquire()?.release();
    expect(keyed.statistics().keys).toBeLessThanOrEqual(1);
  }),
);

test(
  "after a flood it becomes small again, although new keys keep coming",
  virtually(async () => {
    const keyed = new KeyedLimiter((_key: number) => new RateLimiter({ limit: 1, perMs: 1_000 }));
    for (let key = 0; key < 20_000; key++) keyed.for(key).tryAcquire()!.release();
    expect(keyed.statistics().keys).toBe(20_000);
    await sleep(1_000);
    for (let key = 20_000; key < 40_000; key++) {
      keyed.for(key).tryAcquire()!.release();
      if (key % 10 === 0) await sleep(10);
    }

    expect(keyed.statistics().keys).toBeLessThan(3_000);
  }),
);

test(
  "map takes the limiter of a key",
  virtually(async () => {
    const keyed = new KeyedLimiter(() => new Semaphore(2));
    let running = 0;
    let most = 0;
    await map(
      [1, 2, 3, 4, 5],
      async () => {
        most = Math.max(most, ++running);
        await sleep(5);
        running--;
      },
      { limiter: keyed.for("host") },
    );

    expect(most).toBe(2);
    expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
  }),
);

/** A limiter of a user's own, which does not say whether it is idle. */
function plainLimiter(): Limiter {
  const semaphore = new Semaphore(1);
  return {
    acquire: () => semaphore.acquire(),
    tryAcquire: () => semaphore.tryAcquire(),
    run: (fn) => semaphore.run(fn),
  };
}

test("a limiter that does not say whether it is idle is forgotten when nobody uses it", () => {
  const keyed = new KeyedLimiter((_key: string) => plainLimiter());
  keyed.for("a").tryAcquire()!.release();

  expect(keyed.statistics()).toEqual({ keys: 0, inUse: 0 });
});

test(
  "a permit of a key that is given back unused uses nothing up",
  virtually(() => {
    const keyed = new KeyedLimiter((_key: string) => new RateLimiter({ limit: 1, perMs: 1_000 }));
    const full = new Semaphore(1);
    full.tryAcquire();

    expect(combine(keyed.for("a"), full).tryAcquire()).toBeUndefined();
    expect(keyed.for("a").tryAcquire()).toBeDefined();
  }),
);
