/** The core against a hand-written pool, bare promises, p-map, p-limit, p-queue and Effect. */
import { strict as assert } from "node:assert";
import { Effect, Fiber, Semaphore as EffectSemaphore } from "effect";
import pLimit from "p-limit";
import pMap from "p-map";
import PQueue from "p-queue";
import { performance } from "node:perf_hooks";
import { Semaphore, checkpoint, map, run, sleep, taskGroup } from "taskwright";
import { type Contest, type Row, hold, median, rounds } from "./harness.ts";
import { benchSleepers } from "./sleepers.ts";

const concurrency = 100;
const items = Array.from({ length: 100_000 }, (_, index) => index);

const resolved = Promise.resolve();

async function double(n: number): Promise<number> {
  await resolved;
  return n * 2;
}

/** What one writes by hand: so many loops over one index. */
async function handPool(): Promise<number[]> {
  const results: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await double(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results;
}

const mapContest: Contest = {
  title: `map ${items.length} items, concurrency ${concurrency}, one await each`,
  units: items.length,
  repeats: 3,
  contenders: [
    { name: "hand-written pool", run: handPool },
    { name: "taskwright map", run: () => map(items, double, { concurrency }) },
    { name: "p-map", run: () => pMap(items, double, { concurrency }) },
    { name: "p-limit", run: () => pLimit(concurrency).map(items, double) },
    {
      name: "p-queue",
      run: () => {
        const queue = new PQueue({ concurrency });
        return Promise.all(items.map((item) => queue.add(() => double(item))));
      },
    },
    {
      name: "Effect.forEach",
      run: () =>
        Effect.runPromise(Effect.forEach(items, (item) => Effect.promise(() => double(item)), { concurrency })),
    },
  ],
  check: (result) => {
    const values = result as number[];
    assert.equal(values.length, items.length);
    assert.equal(values.at(-1), (items.length - 1) * 2);
  },
};

const batch = 1_000;

function spawnContest(count: number): Contest {
  const batches = Math.ceil(100_000 / count);
  const inBatches = async (one: () => Promise<number>): Promise<number> => {
    let sum = 0;
    for (let done = 0; done < batches; done++) sum += await one();
    return sum;
  };
  return {
    title: `spawn ${count} tasks with one await, ${batches} times`,
    units: count * batches,
    repeats: 3,
    contenders: [
      {
        name: "bare async calls, Promise.all",
        run: () =>
          inBatches(async () => {
            const calls: Promise<number>[] = [];
            for (let index = 0; index < count; index++) calls.push(double(index));
            return (await Promise.all(calls)).length;
          }),
      },
      {
        name: "taskwright group.spawn",
        run: () =>
          inBatches(() =>
            taskGroup((group) => {
              let spawned = 0;
              for (; spawned < count; spawned++) group.spawn(spawnedTask);
              return spawned;
            }),
          ),
      },
      {
        name: "Effect.forkChild",
        run: () =>
          inBatches(() =>
            Effect.runPromise(
              Effect.gen(function* () {
                const fibers: Fiber.Fiber<number>[] = [];
                for (let index = 0; index < count; index++) {
                  fibers.push(yield* Effect.forkChild(Effect.promise(spawnedTask)));
                }
                return (yield* Fiber.joinAll(fibers)).length;
              }),
            ),
          ),
      },
    ],
    check: (result) => assert.equal(result, count * batches),
  };
}

async function spawnedTask(): Promise<number> {
  await resolved;
  return 1;
}

const acquires = 200_000;
const acquireContest: Contest = {
  title: "uncontended acquire and release",
  units: acquires,
  repeats: 3,
  contenders: [
    {
      name: "await of a resolved promise",
      run: async () => {
        const one = Promise.resolve(1);
        let count = 0;
        for (let index = 0; index < acquires; index++) count += await one;
        return count;
      },
    },
    {
      name: "taskwright Semaphore",
      run: async () => {
        const semaphore = new Semaphore(1);
        let count = 0;
        for (let index = 0; index < acquires; index++) {
          const permit = await semaphore.acquire();
          count++;
          permit.release();
        }
        return count;
      },
    },
    {
      name: "Effect Semaphore",
      run: () =>
        Effect.runPromise(
          Effect.gen(function* () {
            const semaphore = yield* EffectSemaphore.make(1);
            let count = 0;
            for (let index = 0; index < acquires; index++) {
              yield* semaphore.take(1);
              count++;
              yield* semaphore.release(1);
            }
            return count;
          }),
        ),
    },
  ],
  check: (result) => assert.equal(result, acquires),
};

const sleepers = 100_000;

/** From the call of cancel to the end of the group. */
async function cancelSleepers(): Promise<number> {
  let startedMs = 0;
  await taskGroup(async (group) => {
    for (let count = 0; count < sleepers; count++) group.spawn(() => sleep(60_000));
    await checkpoint();
    startedMs = performance.now();
    group.cancel();
  });
  return performance.now() - startedMs;
}

async function benchCancel(): Promise<Row[]> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    globalThis.gc?.();
    const ms = await cancelSleepers();
    if (round >= 0) times.push(ms);
  }
  const ms = median(times);
  console.log(
    `\ncancel a tree of ${sleepers} sleepers: ${ms.toFixed(0)} ms (goal 100), ${((ms * 1e6) / sleepers).toFixed(0)} ns each`,
  );
  return [{ name: "cancel 100k sleepers", ns: ms * 1e6, ratio: ms / 100 }];
}

/** All parts, in one run. */
export async function benchCore(): Promise<Row[][]> {
  return run(
    async () => [
      await hold(mapContest),
      await hold(spawnContest(batch)),
      await hold(spawnContest(10_000)),
      await hold(acquireContest),
      await benchCancel(),
      benchSleepers(),
    ],
    { signals: false },
  );
}
