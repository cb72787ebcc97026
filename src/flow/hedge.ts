import { Failures, type Scope, cancelScope, expectInteger, expectMs, sleep } from "../core/index.ts";
import { Contest } from "./internal/contest.ts";
import type { RetryFunction } from "./retry.ts";

/** Settings of {@link hedge}. */
export interface HedgeOptions {
  /**
   * How long to wait for a call before another one is made besides, in milliseconds, 0 or more. A good value is what 19
   * of 20 calls stay below: then one call in 20 is made twice.
   */
  readonly afterMs: number;
  /** Calls in all, the first included; 1 or more. @default 2 */
  readonly attempts?: number;
}

/**
 * Calls `fn`, and once more if that takes long; the first call to succeed decides. The others are cancelled and waited
 * for.
 *
 * A call that fails is replaced at once, without waiting for `afterMs`, while there are attempts left. What the others
 * still return is disposed if it is disposable; what they still throw is dropped.
 *
 * Only for work that may be done twice. After J. Dean and L. A. Barroso, "The Tail at Scale", Communications of the ACM
 * 56(2), 2013.
 *
 * Cancel: cancels all calls and waits for them. If one has succeeded by then, its value is returned.
 *
 * @param fn - called with the number of the attempt, from 1
 * @returns the value of the first call to succeed
 * @throws the error of the first call to fail, when all have: with the later ones in its `suppressed`
 *
 * @example
 * ```ts
 * import { hedge, sleep } from "taskwright";
 *
 * const answer = await hedge(
 *   async (attempt) => {
 *     await sleep(attempt === 1 ? 60_000 : 5);
 *     return `attempt ${attempt}`;
 *   },
 *   { afterMs: 20 },
 * );
 * console.log(answer); // => attempt 2
 * ```
 */
export async function hedge<T>(fn: RetryFunction<T>, options: HedgeOptions): Promise<Awaited<T>> {
  const { afterMs, attempts = 2 } = options;
  expectMs("afterMs", afterMs, 0);
  expectInteger("attempts", attempts, 1);
  const failures = new Failures();
  let pause: Scope | undefined;
  const contest = new Contest<T>("hedge", (outcome) => {
    if (outcome.ok) return true;
    failures.add(outcome.error);
    pause?.cancel({ kind: "unneeded", why: "an attempt has failed" });
    return false;
  });
  const first = await contest.run(async () => {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      // The call may be done just when the next is due.
      if (contest.isWon) return;
      contest.enter((scope) => fn(attempt, scope), `attempt ${attempt}`);
      if (attempt === attempts) return;
      await cancelScope((scope) => {
        pause = scope;
        return sleep(afterMs);
      });
    }
  });
  if (first?.ok === true) return first.value as Awaited<T>;
  throw failures.first();
}
