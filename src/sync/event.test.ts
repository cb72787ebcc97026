import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { Cancelled, Event, cancelScope, checkpoint, moveOnAfter, now, sleep, taskGroup } from "../index.ts";

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
