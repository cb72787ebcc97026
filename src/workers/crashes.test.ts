import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { openThreadPool } from "./index.ts";

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );
}

const crashes: [string, (pool: ReturnType<typeof openThreadPool>) => Promise<unknown>, object][] = [
  ["process.exit", (pool) => pool.run(tasks.exit, 7), { exitCode: 7, task: "exit" }],
  [
    "an uncaught error",
    (pool) => pool.run(tasks.failLater),
    { exitCode: 1, cause: { name: "RangeError", message: "nobody caught this" } },
  ],
  [
    "an unhandled rejection",
    (pool) => pool.run(tasks.forgetRejection),
    { exitCode: 1, cause: { name: "RangeError", message: "nobody awaited this" } },
  ],
  ["lack of memory", (pool) => pool.run(tasks.eatMemory), { cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } }],
];

describe("a thread that ends under a task", () => {
  test.for(crashes)("by %s fails that task alone, and the pool heals", async ([, crash, expected]) => {
    await using pool = openThreadPool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    await pool.run(tasks.add, 0, 0);
    await pool.run(tasks.echo, 0);

    // Quick ones are sent ahead, so some of them are with the thread as it ends.
    const before = Array.from({ length: 50 }, (_, i) => pool.run(tasks.add, i, 1));
    const crashed = failure(crash(pool));
    const after = Array.from({ length: 50 }, (_, i) => pool.run(tasks.add, i, 2));

    expect(await crashed).toMatchObject({ name: "WorkerCrashedError", code: "WORKER_CRASHED", ...expected });
    expect(await Promise.all(before)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(await Promise.all(after)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2));
  });

  test("loses no result of those before it, whatever they took", async () => {
    await using pool = openThreadPool({ size: 2 });
    await pool.run(tasks.add, 0, 0);

    // All are known to be quick, until one is not.
    for (let i = 0; i < 5; i++) await pool.run(tasks.spin, 0);
    const calls = Array.from({ length: 300 }, (_, i) =>
      i % 50 === 25 ? pool.run(tasks.exit, 1) : pool.run(tasks.spin, 0),
    );
    const outcomes = await Promise.allSettled(calls);

    expect(pool.statistics()).toMatchObject({ crashed: 6, waiting: 0, inFlight: 0 });
    expect(outcomes.filter(({ status }) => status === "rejected").length).toBe(6);
    expect(outcomes.every(({ status }, i) => (status === "rejected") === (i % 50 === 25))).toBe(true);
  });
});
