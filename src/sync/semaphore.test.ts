import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Permit,
  type Task,
  Cancelled,
  Semaphore,
  cancelScope,
  checkpoint,
  map,
  moveOnAfter,
  now,
  sleep,
  taskGroup,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test(
  "at most `limit` holders are in, first come, first served",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    const log: string[] = [];
    await taskGroup((group) => {
      for (const name of ["a", "b", "c", "d"]) {
        group.spawn(() =>
          semaphore.run(async () => {
            log.push(`${name} in`);
            await sleep(10);
            log.push(`${name} out`);
          }),
        );
      }
    });

    expect(log).toEqual(["a in", "b in", "a out", "b out", "c in", "d in", "c out", "d out"]);
  }),
);

test(
  "a permit is released by using, once by release, and releasing again throws",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    {
      using permit = await semaphore.acquire();
      expect(permit).toBeDefined();
      expect(semaphore.statistics().inUse).toBe(1);
    }
    expect(semaphore.statistics().inUse).toBe(0);

    using permit = await semaphore.acquire();
    permit.release();
    expect(() => permit.release()).toThrow("This permit was released before");
    expect(semaphore.statistics().inUse).toBe(0);
  }),
);

test(
  "run gives the permit back whatever becomes of its function",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    const error = new Error("no");

    expect(await semaphore.run(() => 1)).toBe(1);
    expect(await thrownBy(semaphore.run(() => Promise.reject(error)))).toBe(error);
    expect(
      await thrownBy(
        semaphore.run(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    await cancelScope((scope) => semaphore.run(() => (scope.cancel(), checkpoint())));
    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
  }),
);

test(
  "tryAcquire never waits, and never overtakes somebody who does",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    const first = semaphore.tryAcquire();
    const second = semaphore.tryAcquire(1);
    expect(semaphore.tryAcquire()).toBeUndefined();
    await taskGroup((group) => {
      group.spawn(async () => (await semaphore.acquire(2)).release());
      first?.release();
      // One is free now, and kept for the one who waits for two.
      expect(semaphore.tryAcquire()).toBeUndefined();
      second?.release();
    });

    expect(semaphore.statistics()).toEqual({ limit: 2, inUse: 0, waiting: 0 });
  }),
);

test(
  "a heavy waiter is not starved by light ones behind it",
  virtually(async () => {
    const semaphore = new Semaphore(3);
    const log: string[] = [];
    await taskGroup((group) => {
      const hold = (name: string, weight: number): unknown =>
        group.spawn(async () => {
          using permit = await semaphore.acquire(weight);
          expect(permit).toBeDefined();
          log.push(name);
          await sleep(10);
        });
      hold("light 1", 1);
      hold("heavy", 3);
      hold("light 2", 1);
      hold("light 3", 2);
    });

    expect(log).toEqual(["light 1", "heavy", "light 2", "light 3"]);
  }),
);

test(
  "when the first in the queue leaves, those behind it who fit are let in",
  virtually(async () => {
    const semaphore = new Semaphore(2);
    const log: string[] = [];
    await taskGroup(async (group) => {
      using holder = await semaphore.acquire();
      expect(holder).toBeDefined();
      const heavy = group.spawn(() => semaphore.acquire(2));
      group.spawn(async () => {
        using permit = await semaphore.acquire();
        log.push("light");
        expect(permit).toBeDefined();
      });
      await checkpoint();
      expect(log).toEqual([]);
      heavy.cancel();
      await checkpoint();
      expect(log).toEqual(["light"]);
    });
  }),
);

