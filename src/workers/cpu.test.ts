import { expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { configureSharedPool, cpu, defineTask, openThreadPool, toThread } from "./index.ts";

test("a function given to cpu runs in a thread, by itself and in a pool", async () => {
  await using pool = openThreadPool({ size: 1 });

  expect(await tasks.square(7)).toBe(49);
  expect(await pool.run(tasks.square, 8)).toBe(64);
  expect(await toThread(tasks.square, 9)).toBe(81);
  expect(pool.statistics().completed).toBe(1);
});

test("within a task such a function is just called, and makes no threads of threads", async () => {
  expect(await tasks.sumOfSquares(10)).toBe(385);
});

test("toThread takes what pools take", async () => {
  expect(await toThread(tasks.add, 1, 2)).toBe(3);
  expect(await toThread({ module: new URL("../../test/workers/tasks.ts", import.meta.url), name: "add" }, 3, 4)).toBe(
    7,
  );
  await expect(toThread(() => 1)).rejects.toThrow("defineTask");
});

test("a module that calls its task as it is loaded is told of import.meta.main, rather than to make threads without end", async () => {
  await expect(import("../../test/workers/unguarded.ts")).rejects.toThrow("import.meta.main");
});

test("wrong settings of the shared pool are refused as they are set", () => {
  expect(() => configureSharedPool({ size: 0 })).toThrow(RangeError);
  expect(() => configureSharedPool({ idleMs: Number.NaN })).toThrow(RangeError);
});

test("functions without a name, and what is no function, are refused as they are defined", () => {
  expect(() => cpu(() => 1)).toThrow("to have a name");
  expect(() =>
    defineTask(
      (
        () => () =>
          1
      )(),
    ),
  ).toThrow("to have a name");
  expect(() => defineTask("text" as never)).toThrow(TypeError);
});
