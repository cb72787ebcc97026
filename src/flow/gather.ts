import { type Scope, type TaskFunction, taskGroup } from "../core/index.ts";
import { failureOf } from "./outcome.ts";

/** The results of the functions, in their places. */
export type Results<F extends readonly TaskFunction<unknown>[]> = {
  -readonly [Index in keyof F]: F[Index] extends TaskFunction<infer T> ? Awaited<T> : never;
};

/**
 * Runs all functions at once and returns their results in order.
 *
 * The first failure cancels the others; when they have ended it is thrown, with later ones in its `suppressed`.
 *
 * Cancel: cancels all of them and waits for them.
 *
 * @example
 * ```ts
 * import { gather, sleep } from "taskwright";
 *
 * const [name, age] = await gather([async () => (await sleep(5), "Ada"), async () => 36]);
 * console.log(name, age); // => Ada 36
 * ```
 */
export async function gather<const F extends readonly TaskFunction<unknown>[]>(fns: F): Promise<Results<F>> {
  const results: unknown[] = Array.from({ length: fns.length });
  await taskGroup(
    (group) => {
      for (const [index, fn] of fns.entries()) {
        const keep = async (scope: Scope): Promise<void> => {
          try {
            results[index] = await fn(scope);
          } catch (error) {
            throw failureOf(scope, error);
          }
        };
        group.spawn(keep, { name: fn.name || `gather[${index}]` });
      }
    },
    { name: "gather" },
  );
  return results as Results<F>;
}
