import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, virtually } from "../../test/core/helpers.ts";
import { type Task, Cancelled, Event, cancelScope, checkpoint, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test(
  "set wakes everybody who waits, in the order of arrival, and later waits do not wait",
  virtually(async () => {
    const event = new Event();
    const log: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["a", "b", "c"]) group.spawn(async () => (await event.wait(), log.push(name)));
      expect(event.statistics()).toEqual({ isSet: false, waiting: 3 });
      await sleep(5);
      expect(log).toEqual([]);
      event.set();
    });
    await event.wait();

    expect(log).toEqual(["a", "b", "c"]);
    expect(now()).toBe(5);
    expect([event.isSet, event.statistics()]).toEqual([true, { isSet: true, waiting: 0 }]);
    expect(Object.isFrozen(event.statistics())).toBe(true);
  }),
);

test(
  "clear takes the flag back, and whoever was woken stays woken",
  virtually(async () => {
    const event = new Event();
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(async () => (await event.wait(), log.push("woken")));
      event.set();
      event.clear();
      expect(event.isSet).toBe(false);
    });

    expect(log).toEqual(["woken"]);
    expect(await moveOnAfter(5, () => event.wait().then(() => "set"))).toBeUndefined();
    expect(event.statistics()).toEqual({ isSet: false, waiting: 0 });
  }),
);

test(
  "setting twice is setting once",
  virtually(async () => {
    const event = new Event();
    event.set();
    event.set();
    await event.wait();
    event.clear();
    event.clear();

    expect(event.isSet).toBe(false);
  }),
);

test(
  "an event set before the cancellation arrives was waited for, and the next checkpoint throws",
  virtually(async () => {
    const event = new Event();
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const waiting = event.wait();
      event.set();
      scope.cancel();
      log.push(await waiting, await thrownBy(checkpoint()), await thrownBy(event.wait()));
    });

    expect(log).toEqual([undefined, expect.any(Cancelled), expect.any(Cancelled)]);
  }),
);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant("wait" as const) },
  fc.constantFrom("set", "clear", "pause"),
  { weight: 2, arbitrary: fc.nat() },
);

test("whatever the order of wait, set, clear and cancel: who waits when it is set is woken, and nobody else", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
      withVirtualTime(async () => {
        const event = new Event();
        const model = { isSet: false, waiting: new Set<number>(), woken: new Set<number>() };
        const woken = new Set<number>();
        const tasks: Task<void>[] = [];
        await taskGroup(async (group) => {
          for (const next of steps) {
            if (next === "wait") {
              const id = tasks.length;
              (model.isSet ? model.woken : model.waiting).add(id);
              tasks.push(group.spawn(async () => (await event.wait(), void woken.add(id))));
            } else if (next === "set") {
              event.set();
              model.isSet = true;
              for (const id of model.waiting) model.woken.add(id);
              model.waiting.clear();
            } else if (next === "clear") {
              event.clear();
              model.isSet = false;
            } else if (next === "pause") await loopTurns();
            else if (tasks.length > 0) {
              tasks[next % tasks.length]!.cancel();
              model.waiting.delete(next % tasks.length);
            }
            expect(event.statistics()).toEqual({ isSet: model.isSet, waiting: model.waiting.size });
          }
          await loopTurns();
          group.cancel();
        });

        expect(woken).toEqual(model.woken);
      }),
    ),
    times(80),
  ));
