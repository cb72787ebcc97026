import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { sleep } from "../index.ts";
import { type WorkerPool, openProcessPool, openThreadPool } from "./index.ts";

const kinds: [string, () => WorkerPool][] = [
  ["threads", () => openThreadPool({ size: 1 })],
  ["processes", () => openProcessPool({ size: 1 })],
];

describe.each(kinds)("items of %s", (_kind, open) => {
  test("come as they are read: when 16 are unread their task waits", async () => {
    await using pool = open();
    let produced = 0;
    const onProgress = (n: number): void => {
      produced = n;
    };
    const items = pool.stream({ task: tasks.reportAndYield, onProgress }, 1_000);

    await items.next();
    while (produced < 16) await sleep(5);
    // However long nobody reads.
    await sleep(100);

    // One is read, 16 are not, and one is made.
    expect(produced).toBeLessThanOrEqual(18);
    const rest = await Array.fromAsync(items);
    expect(rest).toEqual(Array.from({ length: 999 }, (_, i) => i + 2));
    expect(produced).toBe(1_000);
  });
});

describe.each([
  ["threads", openThreadPool],
  ["processes", openProcessPool],
])("statistics of %s", (_kind, open) => {
  test("say of each worker how busy it is", async () => {
    await using pool = open({ size: 2 });
    expect(pool.statistics().utilization).toEqual([]);

    await Promise.all([pool.run(tasks.spin, 50), pool.run(tasks.spin, 50)]);

    const { workers, utilization } = pool.statistics();
    expect(utilization).toHaveLength(workers);
    expect(Math.max(...utilization)).toBeGreaterThan(0);
    for (const share of utilization) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  });

  test("count what is done, under way, and waits", async () => {
    await using pool = open({ size: 1 });

    const calls = [pool.run(tasks.spin, 1), pool.run(tasks.spin, 1)];
    expect(pool.statistics()).toMatchObject({ size: 1, workers: 0, waiting: 2, inFlight: 0, completed: 0 });
    await Promise.all(calls);

    expect(pool.statistics()).toMatchObject({ size: 1, workers: 1, waiting: 0, inFlight: 0, completed: 2, crashed: 0 });
  });
});
