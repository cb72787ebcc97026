import { type TaskFunction, taskGroup } from "../core/index.ts";
import { disposeDiscarded } from "./dispose.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/**
 * Runs all functions at once; the first to end decides. The others are cancelled and waited for.
 *
 * What they still return is disposed if it is disposable; what they still throw is dropped.
 *
 * Cancel: cancels all of them and waits for them.
 *
 * @param fns - at least one
 * @returns the value of the first to end
 * @throws the error of the first to end
 *
 * @example
 * ```ts
 * import { race, sleep } from "taskwright";
 *
 * const winner = await race([async () => (await sleep(50), "slow"), async () => (await sleep(1), "fast")]);
 * console.log(winner); // => fast
 * ```
 */
export async function race<T>(fns: readonly TaskFunction<T>[]): Promise<Awaited<T>> {
  if (fns.length === 0) throw new RangeError("Expected `fns` to have at least one function, got none");
  let first: Outcome<Awaited<T>> | undefined;
  try {
    await taskGroup(
      (group) => {
        const decide = async (outcome: Outcome<Awaited<T>>): Promise<void> => {
          if (first === undefined) {
            first = outcome;
            group.cancel({ kind: "unneeded", why: "the race was won" });
          } else if (outcome.ok) await disposeDiscarded(outcome.value);
        };
        for (const [index, fn] of fns.entries()) {
          group.spawn(async (scope) => decide(await outcomeOf(fn, scope)), { name: fn.name || `race[${index}]` });
        }
      },
      { name: "race" },
    );
  } catch (error) {
    // Cancelled from around while the others ended: there is a winner all the same.
    if (first === undefined) throw error;
  }
  if (first!.ok) return first!.value;
  throw first!.error;
}
