import { type Scope, taskGroup } from "../core/index.ts";
import { type Functions, type ResultOf, entriesOf, shapeLike } from "./internal/functions.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** The outcomes of the functions, in their places or under their names. */
export type Outcomes<F extends Functions> = { -readonly [Key in keyof F]: Outcome<ResultOf<F[Key]>> };

/**
 * Runs all functions at once to their ends, and returns how each ended: a list for a list, an object for an object. A
 * failure cancels nobody.
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
export async function settle<const F extends Functions>(fns: F): Promise<Outcomes<F>> {
  const entries = entriesOf(fns, "settle");
  const outcomes: Outcome<unknown>[] = Array.from({ length: entries.length });
  await taskGroup(
    (group) => {
      for (const [index, { fn, name }] of entries.entries()) {
        const keep = async (scope: Scope): Promise<void> => void (outcomes[index] = await outcomeOf(fn, scope));
        group.spawn(keep, { name });
      }
    },
    { name: "settle" },
  );
  return shapeLike(fns, entries, outcomes) as Outcomes<F>;
}
