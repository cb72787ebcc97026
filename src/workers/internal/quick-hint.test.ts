import { expect, onTestFinished, test } from "vitest";
import * as tasks from "../../../test/workers/tasks.ts";
import { openThreadPool } from "../index.ts";

/** The hints of this program so far. */
const hints: Error[] = [];
process.on("warning", (warning) => {
  if ("code" in warning && warning.code === "TASKWRIGHT_QUICK_TASK") hints.push(warning);
});

/** Until warnings of this turn are out. */
async function warned(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function callOften(): Promise<void> {
  await using pool = openThreadPool({ size: 1 });
  for (let i = 0; i < 10; i++) await pool.run(tasks.add, i, 1);
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => pool.run(tasks.add, i, 1)));
  await warned();
}

test("there is no hint in production, none on slow tasks, and else one on the first task that is too quick", async () => {
  const { NODE_ENV } = process.env;
  onTestFinished(() => {
    process.env["NODE_ENV"] = NODE_ENV;
  });

  process.env["NODE_ENV"] = "production";
  await callOften();
  expect(hints).toEqual([]);

  process.env["NODE_ENV"] = "development";
  {
    await using pool = openThreadPool({ size: 1 });
    await Promise.all(Array.from({ length: 1_200 }, () => pool.run(tasks.spin, 0.2)));
    await pool.map(
      Array.from({ length: 5_000 }, (_, i) => i),
      tasks.squareRoot,
    );
    await warned();
  }
  expect(hints).toEqual([]);

  await callOften();
  await callOften();
  expect(hints).toHaveLength(1);
  expect(hints[0]!.message).toMatch(/^task add takes \d+ µs on the average/);
});