test(
  "raising the limit lets waiters in at once, lowering it takes effect as permits come back",
  virtually(async () => {
    const semaphore = new Semaphore(0);
    const permits: Permit[] = [];
    await taskGroup(async (group) => {
      for (let n = 0; n < 5; n++) group.spawn(async () => permits.push(await semaphore.acquire()));
      await checkpoint();
      expect(permits.length).toBe(0);
      semaphore.limit = 3;
      await checkpoint();
      expect(permits.length).toBe(3);

      semaphore.limit = 1;
      expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 3, waiting: 2 });
      permits.shift()?.release();
      permits.shift()?.release();
      await checkpoint();
      expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 1, waiting: 2 });
      semaphore.limit = Infinity;
      await checkpoint();
      expect(semaphore.statistics()).toEqual({ limit: Infinity, inUse: 3, waiting: 0 });
    });
    for (const permit of permits) permit.release();

    expect(semaphore.statistics().inUse).toBe(0);
    expect(semaphore.limit).toBe(Infinity);
  }),
);

test(
  "a waiter that has become heavier than the limit goes alone, instead of waiting for ever and holding up others",
  virtually(async () => {
    const semaphore = new Semaphore(4);
    const log: string[] = [];
    await taskGroup(async (group) => {
      const hold = (name: string, weight: number): unknown =>
        group.spawn(async () => {
          using permit = await semaphore.acquire(weight);
          expect(permit).toBeDefined();
          log.push(`${name} at ${now()}: ${semaphore.statistics().inUse}`);
          await sleep(10);
        });
      hold("first", 4);
      hold("heavy", 3);
      hold("light", 1);
      hold("another", 1);
      semaphore.limit = 2;
      expect(semaphore.tryAcquire()).toBeUndefined();
      await sleep(15);
      semaphore.limit = 0;
      await sleep(15);
      semaphore.limit = 2;
    });

    expect(log).toEqual(["first at 0: 4", "heavy at 10: 3", "light at 30: 2", "another at 30: 2"]);
  }),
);

test("it is idle when nothing is in use, nobody waits, and the limit is what it was made with", () =>
  withVirtualTime(async () => {
    const semaphore = new Semaphore(1);
    expect(semaphore.isIdle).toBe(true);
    const permit = await semaphore.acquire();
    expect(semaphore.isIdle).toBe(false);
    permit.release();
    expect(semaphore.isIdle).toBe(true);
    semaphore.limit = 2;

    expect(semaphore.isIdle).toBe(false);
  }));

test(
  "a permit granted before the cancellation arrives is received, and the next checkpoint throws",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const first = await semaphore.acquire();
      const waiting = semaphore.acquire();
      first.release();
      scope.cancel();
      using permit = await waiting;
      expect(permit).toBeDefined();
      log.push(semaphore.statistics().inUse, await thrownBy(checkpoint()));
    });

    expect(log).toEqual([1, expect.any(Cancelled)]);
    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
  }),
);

test(
  "acquire in a cancelled scope throws although a permit is free",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    await cancelScope(async (scope) => {
      scope.cancel();
      expect(await thrownBy(semaphore.acquire())).toBeInstanceOf(Cancelled);
    });

    expect(semaphore.statistics().inUse).toBe(0);
  }),
);

test(
  "a whole group of holders and waiters can be cancelled, and nothing is held afterwards",
  virtually(async () => {
    const semaphore = new Semaphore(3);
    await taskGroup(async (group) => {
      for (let n = 1; n <= 20; n++) {
        group.spawn(async () => {
          using permit = await semaphore.acquire((n % 3) + 1);
          expect(permit).toBeDefined();
          await sleep(Infinity);
        });
      }
      await checkpoint();
      group.cancel();
    });

    expect(semaphore.statistics()).toEqual({ limit: 3, inUse: 0, waiting: 0 });
  }),
);

test("wrong limits and weights are refused", async () => {
  for (const limit of [-1, 1.5, NaN]) {
    expect(() => new Semaphore(limit)).toThrow(RangeError);
    expect(() => (new Semaphore(1).limit = limit)).toThrow(RangeError);
  }
  expect(() => new Semaphore("1" as unknown as number)).toThrow(
    "Expected `limit` to be an integer of 0 or more, got `1` (string)",
  );
  const semaphore = new Semaphore(3);
  for (const weight of [0, -1, 1.5, NaN, 4, Infinity]) {
    expect(() => semaphore.tryAcquire(weight)).toThrow(RangeError);
    expect(await thrownBy(semaphore.acquire(weight))).toBeInstanceOf(RangeError);
  }
  expect(() => semaphore.tryAcquire(4)).toThrow("at most the limit of 3, got `4`: it would wait for ever");

  expect(semaphore.statistics()).toEqual({ limit: 3, inUse: 0, waiting: 0 });
});

