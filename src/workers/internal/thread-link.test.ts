import { expect, test } from "vitest";
import * as tasks from "../../../test/workers/tasks.ts";
import { openThreadPool } from "../index.ts";

test("values come back as they are and in the order of the calls, whichever way they go over", async () => {
  await using pool = openThreadPool({ size: 1 });
  await pool.run(tasks.echo, 0);
  const kinds = [1.5, undefined, { deep: [1] }, -0, null, "text", Number.NaN, undefined, true, Infinity, 2n];
  const sent = Array.from({ length: 5_000 }, (_, i) => kinds[i % kinds.length]);
  const order: number[] = [];

  const got = await Promise.all(
    sent.map(async (value, i) => {
      const result = await pool.run(tasks.echo, value);
      order.push(i);
      return result;
    }),
  );

  expect(got).toStrictEqual(sent);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("numbers go to their own calls where others between them fail or cannot be sent", async () => {
  await using pool = openThreadPool({ size: 1 });
  await pool.run(tasks.echo, 0);

  const outcomes = await Promise.allSettled(
    Array.from({ length: 2_000 }, (_, i) => {
      if (i % 7 === 3) return pool.run(tasks.echo, () => i);
      return i % 11 === 5 ? pool.run(tasks.failOddly) : pool.run(tasks.echo, i);
    }),
  );

  const got = outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "failed"));
  expect(got).toEqual(got.map((_, i) => (i % 7 === 3 || i % 11 === 5 ? "failed" : i)));
});
