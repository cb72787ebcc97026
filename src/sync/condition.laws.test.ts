import { deepStrictEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { Condition, Lock, moveOnAfter, shield, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

type Step =
  | { readonly do: "wait"; readonly who: Who }
  | { readonly do: "hold"; readonly who: Who; readonly ms: number }
  | { readonly do: "notify"; readonly n: number };

const notify = fc.record({ do: fc.constant("notify" as const), n: fc.constantFrom(0, 1, 1, 1, 2, Infinity) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hold" as const), who, ms: fc.nat(4) }) },
  { weight: 3, arbitrary: notify },
);

class ConditionModel extends Model {
  readonly waiting: { id: number }[] = [];
  /** In the order of their notifications. */
  readonly notified: number[] = [];

  notify(n: number): void {
    for (const { id } of this.waiting.splice(0, n)) {
      this.outcomes.set(id, "notified");
      this.notified.push(id);
    }
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
  }

  statistics(): object {
    return { waiting: this.waiting.length };
  }
}

/** A lock's holders, who see to it that they are alone. */
class Inside {
  readonly #lock: Lock;
  #holder: number | undefined = undefined;

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  enter(id: number): void {
    equal(this.#holder, undefined);
    equal(this.#lock.isLocked, true);
    this.#holder = id;
  }

  leave(id: number): void {
    equal(this.#holder, id);
    this.#holder = undefined;
  }
}

test("a notification wakes who has waited longest and is not cancelled, and the lock is held again after every wait", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, notify), async (steps) => {
      const lock = new Lock();
      const condition = new Condition(lock);
      const inside = new Inside(lock);
      const model = new ConditionModel();
      const woken: number[] = [];
      const waitOnce = (id: number): Promise<string> =>
        condition.run(async () => {
          inside.enter(id);
          try {
            inside.leave(id);
            if (!model.outcomes.has(id)) model.waiting.push({ id });
            await condition.wait().finally(() => inside.enter(id));
            woken.push(id);
            return "notified";
          } finally {
            inside.leave(id);
          }
        });
      const hold = (id: number, ms: number): Promise<void> =>
        lock.run(async () => {
          inside.enter(id);
          await shield(() => sleep(ms)).finally(() => inside.leave(id));
          model.outcomes.set(id, "done");
        });
      const waiting = { statistics: () => ({ waiting: condition.statistics().waiting }) };
      await follow<Step, ConditionModel>(
        steps,
        waiting,
        model,
        (next, callers) => {
          switch (next.do) {
            case "wait":
              callers.start(next.who, waitOnce, () => {});
              break;
            case "hold":
              callers.start(
                next.who,
                (id) => hold(id, next.ms),
                () => {},
              );
              break;
            case "notify":
              condition.notify(next.n);
              model.notify(next.n);
              break;
            default:
              next satisfies never;
          }
        },
        // Somebody may hold the lock that a waiter must have back.
        { lagMs: 1_000 },
      );
      deepStrictEqual(woken, model.notified);
      equal(lock.isLocked, false);
    }),
    runs,
  ));

const job = fc.record({
  atMs: fc.nat(20),
  giveUpMs: fc.oneof(fc.constant(Infinity), fc.nat(20)),
  workMs: fc.nat(3),
});

test("with waitFor, nobody goes on waiting for what is there, whoever gives up meanwhile", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(job, { minLength: 1, maxLength: 8 }),
      fc.array(job, { minLength: 1, maxLength: 8 }),
      (producers, consumers) =>
        withVirtualTime(async () => {
          const filled = new Condition();
          let stock = 0;
          let produced = 0;
          let consumed = 0;
          await taskGroup(async (group) => {
            for (const { atMs, workMs, giveUpMs } of producers) {
              group.spawn(async () => {
                await sleep(atMs);
                await moveOnAfter(giveUpMs, () =>
                  filled.run(async () => {
                    await sleep(workMs);
                    stock++;
                    produced++;
                    filled.notify();
                  }),
                );
              });
            }
            for (const { atMs, giveUpMs, workMs } of consumers) {
              group.spawn(async () => {
                await sleep(atMs);
                await moveOnAfter(giveUpMs, () =>
                  filled.run(async () => {
                    await filled.waitFor(() => stock > 0);
                    stock--;
                    consumed++;
                    await sleep(workMs);
                  }),
                );
              });
            }
            await sleep(1_000);
            equal(stock > 0 && filled.statistics().waiting > 0, false);
            group.cancel();
          });
          equal(consumed + stock, produced);
          deepStrictEqual(filled.statistics(), Object.freeze({ waiting: 0, isLocked: false }));
        }),
    ),
    runs,
  ));