test("a semaphore without a limit counts on", async () => {
  const semaphore = new Semaphore(Infinity);
  expect(() => semaphore.tryAcquire(Infinity)).toThrow(RangeError);
  const permits = await Promise.all([semaphore.acquire(), semaphore.acquire(1_000_000)]);
  expect(semaphore.statistics().inUse).toBe(1_000_001);
  for (const permit of permits) permit.release();

  expect(semaphore.statistics().inUse).toBe(0);
});

test("statistics are a frozen picture of the moment", () => {
  const semaphore = new Semaphore(2);
  const before = semaphore.statistics();
  semaphore.tryAcquire();

  expect(Object.isFrozen(before)).toBe(true);
  expect(before).toEqual({ limit: 2, inUse: 0, waiting: 0 });
});

test(
  "a permit may be reported on, which a semaphore ignores",
  virtually(async () => {
    const semaphore = new Semaphore(1);
    using permit = await semaphore.acquire();
    permit.report({ ok: false, ms: 5 });

    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 1, waiting: 0 });
  }),
);

test(
  "a waiter in a scope that ends leaves the queue",
  virtually(async () => {
    const semaphore = new Semaphore(0);
    let floating: Promise<unknown> | undefined;
    await cancelScope(() => {
      floating = thrownBy(semaphore.acquire());
    });

    expect(await floating).toMatchObject({ code: "SCOPE_CLOSED" });
    expect(semaphore.statistics().waiting).toBe(0);
  }),
);

test.for([
  ["one by one, oldest first", 15_000],
  ["one by one, newest first", 15_000],
  ["all at once", 100_000],
] as const)("very many waiters are cancelled in no time, %s", ([order, count]) =>
  withVirtualTime(async () => {
    const semaphore = new Semaphore(0);
    await taskGroup(async (group) => {
      const tasks = Array.from({ length: count }, () => group.spawn(() => semaphore.acquire()));
      expect(semaphore.statistics().waiting).toBe(count);
      if (order === "all at once") group.cancel();
      else for (const task of order === "one by one, oldest first" ? tasks : tasks.reverse()) task.cancel();
      expect(semaphore.statistics().waiting).toBe(0);
    });
  }),
);

/** What is done to the semaphore next. Which of the tasks is meant is chosen by `pick`. */
type Step =
  | { readonly do: "acquire"; readonly weight: number }
  | { readonly do: "tryAcquire"; readonly weight: number }
  | { readonly do: "cancel" | "release"; readonly pick: number }
  | { readonly do: "limit"; readonly limit: number }
  | { readonly do: "pause" };

const weight = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("acquire" as const), weight }) },
  fc.record({ do: fc.constant("tryAcquire" as const), weight }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), pick: fc.nat() }) },
  fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 3, max: 6 }) }),
  { weight: 2, arbitrary: fc.constant({ do: "pause" as const }) },
);

interface Holder {
  readonly id: number;
  readonly weight: number;
}

/** A semaphore so simple that it must be right. */
class Model {
  limit = 3;
  waiting: Holder[] = [];
  inside: Holder[] = [];

  get inUse(): number {
    return this.inside.reduce((sum, holder) => sum + holder.weight, 0);
  }

  letIn(): void {
    for (let first = this.waiting[0]; first !== undefined && this.inUse + first.weight <= this.limit;) {
      this.inside.push(first);
      this.waiting.shift();
      first = this.waiting[0];
    }
  }
}

