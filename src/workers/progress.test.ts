import { describe, expect, test } from "vitest";
import { flag } from "../../test/workers/flag.ts";
import * as tasks from "../../test/workers/tasks.ts";
import { ContextVar, cancelScope, run, sleep } from "../index.ts";
import { openProcessPool, openThreadPool, reportProgress, toThread } from "./index.ts";

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}

describe.each([
  ["threads", openThreadPool],
  ["processes", openProcessPool],
])("progress of tasks in %s", (_kind, open) => {
  test("comes in order, the first at once and the last before the result, and not all of what comes quickly", async () => {
    await using pool = open({ size: 1 });
    const seen: number[] = [];

    const result = await pool.run({ task: tasks.reportOften, onProgress: (n: number) => void seen.push(n) }, 300_000);

    expect(result).toBe("done");
    expect(seen.at(0)).toBe(1);
    expect(seen.at(-1)).toBe(300_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeLessThan(300);
  });

  test("that is held back comes although the task goes on for long", async () => {
    await using pool = open({ size: 1, graceMs: 20_000 });
    const seen: unknown[] = [];

    await cancelScope(async (scope) => {
      const onProgress = (what: unknown): void => {
        if (seen.push(what) === 2) scope.cancel();
      };
      await pool.run({ task: tasks.reportTwice, onProgress });
    });

    expect(seen).toEqual(["one", "two"]);
  });

  test("that comes slowly comes all", async () => {
    await using pool = open({ size: 1 });
    const seen: number[] = [];

    await pool.run(
      { task: tasks.reportSlowly, onProgress: ({ done }: { done: number }) => void seen.push(done) },
      3,
      60,
    );

    expect(seen).toEqual([1, 2, 3]);
  });

  test("comes before the error of a task that fails", async () => {
    await using pool = open({ size: 1 });
    const seen: unknown[] = [];

    const error = await failure(pool.run({ task: tasks.reportAndFail, onProgress: (what) => void seen.push(what) }));

    expect(error).toMatchObject({ name: "RangeError", message: "no further" });
    expect(seen).toEqual(["so far", "this far"]);
  });

  test("of items comes by map and stream, too", async () => {
    await using pool = open({ size: 1 });
    const mapped: number[] = [];
    const streamed: number[] = [];

    await pool.map(
      [1, 2, 3],
      { task: tasks.reportItem, onProgress: (n: number) => void mapped.push(n) },
      { chunkSize: 1 },
    );
    const stream = pool.stream({ task: tasks.reportAndYield, onProgress: (n: number) => void streamed.push(n) }, 100);

    expect(mapped).toEqual([1, 2, 3]);
    expect(await Array.fromAsync(stream)).toHaveLength(100);
    expect([streamed.at(0), streamed.at(-1)]).toEqual([1, 100]);
  });

  test("is heard in the context of the caller", async () => {
    await using pool = open({ size: 1 });
    const caller = new ContextVar<string>("caller");
    const seen: unknown[] = [];
    const onProgress = (): void => void seen.push(caller.get());

    await run(() => caller.run("me", () => pool.run({ task: tasks.reportItem, onProgress }, 1)), { signals: false });
    await pool.run({ task: tasks.reportItem, onProgress }, 1);

    expect(seen).toEqual(["me", undefined]);
  });

  test("that its caller throws at stops the task, and the error is what comes of the call", async () => {
    await using pool = open({ size: 1, graceMs: 20_000 });
    const error = new RangeError("I cannot show this");
    const onProgress = (): void => {
      throw error;
    };

    expect(await failure(pool.run({ task: tasks.reportAndWait, onProgress }))).toBe(error);
    expect(await failure(pool.run({ task: tasks.reportAndSpinPolitely, onProgress }))).toBe(error);
    // Over before it can be stopped.
    expect(await failure(pool.run({ task: tasks.reportItem, onProgress }, 1))).toBe(error);
    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0, waiting: 0, inFlight: 0 });
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("is of no interest any more once the call was cancelled", async () => {
    await using pool = open({ size: 1, graceMs: 20_000 });
    const seen: unknown[] = [];

    await cancelScope(async (scope) => {
      const onProgress = (n: number): void => {
        seen.push(n);
        scope.cancel();
      };
      await pool.run(
        { task: tasks.reportSlowly, onProgress: ({ done }: { done: number }) => onProgress(done) },
        100,
        1,
      );
    });

    expect(seen).toEqual([1]);
  });
});

test("progress that nobody listens to is no harm, in workers and elsewhere", async () => {
  reportProgress(() => 1);

  expect(await toThread(tasks.reportFunction)).toBeUndefined();
  expect(await toThread(tasks.reportOften, 3)).toBe("done");
});

test("progress of a function of cpu is heard by who calls it in the shared pool", async () => {
  const seen: unknown[] = [];

  expect(await toThread({ task: tasks.reportSquare, onProgress: (n) => void seen.push(n) }, 7)).toBe(49);
  expect(seen).toEqual([7]);
});

test("progress of what another task has left behind does not come", async () => {
  await using pool = openThreadPool({ size: 1, graceMs: 20_000 });
  const state = flag();
  const seen: unknown[] = [];
  await pool.run(tasks.reportTooLate, state.memory);

  await cancelScope(async (scope) => {
    const onProgress = (what: unknown): void => void seen.push(what);
    const call = pool.run({ task: tasks.reportTwice, onProgress });
    while (seen.length === 0) await sleep(1);
    Atomics.store(new Int32Array(state.memory), 0, 1);
    Atomics.notify(new Int32Array(state.memory), 0);
    await state.changed(1);
    while (seen.length === 1) await sleep(1);
    scope.cancel();
    await call;
  });

  expect(seen).toEqual(["one", "two"]);
});
