import { expect, test } from "vitest";
import {
  Condition,
  Lock,
  ScopeClosedError,
  cancelScope,
  gather,
  moveOnAfter,
  now,
  race,
  sleep,
  taskGroup,
} from "../index.ts";
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

const notHeld = "wait() was called without holding the lock: call it inside condition.run()";

test("wait without the lock is refused, also when there is no need to wait", async () => {
  await expect(new Condition().wait()).rejects.toThrow(notHeld);
  await expect(new Condition().waitFor(() => true)).rejects.toThrow(notHeld);
});

test("a task does not wait with the lock of another", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    await taskGroup(async (group) => {
      let isInside = false;
      group.spawn(() =>
        condition.run(async () => {
          isInside = true;
          await sleep(10);
          isInside = false;
        }),
      );
      group.spawn(() => expect(condition.wait()).rejects.toThrow(notHeld));
      group.spawn(() => condition.run(() => expect(isInside).toBe(false)));
    });
  }));

test("a task may wait with the lock of the task around it, and with one that was handed to it", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const condition = new Condition(lock);
    await taskGroup(async (group) => {
      const waiting = group.spawn(async () => {
        const winner = await lock.run(() => race([() => condition.wait(), () => sleep(50)]));
        expect([winner, now(), lock.isLocked]).toEqual([undefined, 1, false]);
      });
      await sleep(1);
      condition.notify();
      await waiting.join();
      const [permit] = await gather([() => lock.acquire()]);
      group.spawn(async () => (await sleep(1), condition.notify()));
      await condition.wait();
      permit.release();
    });

    expect(lock.isLocked).toBe(false);
  }));

test("two waits of one holder at a time are refused", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    await taskGroup(async (group) => {
      group.spawn(() =>
        condition.run(async () => {
          const first = condition.wait();
          await expect(condition.wait()).rejects.toThrow(notHeld);
          await first;
        }),
      );
      await sleep(1);
      condition.notify();
    });
  }));

test("a wait that nobody awaits is ended with its run: it neither keeps the lock nor swallows a notification", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      let forgotten: Promise<void> | undefined;
      await condition.run(() => {
        forgotten = condition.wait();
      });
      group.spawn(() => condition.run(() => condition.wait().then(() => log.push("notified"))));
      await expect(forgotten).rejects.toThrow("The lock was released while wait() waited");
      condition.notify();
    });

    expect(log).toEqual(["notified"]);
    expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
  }));

test("a permit that is released while its wait takes the lock back passes the notification on", () =>
  withVirtualTime(async () => {
    const lock = new Lock();
    const condition = new Condition(lock);
    const log: string[] = [];
    await taskGroup(async (group) => {
      const permit = await lock.acquire();
      const waiting = condition.wait();
      group.spawn(() => lock.run(() => sleep(10)));
      group.spawn(() => lock.run(() => condition.wait().then(() => log.push("notified instead"))));
      await sleep(15);
      const other = await lock.acquire();
      condition.notify();
      await sleep(1);
      permit.release();
      expect(() => permit.release()).toThrow("released before");
      other.release();
      await expect(waiting).rejects.toThrow("The lock was released while wait() waited");
    });

    expect(log).toEqual(["notified instead"]);
    expect(lock.isLocked).toBe(false);
  }));

/** Waits in a scope that ends meanwhile, and says when it goes on. */
function waitForgotten(condition: Condition, log: string[]): Promise<void> {
  return condition.run(async () => {
    try {
      await condition.wait();
    } finally {
      log.push(`behind wait at ${now()}`);
    }
  });
}

test("code that outlives its scope has the lock again behind its wait", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    const log: string[] = [];
    let forgotten: Promise<void> | undefined;
    await taskGroup(async (group) => {
      await taskGroup(async () => {
        forgotten = waitForgotten(condition, log);
        await sleep(1);
        group.spawn(() => condition.run(() => sleep(10)));
      });
      await expect(forgotten).rejects.toThrow(ScopeClosedError);
    });

    expect(log).toEqual(["behind wait at 11"]);
    expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
  }));

test("code that outlives even its run goes on without the lock, and does not keep it", async () => {
  const condition = new Condition();
  const log: string[] = [];
  let forgotten: Promise<void> | undefined;
  await withVirtualTime(() => {
    forgotten = waitForgotten(condition, log);
  });

  await expect(forgotten).rejects.toThrow(ScopeClosedError);
  expect(log).toHaveLength(1);
  expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
});

test("a cancelled scope is left at waitFor, whether there is need to wait or not", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    let isBehind = false;
    await cancelScope((scope) =>
      condition.run(async () => {
        scope.cancel();
        await condition.waitFor(() => true);
        isBehind = true;
      }),
    );

    expect(isBehind).toBe(false);
  }));

test("a predicate may notify, and what it throws is thrown with the lock held", () =>
  withVirtualTime(async () => {
    const condition = new Condition();
    let asked = 0;
    await taskGroup(async (group) => {
      const waitOnce = (): Promise<void> =>
        condition.run(() =>
          condition.waitFor(() => {
            condition.notifyAll();
            return ++asked > 4;
          }),
        );
      group.spawn(waitOnce);
      group.spawn(waitOnce);
      await sleep(1);
      const failing = condition.run(async () => {
        const unsure = condition.waitFor(() => {
          throw new Error("cannot tell");
        });
        await unsure.finally(() => expect(condition.statistics().isLocked).toBe(true));
      });
      await expect(failing).rejects.toThrow("cannot tell");
      condition.notifyAll();
    });

    expect(condition.statistics()).toEqual({ waiting: 0, isLocked: false });
  }));

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
