import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { flag } from "../../test/workers/flag.ts";
import { random } from "../../test/workers/random.ts";
import { TimeoutError, cancelScope, moveOnAfter, sleep, taskGroup, timeout } from "../index.ts";
import { openTempFolder, write } from "../files/index.ts";
import { cancelEverywhere } from "../testing/index.ts";
import { openThreadPool, throwIfCancelled } from "./index.ts";

describe("cancelling", () => {
  test("before a call begins nothing, and starts no thread", async () => {
    await using pool = openThreadPool({ size: 1 });

    const result = await cancelScope(async (scope) => {
      scope.cancel();
      await pool.run(tasks.add, 1, 2);
    });

    expect(result).toBeUndefined();
    expect(pool.statistics()).toEqual({
      size: 1,
      workers: 0,
      waiting: 0,
      inFlight: 0,
      completed: 0,
      crashed: 0,
      utilization: [],
    });
  });

  test("while it is in the queue takes it out at once", async () => {
    await using pool = openThreadPool({ size: 1 });
    const begun = flag();
    const counter = flag();

    await cancelScope(async (scope) => {
      await taskGroup(async (group) => {
        group.spawn(() => pool.run(tasks.finishFirst, begun.memory));
        await begun.changed();
        await cancelScope(async (inner) => {
          const queued = pool.run(tasks.waitForever, counter.memory);
          inner.cancel();
          await queued;
        });
        expect(pool.statistics().waiting).toBe(0);
        scope.cancel();
      });
    });

    expect(counter.value).toBe(0);
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("an async task reaches its checkpoints, and is waited for", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
    const state = flag();

    await cancelScope(async (scope) => {
      const call = pool.run(tasks.waitForever, state.memory);
      await state.changed();
      scope.cancel();
      await call;
    });

    expect(state.value).toBe(2);
    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0 });
  });

  test("a task that computes reaches throwIfCancelled, and the thread lives", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
    const begun = flag();

    await cancelScope(async (scope) => {
      const call = pool.run(tasks.spinPolitely, begun.memory);
      await begun.changed();
      scope.cancel();
      await call;
    });

    expect(pool.statistics()).toMatchObject({ workers: 1, inFlight: 0, completed: 1 });
  });

  test("a task that does not stop ends its thread after graceMs, and the next call has a new one", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 20 });
    await pool.run(tasks.add, 0, 0);
    const begun = flag();

    await cancelScope(async (scope) => {
      const call = pool.run(tasks.spinForever, begun.memory);
      await begun.changed();
      scope.cancel();
      await call;
    });

    expect(pool.statistics()).toMatchObject({ workers: 0, inFlight: 0 });
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("calls of others that were sent ahead are done by another thread", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 20 });
    await pool.run(tasks.add, 0, 0);
    await pool.run(tasks.add, 0, 0);
    const begun = flag();

    const results = await taskGroup(async (group) => {
      const innocent = Array.from({ length: 100 }, (_, i) => group.spawn(() => pool.run(tasks.add, i, 1)));
      const stuck = group.spawn(() => pool.run(tasks.spinForever, begun.memory));
      innocent.push(...Array.from({ length: 100 }, (_, i) => group.spawn(() => pool.run(tasks.add, i, 1))));
      await begun.changed();
      stuck.cancel();
      return Promise.all(innocent.map((task) => task.join()));
    });

    expect(results).toEqual(Array.from({ length: 200 }, (_, i) => (i % 100) + 1));
  });

  test("native code lets the caller go on, and keeps the slot until the thread has gone", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 0 });
    await using folder = await openTempFolder();
    const begun = flag();

    await cancelScope(async (scope) => {
      const call = pool.run(tasks.native, begun.memory, folder.at("end"));
      await begun.changed();
      scope.cancel();
      await call;
    });
    const next = pool.run(tasks.add, 1, 1);
    await sleep(50);

    expect(pool.statistics()).toMatchObject({ workers: 1, waiting: 1, inFlight: 0 });
    await write(folder.at("end"), "");
    expect(await next).toBe(2);
  });

  test("a value that comes all the same is returned, and an error wins", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
    const begun = flag();
    const failing = flag();

    const value = await cancelScope(async (scope) => {
      const call = pool.run(tasks.finishFirst, begun.memory);
      await begun.changed();
      scope.cancel();
      return await call;
    });
    const failed = cancelScope(async (scope) => {
      const call = pool.run(tasks.failOnCancel, failing.memory);
      await failing.changed();
      scope.cancel();
      await call;
    });

    expect(value).toBe("finished");
    await expect(failed).rejects.toThrow("while cleaning up");
  });

  test("after a call has ended changes nothing", async () => {
    await using pool = openThreadPool({ size: 1 });

    const value = await cancelScope(async (scope) => {
      const sum = await pool.run(tasks.add, 1, 2);
      scope.cancel();
      return sum;
    });

    expect(value).toBe(3);
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("by a timeout throws a TimeoutError", async () => {
    await using pool = openThreadPool({ size: 1, graceMs: 0 });

    await expect(timeout(100, () => pool.run(tasks.spinForever))).rejects.toThrow(TimeoutError);
    expect(await moveOnAfter(100, () => pool.run(tasks.spinPolitely))).toBeUndefined();
  });

  test("hundreds at random harms no other call, and leaves no call behind", async () => {
    await using pool = openThreadPool({ size: 2, graceMs: 5 });
    const draw = random();

    const results = await taskGroup(async (group) => {
      const innocent = Array.from({ length: 3_000 }, (_, i) => group.spawn(() => pool.run(tasks.add, i, 1)));
      for (let i = 0; i < 300; i++) {
        const ms = draw() * 200;
        const spinMs = draw() < 0.1 ? 100 : draw();
        group.spawn(() => moveOnAfter(ms, () => pool.run(tasks.spin, spinMs)));
        if (i % 10 === 0) {
          await sleep(draw() * 3);
          innocent.push(group.spawn(() => pool.run(tasks.add, innocent.length, 1)));
        }
      }
      return Promise.all(innocent.map((task) => task.join()));
    });

    expect(results).toEqual(Array.from({ length: results.length }, (_, i) => i + 1));
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
  });
});

test("cancelled at any of its checkpoints, a program that uses a pool leaves nothing behind", async () => {
  // Threads that were to stop would be made anew at each checkpoint.
  await using pool = openThreadPool({ size: 1, graceMs: 10_000 });
  await cancelEverywhere(async () => {
    expect(await pool.run(tasks.add, 1, 2)).toBe(3);
    expect(await pool.map([1, 2, 3], tasks.squareRoot)).toHaveLength(3);
    for await (const item of pool.stream(tasks.count, 40)) if (item === 20) break;
    await taskGroup((group) => {
      for (let i = 0; i < 3; i++) group.spawn(() => pool.run(tasks.add, i, 1));
    });
  });
  await cancelEverywhere(async () => {
    await using short = openThreadPool({ size: 1 });
    await short.run(tasks.add, 1, 2);
  });
  expect(pool.statistics()).toMatchObject({ crashed: 0, waiting: 0, inFlight: 0 });
});

test("throwIfCancelled asks the scope where there is no thread", async () => {
  throwIfCancelled();
  let reached = false;
  await cancelScope(async (scope) => {
    throwIfCancelled();
    scope.cancel();
    throwIfCancelled();
    reached = true;
  });

  expect(reached).toBe(false);
});