test("whatever the order of acquire, cancel, release and new limits: no permit is lost, doubled, or given out of turn", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
      withVirtualTime(async (root) => {
        const semaphore = new Semaphore(3);
        const model = new Model();
        const tasks = new Map<number, Task<void>>();
        const permits = new Map<number, Permit>();
        /** Ids in the order in which their permits were received. */
        const received: number[] = [];
        const expectedOrder: number[] = [];
        let lastId = 0;
        const compare = (): void => {
          for (const { id } of model.inside) if (!expectedOrder.includes(id)) expectedOrder.push(id);
          expect(semaphore.statistics()).toEqual({
            limit: model.limit,
            inUse: model.inUse,
            waiting: model.waiting.length,
          });
        };
        await taskGroup(async (group) => {
          for (const next of steps) {
            switch (next.do) {
              case "acquire": {
                const holder = { id: ++lastId, weight: next.weight };
                model.waiting.push(holder);
                model.letIn();
                const task = group.spawn(async () => {
                  permits.set(holder.id, await semaphore.acquire(holder.weight));
                  received.push(holder.id);
                });
                tasks.set(holder.id, task);
                break;
              }
              case "tryAcquire": {
                const isTaken = model.waiting.length > 0 || model.inUse + next.weight > model.limit;
                const permit = semaphore.tryAcquire(next.weight);
                if (isTaken !== (permit === undefined)) throw new Error(`it is ${isTaken ? "" : "not "}taken`);
                if (permit === undefined) break;
                const holder = { id: ++lastId, weight: next.weight };
                model.inside.push(holder);
                permits.set(holder.id, permit);
                received.push(holder.id);
                expectedOrder.push(holder.id);
                break;
              }
              case "cancel": {
                const all = [...tasks];
                if (all.length === 0) break;
                const [id, task] = all[next.pick % all.length]!;
                task.cancel();
                // One who is let in already keeps the permit, received or not.
                model.waiting = model.waiting.filter((holder) => holder.id !== id);
                model.letIn();
                break;
              }
              case "release": {
                if (model.inside.length === 0) break;
                const [holder] = model.inside.splice(next.pick % model.inside.length, 1);
                if (!permits.has(holder!.id)) await loopTurns();
                permits.get(holder!.id)!.release();
                permits.delete(holder!.id);
                model.letIn();
                break;
              }
              case "limit":
                semaphore.limit = next.limit;
                model.limit = next.limit;
                model.letIn();
                break;
              case "pause":
                await loopTurns();
                break;
              default:
                next satisfies never;
            }
            compare();
          }
          await loopTurns();
          expect(received.toSorted((a, b) => a - b)).toEqual(expectedOrder.toSorted((a, b) => a - b));
          expect([...permits.keys()].toSorted((a, b) => a - b)).toEqual(
            model.inside.map(({ id }) => id).toSorted((a, b) => a - b),
          );
          group.cancel();
        });
        for (const permit of permits.values()) permit.release();

        expect(semaphore.statistics()).toEqual({ limit: model.limit, inUse: 0, waiting: 0 });
        expect(whatIsLeft(root)).toEqual([]);
      }),
    ),
    times(150),
  ));

test("under load from many tasks with random times and cancellations the limit holds", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(20), holdMs: fc.nat(20), giveUpAfterMs: fc.nat(30), weight }), { maxLength: 40 }),
      (jobs) =>
        withVirtualTime(async () => {
          const semaphore = new Semaphore(4);
          let inside = 0;
          await map(
            jobs,
            async (job) => {
              await sleep(job.at);
              await moveOnAfter(job.giveUpAfterMs, async () => {
                using permit = await semaphore.acquire(job.weight);
                expect(permit).toBeDefined();
                inside += job.weight;
                try {
                  expect(inside).toBeLessThanOrEqual(4);
                  await sleep(job.holdMs);
                } finally {
                  inside -= job.weight;
                }
              });
            },
            { concurrency: 1_000 },
          );

          expect(semaphore.statistics()).toEqual({ limit: 4, inUse: 0, waiting: 0 });
        }),
    ),
    times(40),
  ));
