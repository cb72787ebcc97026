import { once } from "node:events";
import { expect, test } from "vitest";
import { loopTurns, thrownBy } from "../../test/core/helpers.ts";
import {
  Cancelled,
  Queue,
  Semaphore,
  cancelScope,
  checkpoint,
  interruptible,
  moveOnAfter,
  now,
  run,
  sleep,
  taskGroup,
} from "../index.ts";
import { explore, waitUntilAllBlocked, withVirtualTime } from "./index.ts";
import { runProgram } from "../../test/core/program.ts";

/** In each kind of tree, and in orders of their own. */
const trees = [
  ["under virtual time", withVirtualTime],
  ["in real time", (fn: () => Promise<void>) => run(fn, { signals: false })],
  ["in every order", (fn: () => Promise<void>) => explore(fn, { seeds: 20 })],
] as const;

test.for(trees)("it returns when all others wait, and not before, %s", async ([, start]) => {
  await start(() =>
    taskGroup(async (group) => {
      const [semaphore, queue] = [new Semaphore(1), new Queue<number>()];
      using permit = await semaphore.acquire();
      const steps = [0, 0, 0];
      group.spawn(async () => {
        for (; steps[0]! < 30; steps[0]!++) await checkpoint();
        await semaphore.run(() => {});
      });
      group.spawn(async () => {
        for (; steps[1]! < 30; steps[1]!++) await Promise.resolve();
        await queue.get();
      });
      group.spawn(async () => {
        for (; steps[2]! < 3; steps[2]!++) await loopTurns();
        await moveOnAfter(1_000, () => sleep(Infinity));
      });
      await waitUntilAllBlocked();

      expect(steps).toEqual([30, 30, 3]);
      expect(semaphore.statistics().waiting).toBe(1);
      expect(queue.statistics().getting).toBe(1);
      group.cancel();
      permit.release();
    }),
  );
});

test("virtual time stands still meanwhile", async () => {
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      group.spawn(() => sleep(1));
      group.spawn(async () => {
        for (let n = 0; n < 20; n++) await loopTurns();
      });
      await waitUntilAllBlocked();

      expect(now()).toBe(0);
    }),
  );
});

test("a wait for something foreign that can be given up counts as a wait", async () => {
  const events = new EventTarget();
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      const ready = group.spawn(() => interruptible((signal) => once(events, "ready", { signal })));
      await waitUntilAllBlocked();
      expect(ready.state).toBe("running");
      events.dispatchEvent(new Event("ready"));
    }),
  );
});

test("several tasks may wait for it at once", async () => {
  let count = 0;
  await withVirtualTime(() =>
    taskGroup((group) => {
      for (let n = 0; n < 3; n++) {
        group.spawn(async () => {
          await waitUntilAllBlocked();
          count++;
        });
      }
    }),
  );

  expect(count).toBe(3);
});

test("it returns at once where there is nobody else", async () => {
  expect(await withVirtualTime(() => waitUntilAllBlocked())).toBeUndefined();
});

// In a process of its own: what tests of other files have left outside any run would be somebody else.
test("outside any run, too, it returns at once where there is nobody else", async () => {
  expect(await runProgram("nobodyElse")).toEqual({ exitCode: 0, stdout: ["nobody else is here"], stderr: "" });
});

test("it waits for a task that computes for long", async () => {
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      let turns = 0;
      group.spawn(async () => {
        for (; turns < 300; turns++) await loopTurns();
      });
      await waitUntilAllBlocked();

      expect(turns).toBe(300);
    }),
  );
});

test.for([0, 5, 300])("cancelled after %d turns, it rejects", async (turns) => {
  let thrown: unknown;
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      let isOver = false;
      group.spawn(async () => {
        while (!isOver) await loopTurns();
      });
      const waiting = group.spawn(async () => {
        thrown = await thrownBy(waitUntilAllBlocked());
      });
      await loopTurns(turns);
      waiting.cancel();
      isOver = true;
    }),
  );

  expect(thrown).toBeInstanceOf(Cancelled);
});

test("in a cancelled scope it rejects at once", async () => {
  let thrown: unknown;
  await cancelScope(async (scope) => {
    scope.cancel();
    thrown = await thrownBy(waitUntilAllBlocked());
  });

  expect(thrown).toBeInstanceOf(Cancelled);
});
