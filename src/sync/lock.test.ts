import { expect, test } from "vitest";
import { Lock, cancelScope, moveOnAfter, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test("one holder at a time, first come, first served", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const log: string[] = [];
    await taskGroup((group) => {
      for (const name of ["a", "b", "c"]) {
        group.spawn(() =>
          lock.run(async () => {
            log.push(`${name} in`);
            await sleep(10);
            log.push(`${name} out`);
          }),
        );
      }
    });

    expect(log).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
    expect(lock.statistics()).toEqual({ isLocked: false, waiting: 0 });
  }));

test("a cancelled waiter leaves the queue and the next one gets the lock", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const log: string[] = [];
    await taskGroup(async (group) => {
      const permit = await lock.acquire();
      group.spawn(() => moveOnAfter(5, () => lock.run(() => log.push("cancelled"))));
      group.spawn(() => lock.run(() => log.push("next")));
      await sleep(10);
      expect(lock.statistics().waiting).toBe(1);
      permit.release();
    });

    expect(log).toEqual(["next"]);
  }));

test("tryAcquire takes the lock only when it is free", async () => {
  const lock = new Lock();
  const permit = lock.tryAcquire();

  expect(lock.isLocked).toBe(true);
  expect(lock.tryAcquire()).toBeUndefined();
  permit!.release();
  expect(lock.isLocked).toBe(false);
  expect(() => permit!.release()).toThrow("released before");
});

test("a lock granted before the cancellation is returned, and released by using", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    await taskGroup(async (group) => {
      const first = await lock.acquire();
      group.spawn(() =>
        cancelScope(async (scope) => {
          const waiting = lock.acquire();
          first.release();
          scope.cancel();
          using permit = await waiting;
          expect(permit).toBeDefined();
          await sleep(1);
        }),
      );
    });

    expect(lock.isLocked).toBe(false);
  }));

test("a lock released by hand is not released again by using", async () => {
  const lock = new Lock();
  {
    using permit = await lock.acquire();
    permit.release();
    using another = await lock.acquire();
    expect(another).not.toBe(permit);
    expect(lock.isLocked).toBe(true);
  }

  expect(lock.isLocked).toBe(false);
});
