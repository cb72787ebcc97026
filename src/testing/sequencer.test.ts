import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { Cancelled, Semaphore, cancelScope, now, run, sleep, taskGroup } from "../index.ts";
import { DeadlockError, Sequencer, explore, waitUntilAllBlocked, withVirtualTime } from "./index.ts";

test("steps come in their order, whatever the order in which they are asked for", async () => {
  const log: number[] = [];
  await withVirtualTime(() =>
    taskGroup((group) => {
      const order = new Sequencer();
      for (const n of [3, 1, 4, 0, 2]) {
        group.spawn(async () => {
          await order.at(n);
          log.push(n);
        });
      }
    }),
  );

  expect(log).toEqual([0, 1, 2, 3, 4]);
});

test("a step reaches to the next wait of its task", async () => {
  const log: string[] = [];
  await explore(
    async () => {
      const order = new Sequencer();
      const semaphore = new Semaphore(1);
      using permit = await semaphore.acquire();
      log.length = 0;
      await taskGroup(async (group) => {
        for (const n of [2, 0, 1]) {
          group.spawn(async () => {
            await order.at(n);
            for (let turn = 0; turn < 5; turn++) await Promise.resolve();
            await semaphore.run(() => void log.push(`${n}`));
          });
        }
        await order.at(3);
        log.push(`${semaphore.statistics().waiting} wait`);
        permit.release();
      });
      expect(log).toEqual(["3 wait", "0", "1", "2"]);
    },
    { seeds: 30 },
  );
});

test("a step with a function reaches to the function's end, and gives its value", async () => {
  const log: string[] = [];
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      const order = new Sequencer();
      group.spawn(async () => {
        await order.at(1);
        log.push(`then ${now()}`);
      });
      const value = await order.run(0, async () => {
        await sleep(50);
        log.push(`first ${now()}`);
        return 7;
      });
      expect(value).toBe(7);
    }),
  );

  expect(log).toEqual(["first 50", "then 50"]);
});

test("a step whose function fails is over, and the next comes", async () => {
  await withVirtualTime(async () => {
    const order = new Sequencer();
    const error = new Error("no");

    expect(await thrownBy(order.run(0, () => Promise.reject(error)))).toBe(error);
    expect(
      await thrownBy(
        order.run(1, () => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(await order.run(2, () => "next")).toBe("next");
  });
});

test("no time passes between a step and the next", async () => {
  const times: number[] = [];
  await withVirtualTime(() =>
    taskGroup((group) => {
      const order = new Sequencer();
      group.spawn(() => sleep(1));
      for (let n = 9; n >= 0; n--) {
        group.spawn(async () => {
          await order.at(n);
          times.push(now());
        });
      }
    }),
  );

  expect(times).toEqual(Array.from({ length: 10 }, () => 0));
});

test("who waits until all are blocked waits for all steps that can come", async () => {
  await explore(
    () =>
      taskGroup(async (group) => {
        const [order, semaphore] = [new Sequencer(), new Semaphore(0)];
        for (const n of [3, 2, 0, 1, 5]) {
          group.spawn(async () => {
            await order.at(n);
            await semaphore.acquire();
          });
        }
        await waitUntilAllBlocked();
        expect(semaphore.statistics().waiting).toBe(4);
        group.cancel();
      }),
    { seeds: 20 },
  );
});

test("it orders steps in real time, and outside any run", async () => {
  const log: number[] = [];
  const steps = async (): Promise<void> => {
    const order = new Sequencer();
    const later = order.at(1).then(() => log.push(1));
    await order.at(0);
    log.push(0);
    await later;
  };
  await run(steps, { signals: false });
  await steps();

  expect(log).toEqual([0, 1, 0, 1]);
});

test("a number that is used twice is refused", async () => {
  await withVirtualTime(async () => {
    const order = new Sequencer();
    await order.at(0);

    expect(await thrownBy(order.at(0))).toEqual(
      new Error("step 0 of this Sequencer was taken before: each number is for one step"),
    );
    expect(await thrownBy(order.run(0, () => {}))).toBeInstanceOf(Error);
  });
});

test.for([-1, 0.5, Number.NaN])("a step %d is refused", async (n) => {
  expect(await thrownBy(new Sequencer().at(n))).toBeInstanceOf(RangeError);
});

test("a step that nobody takes is a deadlock for those after it", async () => {
  const error = await thrownBy(
    withVirtualTime(async () => {
      const order = new Sequencer();
      await order.at(0);
      await order.at(2);
    }),
  );

  expect(error).toBeInstanceOf(DeadlockError);
  expect((error as DeadlockError).tree).toBe(
    "withVirtualTime: waits for step 2 of a Sequencer, where step 1 has not come",
  );
});

test("a step that was cancelled while it waited is the end for those after it, and no others", async () => {
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      const order = new Sequencer();
      const cut = group.spawn(() => order.at(1));
      const before = group.spawn(async () => {
        await sleep(10);
        await order.at(0);
      });
      const after = thrownBy(order.at(2));
      cut.cancel();
      const gone = new Error("step 1 of this Sequencer was cancelled, so those after it cannot come");

      expect(await after).toEqual(gone);
      await before.join();
      expect(await thrownBy(order.at(3))).toEqual(gone);
    }),
  );
});

test("a step in a cancelled scope does not come, nor do those after it", async () => {
  await withVirtualTime(async () => {
    const order = new Sequencer();
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(order.at(0));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(await thrownBy(order.at(1))).toEqual(
      new Error("step 0 of this Sequencer was cancelled, so those after it cannot come"),
    );
  });
});

test("a step that had come before it was cancelled is taken", async () => {
  await explore(
    () =>
      taskGroup(async (group) => {
        const order = new Sequencer();
        let took = false;
        const second = group.spawn(async () => {
          await order.at(1);
          took = true;
        });
        await order.run(0, () => {});
        second.cancel();
        await order.at(2);
        expect(took).toBe(true);
      }),
    { seeds: 20 },
  );
});
