import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  AdaptiveLimiter,
  Cancelled,
  CircuitBreaker,
  type Limiter,
  type Permit,
  type PermitReport,
  RateLimiter,
  Semaphore,
  cancelScope,
  checkpoint,
  combine,
  map,
  moveOnAfter,
  now,
  sleep,
  taskGroup,
} from "../index.ts";

const noPermit = (): Promise<never> => Promise.reject(new Error("no permit"));

/** A limiter that writes down what is done with it. */
class Noted implements Limiter {
  readonly isIdle: boolean = false;
  readonly #name: string;
  readonly #log: unknown[];

  constructor(name: string, log: unknown[]) {
    this.#name = name;
    this.#log = log;
  }

  acquire(n?: number): Promise<Permit> {
    return Promise.resolve(this.tryAcquire(n));
  }

  tryAcquire(n?: number): Permit {
    const note = (what: unknown): unknown => this.#log.push([this.#name, what]);
    note(`take ${n}`);
    const release = (): void => void note("release");
    return { release, report: (report: PermitReport) => note(report), [Symbol.dispose]: release };
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return Promise.try(fn);
  }
}

test(
  "permits are taken in order, released in reverse, and each is told how it went",
  virtually(async () => {
    const log: unknown[] = [];
    const limiter = combine(new Noted("a", log), new Noted("b", log));
    const report = { ok: true, ms: 5 };
    {
      using permit = await limiter.acquire(2);
      permit.report(report);
      permit.release();
      expect(() => permit.release()).toThrow("This permit was released before");
    }

    expect(log).toEqual([
      ["a", "take 2"],
      ["b", "take 2"],
      ["a", report],
      ["b", report],
      ["b", "release"],
      ["a", "release"],
    ]);
    expect(limiter.isIdle).toBe(false);
  }),
);

test(
  "a permit of it is a permit of each: no more pass than each lets through",
  virtually(async () => {
    const slots = new Semaphore(2);
    const limiter = combine(slots, new RateLimiter({ limit: 1, perMs: 100, burst: 1 }));
    const times = await map([1, 2, 3, 4, 5], async () => (await sleep(250), now() - 250), { limiter });

    expect(times).toEqual([0, 100, 250, 350, 500]);
    expect(slots.statistics()).toEqual({ limit: 2, inUse: 0, waiting: 0 });
  }),
);

test(
  "cancelled while it waits for the second, it gives back the first, as if it had not been taken",
  virtually(async () => {
    const rate = new RateLimiter({ limit: 3, perMs: 1_000 });
    const slots = new Semaphore(1);
    const limiter = combine(rate, slots);
    const holder = await slots.acquire();
    await moveOnAfter(0.25, () => limiter.acquire());
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => limiter.acquire(1));
      await checkpoint();
      expect(rate.statistics().available).toBe(2);
      waiting.cancel();
    });
    holder.release();

    expect(rate.statistics().available).toBe(3);
    expect(slots.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
  }),
);

test(
  "what is given back lets others through",
  virtually(async () => {
    const rate = new RateLimiter({ limit: 1, perMs: 1_000, algorithm: "sliding-window" });
    const slots = new Semaphore(0);
    await taskGroup(async (group) => {
      group.spawn(() => moveOnAfter(100, () => combine(rate, slots).acquire()));
      await checkpoint();
      await rate.acquire();

      expect(now()).toBe(100);
    });
  }),
);

test(
  "tryAcquire takes all or none",
  virtually(async () => {
    const rate = new RateLimiter({ limit: 2, perMs: 1_000 });
    const slots = new Semaphore(2);
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    const limiter = combine(rate, combine(slots, breaker));
    const permit = limiter.tryAcquire()!;
    permit.report({ ok: false, ms: 1 });
    permit.release();
    for (let count = 0; count < 5; count++) expect(limiter.tryAcquire()).toBeUndefined();
    expect(slots.statistics().inUse).toBe(0);
    expect(rate.statistics().available).toBe(1);
    expect(await thrownBy(limiter.acquire())).toMatchObject({ code: "CIRCUIT_OPEN" });

    expect(slots.statistics().inUse).toBe(0);
    expect(rate.statistics().available).toBe(1);
    expect(() => limiter.tryAcquire(3)).toThrow(RangeError);
    expect(rate.statistics().available).toBe(1);
  }),
);

test(
  "a permit granted before the cancellation is received if it was the last, and given back if not",
  virtually(async () => {
    const [first, second] = [new Semaphore(1), new Semaphore(1)];
    const limiter = combine(first, second);
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const [a, b] = [await first.acquire(), await second.acquire()];
      const waiting = limiter.acquire();
      a.release();
      await checkpoint();
      b.release();
      scope.cancel();
      using permit = await waiting;
      log.push(typeof permit.release);
    });
    await cancelScope(async (scope) => {
      const a = await first.acquire();
      const waiting = thrownBy(limiter.acquire());
      a.release();
      scope.cancel();
      log.push(await waiting);
    });

    expect(log).toEqual(["function", expect.any(Cancelled)]);
    expect([first.statistics().inUse, second.statistics().inUse]).toEqual([0, 0]);
  }),
);

test(
  "reports reach what learns",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    const adaptive = new AdaptiveLimiter();
    const limiter = combine(adaptive, breaker);
    await limiter.run(() => sleep(5));
    expect([adaptive.isIdle, breaker.statistics().state, limiter.isIdle]).toEqual([false, "closed", false]);
    await limiter.run(() => Promise.reject(new Error("down"))).catch(() => {});

    expect(breaker.statistics().state).toBe("open");
    expect(combine(new Semaphore(1), new Semaphore(2)).isIdle).toBe(true);
  }),
);

test("one limiter at least is needed", () => {
  expect(() => combine()).toThrow("Expected `limiters` to be one limiter or more, got none");
});

test(
  "where one inside another was taken and the next has no permit, all of it is given back unused",
  virtually(() => {
    const rate = new RateLimiter({ limit: 1, perMs: 1_000 });
    const full = new Semaphore(1);
    full.tryAcquire();
    const limiter = combine(combine(rate, new Semaphore(1)), full);

    expect(limiter.tryAcquire()).toBeUndefined();
    expect(rate.tryAcquire()).toBeDefined();
  }),
);

test("of limiters that do not say whether they are idle, it is idle", () => {
  const { isIdle: _, ...own } = { isIdle: false, acquire: noPermit, tryAcquire: () => undefined, run: noPermit };

  expect(combine(own, new Semaphore(1)).isIdle).toBe(true);
});
