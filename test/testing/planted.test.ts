/** The planted bugs are found, and what mends them is not blamed. Run by vitest, and by Node's test runner as well. */
import { equal, match, ok, rejects } from "node:assert/strict";
import { CancelSweepError, ExploreError, cancelEverywhere, explore, replay, withVirtualTime } from "taskwright/testing";
import { type Pool, HalfMendedPool, LeakyPool, MendedCache, MendedPool, RacyCache, askTwice, work } from "./planted.ts";
import { test } from "./runner.ts";

/** Sweeps over workers with a pool, made anew for each run. */
function sweep(makePool: () => Pool, seeds?: number): ReturnType<typeof cancelEverywhere> {
  let pool: Pool;
  return cancelEverywhere(() => work((pool = makePool())), {
    ...(seeds === undefined ? {} : { seeds }),
    check: () => equal(pool.free, 2, "connections that are free"),
  });
}

/** What `promise` rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("both bugs pass a plain test", async () => {
  const pool = new LeakyPool(2);
  await withVirtualTime(() => work(pool));
  equal(pool.free, 2);
  await withVirtualTime(() => askTwice(new RacyCache()));
});

test("cancelEverywhere finds the lost connection, at a checkpoint that it names", async () => {
  const error = await failureOf(sweep(() => new LeakyPool(2)));

  ok(error instanceof CancelSweepError);
  ok(error.point!.checkpoint <= 3);
  match(
    error.message,
    /^cancelled at checkpoint \d, .* in group > \w+, at .*planted\.ts:\d+:\d+.*connections that are free/,
  );
  await rejects(
    failureOf(sweep(() => new LeakyPool(2), 3)).then((again) => Promise.reject(again)),
    CancelSweepError,
  );
});

test("cancelEverywhere finds that leaving the line is not enough", async () => {
  const error = await failureOf(sweep(() => new HalfMendedPool(2)));

  ok(error instanceof CancelSweepError);
  ok(error.point!.checkpoint <= 3);
});

test("cancelEverywhere does not blame the mended pool, in any of 20 orders", async () => {
  const { checkpoints, runs } = await sweep(() => new MendedPool(2), 20);

  equal(checkpoints, 4);
  ok(runs >= 20 * 11);
});

function askRacyCache(): Promise<void> {
  return askTwice(new RacyCache());
}

test("explore finds the cache that makes twice, within 20 seeds, and a replay shows it again", async () => {
  const error = await failureOf(explore(askRacyCache));

  ok(error instanceof ExploreError);
  ok(error.seed <= 20);
  match(error.message, /^seed \d+ of 100 failed; replay it with replay\(fn, \d+\): Error: made 2 times$/);
  await rejects(replay(askRacyCache, error.seed), { message: "made 2 times" });
});

test("explore does not blame the mended cache, in any of 500 orders", async () => {
  const { seeds, orders } = await explore(() => askTwice(new MendedCache()), { seeds: 500 });

  equal(seeds, 500);
  ok(orders > 1);
});
