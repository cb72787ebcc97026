import { expect, test } from "vitest";
import { Barrier, BarrierAbortedError, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test("holds everybody until all have come, tells each its place, and starts again", () =>
  withVirtualTime(async () => {
    const barrier = new Barrier(3);
    const passed: string[] = [];
    await taskGroup((group) => {
      for (const ms of [30, 10, 20, 40, 50, 60]) {
        group.spawn(async () => {
          await sleep(ms);
          const place = await barrier.wait();
          passed.push(`${ms}: ${place} at ${now()}`);
        });
      }
    });

    expect(passed.toSorted()).toEqual([
      "10: 0 at 30",
      "20: 1 at 30",
      "30: 2 at 30",
      "40: 0 at 60",
      "50: 1 at 60",
      "60: 2 at 60",
    ]);
  }));

test("a cancelled party leaves as if it had not come", () =>
  withVirtualTime(async () => {
    const barrier = new Barrier(2);
    const passed: number[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => moveOnAfter(5, () => barrier.wait()));
      await sleep(10);
      expect(barrier.statistics().waiting).toBe(0);
      group.spawn(async () => passed.push(await barrier.wait()));
      await sleep(10);
      expect(passed).toEqual([]);
      passed.push(await barrier.wait());
    });

    expect(new Set(passed)).toEqual(new Set([0, 1]));
  }));

test("abort turns everybody away until reset", () =>
  withVirtualTime(async () => {
    const barrier = new Barrier(2);
    await taskGroup(async (group) => {
      group.spawn(() => expect(barrier.wait()).rejects.toThrow(BarrierAbortedError));
      await sleep(1);
      barrier.abort();
      await expect(barrier.wait()).rejects.toThrow(BarrierAbortedError);
      barrier.reset();
      expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, isAborted: false });
    });
  }));

test("a barrier for one never waits", async () => {
  expect(await new Barrier(1).wait()).toBe(0);
  expect(() => new Barrier(0)).toThrow("Expected `parties` to be an integer of 1 or more");
});

test("a barrier for more than can come is refused", () => {
  expect(() => new Barrier(Infinity)).toThrow("Expected `parties` to be finite");
});

test("a party that is cancelled when the last one comes is not there", () =>
  withVirtualTime(async () => {
    const barrier = new Barrier(2);
    await taskGroup(async (group) => {
      const leaving = group.spawn((scope) => {
        // Between the cancellation and the end of the wait.
        scope.signal.addEventListener("abort", () => group.spawn(() => barrier.wait()));
        return barrier.wait();
      });
      leaving.cancel();
      expect(barrier.statistics().waiting).toBe(1);
      expect(await barrier.wait()).toBe(1);
    });
  }));
