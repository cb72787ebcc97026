import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { Barrier } from "../index.ts";

type Step = { readonly do: "wait"; readonly who: Who } | { readonly do: "abort" | "reset" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("wait" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("abort" as const, "reset" as const) }) },
);

class BarrierModel extends Model {
  isAborted = false;
  readonly waiting: { id: number }[] = [];
  readonly parties: number;

  constructor(parties: number) {
    super();
    this.parties = parties;
  }

  wait(id: number): void {
    this.waiting.push({ id });
    if (this.isAborted) this.turnAway();
    else if (this.waiting.length === this.parties) {
      for (const [place, party] of this.waiting.splice(0).entries()) this.outcomes.set(party.id, place);
    }
  }

  turnAway(): void {
    for (const { id } of this.waiting.splice(0)) this.outcomes.set(id, "BARRIER_ABORTED");
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
  }

  statistics(): object {
    return { parties: this.parties, waiting: this.waiting.length, isAborted: this.isAborted };
  }
}

test("a barrier opens when all parties are there, and a party that was cancelled has never come", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, step), fc.integer({ min: 1, max: 4 }), async (steps, parties) => {
      const barrier = new Barrier(parties);
      await follow<Step, BarrierModel>(steps, barrier, new BarrierModel(parties), (next, callers) => {
        const { model } = callers;
        switch (next.do) {
          case "wait":
            callers.start(
              next.who,
              () => barrier.wait(),
              (id) => model.wait(id),
            );
            break;
          case "abort":
          case "reset":
            barrier[next.do]();
            model.isAborted = next.do === "abort";
            model.turnAway();
            break;
          default:
            next satisfies never;
        }
      });
    }),
    runs,
  ));
