import { type Scope, taskGroup } from "../core/index.ts";
import { type Functions, type ResultOf, entriesOf, shapeLike } from "./internal/functions.ts";
import { failureOf } from "./outcome.ts";

/** The results of the functions, in their places or under their names. */
export type Results<F extends Functions> = { -readonly [Key in keyof F]: ResultOf<F[Key]> };

/**
 * Runs all functions at once and returns their results: a list for a list, an object for an object.
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
 *
 * const { user, posts } = await gather({ user: () => "Ada", posts: async () => 7 });
 * console.log(user, posts); // => Ada 7
 * ```
 */
export async function gather<const F extends Functions>(fns: F): Promise<Results<F>> {
  const entries = entriesOf(fns, "gather");
  const results: unknown[] = Array.from({ length: entries.length });
  await taskGroup(
    (group) => {
      for (const [index, { fn, name }] of entries.entries()) {
        const keep = async (scope: Scope): Promise<void> => {
          try {
            results[index] = await fn(scope);
          } catch (error) {
            throw failureOf(scope, error);
          }
        };
        group.spawn(keep, { name });
      }
    },
    { name: "gather" },
  );
  return shapeLike(fns, entries, results) as Results<F>;
}
