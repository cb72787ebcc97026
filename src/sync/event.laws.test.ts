import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { Event } from "../index.ts";

type Step = { readonly do: "wait"; readonly who: Who } | { readonly do: "set" | "clear" };

const flip = fc.record({ do: fc.constantFrom("set" as const, "clear" as const) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), who }) },
  { weight: 1, arbitrary: flip },
);

class EventModel extends Model {
  isSet = false;
  readonly waiting: { id: number }[] = [];

  wait(id: number): void {
    this.waiting.push({ id });
    if (this.isSet) this.set();
  }

  set(): void {
    this.isSet = true;
    for (const { id } of this.waiting.splice(0)) this.outcomes.set(id, "done");
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
  }

  statistics(): object {
    return { isSet: this.isSet, waiting: this.waiting.length };
  }
}

test("who waits at an event when it is set is woken, and nobody else", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, step), async (steps) => {
      const event = new Event();
      await follow<Step, EventModel>(steps, event, new EventModel(), (next, callers) => {
        const { model } = callers;
        switch (next.do) {
          case "wait":
            callers.start(
              next.who,
              () => event.wait(),
              (id) => model.wait(id),
            );
            break;
          case "set":
            event.set();
            model.set();
            break;
          case "clear":
            event.clear();
            model.isSet = false;
            break;
          default:
            next satisfies never;
        }
      });
    }),
    runs,
  ));
