import { expect, test } from "vitest";
import { Condition, Lock, cancelScope, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test("notify wakes as many as asked, longest waiting first, and each has the lock", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const condition = new Condition(lock);
    const woken: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["a", "b", "c"]) {
        group.spawn(() =>
          condition.run(async () => {
            await condition.wait();
            expect(lock.isLocked).toBe(true);
            woken.push(name);
          }),
        );
      }
      await sleep(1);
      await condition.run(() => condition.notify(2));
      await sleep(1);
      expect(woken).toEqual(["a", "b"]);
      condition.notifyAll();
    });

    expect(woken).toEqual(["a", "b", "c"]);
    expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
  }));

test("a cancelled waiter does not count, and takes the lock back before it throws", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    const log: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() =>
        moveOnAfter(5, () =>
          condition.run(async () => {
            try {
              await condition.wait();
            } finally {
              log.push(`cut at ${now()}, locked ${condition.statistics().isLocked}`);
            }
          }),
        ),
      );
      group.spawn(() =>
        condition.run(async () => {
          await condition.wait();
          log.push("notified");
        }),
      );
      await sleep(1);
      // Holds the lock while the first waiter is cancelled: it waits for the lock before it goes on.
      await condition.run(() => sleep(9));
      await sleep(1);
      condition.notify();
    });

    expect(log).toEqual(["cut at 10, locked true", "notified"]);
  }));

test("waitFor does not wait when the predicate holds, and waits again when it does not yet", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    let stock = 0;
    await taskGroup(async (group) => {
      await condition.run(() => condition.waitFor(() => stock === 0));
      group.spawn(() => condition.run(() => condition.waitFor(() => stock >= 2)));
      for (let count = 0; count < 2; count++) {
        await sleep(1);
        await condition.run(() => {
          stock++;
          condition.notify();
        });
      }
    });

    expect(now()).toBe(2);
  }));

test("two conditions may share a lock", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const [full, empty] = [new Condition(lock), new Condition(lock)];
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(() =>
        lock.run(async () => {
          await full.wait();
          log.push("full");
          empty.notify();
        }),
      );
      group.spawn(() =>
        lock.run(async () => {
          full.notify();
          await empty.wait();
          log.push("empty");
        }),
      );
    });

    expect(log).toEqual(["full", "empty"]);
  }));

test("wait without the lock is refused", async () => {
  await expect(new Condition().wait()).rejects.toThrow("call it inside condition.run()");
});

test("in a cancelled scope wait throws and keeps the lock", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    let wasLocked = false;
    await cancelScope((scope) =>
      condition.run(async () => {
        scope.cancel();
        await condition.wait().finally(() => {
          wasLocked = condition.statistics().isLocked;
        });
      }),
    );

    expect(wasLocked).toBe(true);
    expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
  }));
