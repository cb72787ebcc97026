import { type Scope, currentScope, expectInteger } from "../core/index.ts";
import { ExploreError } from "./errors.ts";
import { SeededOrder } from "./internal/order.ts";
import { VirtualRun, type VirtualRunOptions } from "./internal/virtual-run.ts";

/** Settings of {@link explore}. */
export interface ExploreOptions {
  /** How many orders are tried, those of seed 1, 2 and so on; or a list of seeds. @default 100 */
  readonly seeds?: number | readonly number[];
  /** A run in which more waits go on than this is taken for one that never ends, and fails. @default 1_000_000 */
  readonly maxSteps?: number;
}

/** What {@link explore} has done. */
export interface Exploration {
  /** How many seeds were tried. */
  readonly seeds: number;
  /** How many orders those were: where only 1, the code has nothing that could happen in another. */
  readonly orders: number;
}

/**
 * Runs `fn` again and again as a task tree under virtual time, each time with what happens at once in another order.
 *
 * Of all waits that are over, and all timers due in the same millisecond, one at a time goes on, chosen at random from
 * the seed, and what it does comes to rest before the next. A checkpoint that has no need to wait, such as an acquire of
 * a free permit, is one where others may go on first. The same seed gives the same order, as long as `fn` depends on
 * nothing from outside: it must build what it uses anew in each call.
 *
 * Costs a turn of the event loop for each wait, some microseconds. The order is that of our own waits: callbacks of
 * sockets and foreign promises come when they come. A run that waits for something foreign for more than 10 seconds of
 * real time fails.
 *
 * Cancel: cancels the run at hand and waits for it.
 *
 * @param fn - fails, by an assertion or otherwise, where it finds something wrong
 * @throws {ExploreError} EXPLORE_FAILED, a seed failed; its error is the cause
 *
 * @example
 * ```ts
 * import { sleep, taskGroup } from "taskwright";
 * import { explore } from "taskwright/testing";
 *
 * const firsts = new Set<string>();
 * await explore(async () => {
 *   const log: string[] = [];
 *   await taskGroup((group) => {
 *     for (const name of ["a", "b"]) group.spawn(() => sleep(5).then(() => log.push(name)));
 *   });
 *   firsts.add(log[0]!);
 * });
 * console.log([...firsts].toSorted().join()); // => a,b
 * ```
 */
export async function explore(fn: (scope: Scope) => unknown, options: ExploreOptions = {}): Promise<Exploration> {
  const seeds = listSeeds(options.seeds ?? 100);
  const { maxSteps = 1_000_000 } = options;
  expectInteger("maxSteps", maxSteps, 1);
  const orders = new Set<number>();
  for (const seed of seeds) {
    try {
      orders.add(await runSeed(fn, seed, { limitSteps: maxSteps, isImpatient: true }));
    } catch (error) {
      // The cancellation of the one who explores is not the fault of the seed.
      if (currentScope().stop !== undefined) throw error;
      throw new ExploreError(seed, seeds.length, error);
    }
  }
  return Object.freeze({ seeds: seeds.length, orders: orders.size });
}

/**
 * Runs `fn` once in the order of `seed`, as {@link explore} did.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @param seed - as the error of `explore` named it
 * @throws what `fn` throws
 */
export async function replay(fn: (scope: Scope) => unknown, seed: number): Promise<void> {
  expectInteger("seed", seed, 0);
  await runSeed(fn, seed, {});
}

/** Runs `fn` in the order of `seed`, and returns a number that stands for that order. */
async function runSeed(fn: (scope: Scope) => unknown, seed: number, limits: VirtualRunOptions): Promise<number> {
  const order = new SeededOrder(seed);
  using run = new VirtualRun(`seed ${seed}`, { ...limits, order });
  await run.run(fn);
  return order.trace;
}

/** The seeds that an option names. */
export function listSeeds(seeds: number | readonly number[]): readonly number[] {
  if (typeof seeds !== "number") {
    for (const seed of seeds) expectInteger("seeds", seed, 0);
    return seeds;
  }
  expectInteger("seeds", seeds, 1);
  if (seeds === Infinity) throw new RangeError("Expected `seeds` to be finite, got `Infinity`");
  return Array.from({ length: seeds }, (_, index) => index + 1);
}
