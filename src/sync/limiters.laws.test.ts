/** What every limiter promises, whatever is cancelled where, and in whatever order things happen. */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { whatIsLeft } from "../../test/core/helpers.ts";
import {
  AdaptiveLimiter,
  CircuitBreaker,
  KeyedLimiter,
  type Limiter,
  RateLimiter,
  Semaphore,
  cancelScope,
  combine,
  isCancelled,
  moveOnAfter,
  sleep,
  taskGroup,
} from "../index.ts";
import { cancelEverywhere, explore, withVirtualTime } from "../testing/index.ts";

/** A limiter, and what of it must be as it was when everybody has gone. */
interface Case {
  readonly limiter: Limiter;
  /** How much may be in at once. */
  readonly limit: number;
  readonly left: () => unknown;
}

const rate = (): RateLimiter => new RateLimiter({ limit: 3, perMs: 10 });
const pool = (): Semaphore => new Semaphore(3);
const waitingAt = (limiter: RateLimiter): number => limiter.statistics().waiting;

const cases: Record<string, () => Case> = {
  Semaphore() {
    const limiter = pool();
    return { limiter, limit: 3, left: () => limiter.isIdle };
  },
  "RateLimiter, token bucket"() {
    const limiter = rate();
    return { limiter, limit: Infinity, left: () => waitingAt(limiter) };
  },
  "RateLimiter, sliding window"() {
    const limiter = new RateLimiter({ limit: 3, perMs: 10, algorithm: "sliding-window" });
    return { limiter, limit: Infinity, left: () => waitingAt(limiter) };
  },
  "AdaptiveLimiter, gradient"() {
    const limiter = new AdaptiveLimiter({ initial: 3, max: 3 });
    return { limiter, limit: 3, left: () => [limiter.statistics().inUse, limiter.statistics().waiting] };
  },
  "AdaptiveLimiter, AIMD"() {
    const limiter = new AdaptiveLimiter({ initial: 3, max: 3, algorithm: "aimd" });
    return { limiter, limit: 3, left: () => [limiter.statistics().inUse, limiter.statistics().waiting] };
  },
  CircuitBreaker() {
    const limiter = new CircuitBreaker({ failureThreshold: 100, resetMs: 10 });
    return { limiter, limit: Infinity, left: () => limiter.statistics().inUse };
  },
  KeyedLimiter() {
    const keyed = new KeyedLimiter(pool);
    return { limiter: keyed.for("key"), limit: 3, left: () => keyed.statistics() };
  },
  "combine, the rate last"() {
    const slots = pool();
    const paced = rate();
    return { limiter: combine(slots, paced), limit: 3, left: () => [slots.isIdle, waitingAt(paced)] };
  },
  "combine, the rate first, and all kinds"() {
    const [paced, slots, adaptive] = [rate(), pool(), new AdaptiveLimiter({ min: 2, max: 5 })];
    const keyed = new KeyedLimiter(() => new Semaphore(2));
    const breaker = new CircuitBreaker({ failureThreshold: 100, resetMs: 10 });
    return {
      limiter: combine(paced, slots, adaptive, combine(keyed.for("key"), breaker)),
      limit: 2,
      left: () => [
        waitingAt(paced),
        slots.isIdle,
        adaptive.statistics().inUse,
        keyed.statistics(),
        breaker.statistics().inUse,
      ],
    };
  },
};

/** Does some work with permits, and looks that never too much is in at once. */
class Work {
  inside = 0;
  readonly #case: Case;

  constructor(each: Case) {
    this.#case = each;
  }

  async hold(weight: number, ms: number): Promise<void> {
    using permit = await this.#case.limiter.acquire(weight);
    this.inside += weight;
    try {
      if (this.inside > this.#case.limit) throw new Error(`${this.inside} are in`);
      await sleep(ms);
      permit.report({ ok: weight > 1, ms });
    } finally {
      this.inside -= weight;
    }
  }
}

describe.for(Object.entries(cases))("%s", ([, make]) => {
  test("whoever is cancelled when: the limit holds, everybody else gets a permit, and none is lost", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            at: fc.nat(20),
            weight: fc.constantFrom(1, 1, 2),
            holdMs: fc.nat(15),
            giveUpMs: fc.oneof(fc.constant(Infinity), fc.nat(30)),
            isTrying: fc.boolean(),
          }),
          { maxLength: 30, size: "max" },
        ),
        (jobs) =>
          withVirtualTime(async (root) => {
            const each = make();
            const before = each.left();
            const work = new Work(each);
            const got = new Set<number>();
            await taskGroup((group) => {
              for (const [id, { at, weight, holdMs, giveUpMs, isTrying }] of jobs.entries()) {
                group.spawn(async () => {
                  await sleep(at);
                  if (isTrying) each.limiter.tryAcquire(weight)?.release();
                  await moveOnAfter(giveUpMs, () => work.hold(weight, holdMs).then(() => got.add(id)));
                });
              }
            });

            const patient = [...jobs.keys()].filter((id) => jobs[id]!.giveUpMs === Infinity);
            deepStrictEqual(
              patient.filter((id) => !got.has(id)),
              [],
            );
            deepStrictEqual([work.inside, each.left(), whatIsLeft(root)], [0, before, []]);
          }),
      ),
      { numRuns: 100 },
    ));

  test("first come, first served", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ weight: fc.constantFrom(1, 1, 2), holdMs: fc.nat(15), isLeaving: fc.boolean() }), {
          maxLength: 20,
          size: "max",
        }),
        (jobs) =>
          withVirtualTime(async () => {
            const { limiter } = make();
            const order: number[] = [];
            await taskGroup((group) => {
              for (const [id, { weight, holdMs, isLeaving }] of jobs.entries()) {
                const task = group.spawn(async () => {
                  using permit = await limiter.acquire(weight);
                  order.push(id);
                  await sleep(holdMs);
                  permit.report({ ok: true, ms: holdMs });
                });
                if (isLeaving) group.spawn(async () => (await sleep(id), task.cancel()));
              }
            });

            deepStrictEqual(
              order,
              order.toSorted((a, b) => a - b),
            );
          }),
      ),
      { numRuns: 100 },
    ));

  const program = async (): Promise<void> => {
    const each = make();
    const before = each.left();
    const work = new Work(each);
    try {
      await taskGroup((group) => {
        for (const weight of [1, 2, 1, 1]) group.spawn(() => work.hold(weight, 10));
        group.spawn(() => cancelScope(async (scope) => (group.spawn(() => scope.cancel()), await work.hold(2, 5))));
        group.spawn(async () => {
          await sleep(10);
          each.limiter.tryAcquire()?.release();
          await moveOnAfter(1, () => each.limiter.run(() => sleep(2)));
        });
      });
    } finally {
      deepStrictEqual([work.inside, each.left()], [0, before]);
    }
  };

  test("cancelled at any of its checkpoints, in any order: nothing is left", async () => {
    for (const cancel of ["everything", "task"] as const) {
      const sweep = await cancelEverywhere(program, { cancel, allow: isCancelled });
      expect(sweep.runs).toBeGreaterThan(20);
    }
    const sweep = await cancelEverywhere(program, { seeds: 3 });
    expect(sweep.runs).toBeGreaterThan(60);
  });

  test("in any order of what happens at once: it ends, and nothing is left", async () => {
    const { orders } = await explore(program, { seeds: 50 });

    expect(orders).toBeGreaterThan(10);
  });
});
