import { equal } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { Lock, type Permit } from "../index.ts";

type Step = { readonly do: "acquire"; readonly who: Who } | { readonly do: "tryAcquire" | "release" };

const release = fc.record({ do: fc.constant("release" as const) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("acquire" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tryAcquire" as const) }) },
  { weight: 4, arbitrary: release },
);

class LockModel extends Model {
  isLocked = false;
  readonly waiting: { id: number }[] = [];

  acquire(id: number): void {
    this.waiting.push({ id });
    this.letIn();
  }

  letIn(): void {
    const first = this.isLocked ? undefined : this.waiting.shift();
    if (first === undefined) return;
    this.isLocked = true;
    this.outcomes.set(first.id, "held");
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
  }

  statistics(): object {
    return { isLocked: this.isLocked, waiting: this.waiting.length };
  }
}

test("a lock has one holder at most, first come, first served, and is never lost on who was cancelled", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, release), async (steps) => {
      const lock = new Lock();
      const model = new LockModel();
      let held: Permit | undefined;
      await follow<Step, LockModel>(
        steps,
        lock,
        model,
        (next, callers) => {
          switch (next.do) {
            case "acquire": {
              const acquire = async (): Promise<string> => {
                const permit = await lock.acquire();
                equal(held, undefined);
                held = permit;
                return "held";
              };
              callers.start(next.who, acquire, (id) => model.acquire(id));
              break;
            }
            case "tryAcquire": {
              const permit = lock.tryAcquire();
              equal(permit !== undefined, !model.isLocked);
              if (permit === undefined) break;
              held = permit;
              model.isLocked = true;
              break;
            }
            case "release":
              if (held === undefined) break;
              held.release();
              held = undefined;
              model.isLocked = false;
              model.letIn();
              break;
            default:
              next satisfies never;
          }
        },
        { tidyUp: () => held?.release() },
      );
      equal(lock.isLocked, false);
    }),
    runs,
  ));
