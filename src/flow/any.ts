import type { TaskFunction } from "../core/index.ts";
import { Contest } from "./internal/contest.ts";
import { type ResultOf, entriesOf, expectSome } from "./internal/functions.ts";

/**
 * Runs all functions at once; the first to succeed decides. The others are cancelled and waited for.
 *
 * What they still return is disposed if it is disposable; what they still throw is dropped.
 *
 * Cancel: cancels all of them and waits for them. If one has succeeded by then, its value is returned.
 *
 * @param fns - at least one
 * @returns the value of the first to succeed
 * @throws {AggregateError} all failed: the errors, in the order of the functions
 *
 * @example
 * ```ts
 * import { any, sleep } from "taskwright";
 *
 * const down = async () => Promise.reject(new Error("down"));
 * console.log(await any([down, async () => (await sleep(5), "mirror")])); // => mirror
 * ```
 */
export function any<const F extends readonly TaskFunction<unknown>[]>(fns: F): Promise<ResultOf<F[number]>>;
export function any<T>(fns: readonly TaskFunction<T>[]): Promise<Awaited<T>>;
export async function any(fns: readonly TaskFunction<unknown>[]): Promise<unknown> {
  expectSome(fns);
  const errors: unknown[] = [];
  const contest = new Contest<unknown>("any", (outcome, index) => {
    if (!outcome.ok) errors[index] = outcome.error;
    return outcome.ok;
  });
  const first = await contest.run(() => {
    for (const { fn, name } of entriesOf(fns, "any")) contest.enter(fn, name);
  });
  if (first?.ok === true) return first.value;
  throw new AggregateError(errors, `all ${fns.length} functions failed`);
}
