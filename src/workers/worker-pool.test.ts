import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { openProcessPool, openThreadPool } from "./index.ts";

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
