import { type Scope, type TaskFunction, taskGroup } from "../core/index.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** The outcomes of the functions, in their places. */
export type Outcomes<F extends readonly TaskFunction<unknown>[]> = {
  -readonly [Index in keyof F]: F[Index] extends TaskFunction<infer T> ? Outcome<Awaited<T>> : never;
};

/**
 * Runs all functions at once to their ends, and returns how each ended. A failure cancels nobody.
 *
 * Cancel: cancels all of them and waits for them.
 *
 * @example
 * ```ts
 * import { settle } from "taskwright";
 *
 * const [good, bad] = await settle([() => 1, () => Promise.reject(new Error("no"))]);
 * console.log(good.ok, bad.ok); // => true false
 * ```
 */
export async function settle<const F extends readonly TaskFunction<unknown>[]>(fns: F): Promise<Outcomes<F>> {
  const outcomes: Outcome<unknown>[] = Array.from({ length: fns.length });
  await taskGroup(
    (group) => {
      for (const [index, fn] of fns.entries()) {
        const keep = async (scope: Scope): Promise<void> => void (outcomes[index] = await outcomeOf(fn, scope));
        group.spawn(keep, { name: fn.name || `settle[${index}]` });
      }
    },
    { name: "settle" },
  );
  return outcomes as Outcomes<F>;
}
