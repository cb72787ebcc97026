import type { TaskFunction } from "../core/index.ts";
import { Contest } from "./internal/contest.ts";
import { type ResultOf, entriesOf, expectSome } from "./internal/functions.ts";

/**
 * Runs all functions at once; the first to end decides. The others are cancelled and waited for.
 *
 * What they still return is disposed if it is disposable; what they still throw is dropped.
 *
 * Cancel: cancels all of them and waits for them. A race that is won by then is won.
 *
 * @param fns - at least one
 * @returns the value of the first to end
 * @throws the error of the first to end
 *
 * @example
 * ```ts
 * import { race, sleep } from "taskwright";
 *
 * const winner = await race([async () => (await sleep(60_000), "slow"), async () => (await sleep(1), "fast")]);
 * console.log(winner); // => fast
 * ```
 */
export function race<const F extends readonly TaskFunction<unknown>[]>(fns: F): Promise<ResultOf<F[number]>>;
export function race<T>(fns: readonly TaskFunction<T>[]): Promise<Awaited<T>>;
export async function race(fns: readonly TaskFunction<unknown>[]): Promise<unknown> {
  expectSome(fns);
  const contest = new Contest<unknown>("race", () => true);
  const first = await contest.run(() => {
    for (const { fn, name } of entriesOf(fns, "race")) contest.enter(fn, name);
  });
  if (first!.ok) return first!.value;
  throw first!.error;
}
