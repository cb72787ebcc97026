import { equal } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { type Permit, Semaphore } from "../index.ts";

type Step =
  | { readonly do: "acquire"; readonly who: Who; readonly weight: number }
  | { readonly do: "tryAcquire"; readonly weight: number }
  | { readonly do: "release"; readonly pick: number }
  | { readonly do: "limit"; readonly limit: number };

const weight = fc.integer({ min: 1, max: 3 });
const release = fc.record({ do: fc.constant("release" as const), pick: fc.nat() });
const limit = fc.record({ do: fc.constant("limit" as const), limit: fc.constantFrom(0, 3, 4, 6, 2) });
/** A listener that lowers the limit would come before or after who is let in, and both would be right. */
const raise = fc.constant({ do: "limit" as const, limit: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("acquire" as const), who, weight }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tryAcquire" as const), weight }) },
  { weight: 3, arbitrary: release },
  { weight: 1, arbitrary: limit },
);

class SemaphoreModel extends Model {
  limit = 3;
  inUse = 0;
  readonly waiting: { id: number; weight: number }[] = [];

  /** What is heavier than a limit that was lowered goes alone. */
  fits(n: number): boolean {
    return this.inUse + n <= this.limit || (this.inUse === 0 && this.limit > 0);
  }

  letIn(): void {
    for (let first = this.waiting[0]; first !== undefined && this.fits(first.weight);) {
      this.inUse += first.weight;
      this.outcomes.set(first.id, first.weight);
      this.waiting.shift();
      first = this.waiting[0];
    }
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
    this.letIn();
  }

  statistics(): object {
    return { limit: this.limit, inUse: this.inUse, waiting: this.waiting.length };
  }
}

test("no permit of a semaphore is lost, doubled, or given out of turn or to who was cancelled before", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, fc.oneof(release, raise)), async (steps) => {
      const semaphore = new Semaphore(3);
      const model = new SemaphoreModel();
      const permits: { permit: Permit; weight: number }[] = [];
      await follow<Step, SemaphoreModel>(
        steps,
        semaphore,
        model,
        (next, callers) => {
          // More than the limit is refused at the door, unless the limit is 0: then it is waited for.
          const most = model.limit === 0 ? 3 : model.limit;
          switch (next.do) {
            case "acquire": {
              const n = Math.min(next.weight, most);
              const acquire = async (): Promise<number> => {
                permits.push({ permit: await semaphore.acquire(n), weight: n });
                return n;
              };
              callers.start(next.who, acquire, (id) => {
                model.waiting.push({ id, weight: n });
                model.letIn();
              });
              break;
            }
            case "tryAcquire": {
              const n = Math.min(next.weight, most);
              const permit = semaphore.tryAcquire(n);
              equal(permit !== undefined, model.waiting.length === 0 && model.fits(n));
              if (permit === undefined) break;
              permits.push({ permit, weight: n });
              model.inUse += n;
              break;
            }
            case "release": {
              // Also by who has only just got it: everybody else's continuation is still to come.
              const [taken] = permits.splice(next.pick % Math.max(1, permits.length), 1);
              if (taken === undefined) break;
              taken.permit.release();
              model.inUse -= taken.weight;
              model.letIn();
              break;
            }
            case "limit":
              semaphore.limit = next.limit;
              model.limit = next.limit;
              model.letIn();
              break;
            default:
              next satisfies never;
          }
        },
        {
          tidyUp: () => {
            for (const { permit } of permits) permit.release();
          },
        },
      );
      equal(semaphore.statistics().inUse, 0);
    }),
    runs,
  ));
