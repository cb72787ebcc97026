import {
  type Scope,
  currentScope,
  effectiveDeadline,
  expectInteger,
  looksCancelled,
  now,
  sleep,
  stopError,
} from "../core/index.ts";
import { type Backoff, exponential } from "./backoff.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** Settings of {@link retry}. */
export interface RetryOptions {
  /** Calls in all, the first included; 1 or more; `Infinity` for no end. @default 3 */
  readonly attempts?: number;
  /** How long to wait after each failure. @default exponential() */
  readonly backoff?: Backoff;
  /** Whether this failure is worth another attempt. @default always */
  readonly when?: (error: unknown, attempt: number) => boolean;
  /** How many retries this call and others may make together. @default no limit */
  readonly budget?: RetryBudget;
}

/** What is retried. Called with the number of the attempt, from 1. */
export type RetryFunction<T> = (attempt: number, scope: Scope) => T | PromiseLike<T>;

/**
 * Calls `fn` until it succeeds, with waits between the attempts.
 *
 * An error with a number in `retryAfterMs` is waited for at least so long. An AbortError is never retried, nor anything
 * in a scope that is cancelled. A wait that would last until the nearest deadline is not begun: what no other attempt
 * can help fails at once, with an error that says why, and not with a TimeoutError later.
 *
 * Cancel: ends the wait, or the attempt, at once.
 *
 * @throws the error of the last attempt: there are no more, `when` or `budget` says no, or the deadline is too near
 *
 * @example
 * ```ts
 * import { exponential, retry } from "taskwright";
 *
 * const value = await retry(
 *   (attempt) => {
 *     if (attempt < 3) throw new Error("not yet");
 *     return `attempt ${attempt}`;
 *   },
 *   { attempts: 5, backoff: exponential({ baseMs: 1 }) },
 * );
 * console.log(value); // => attempt 3
 * ```
 */
export async function retry<T>(fn: RetryFunction<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 3, backoff = exponential(), when = () => true, budget } = options;
  expectInteger("attempts", attempts, 1);
  const scope = currentScope();
  budget?.call();
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn(attempt, scope);
    } catch (error) {
      // An error in a cancelled scope is one of cleaning up, and wins over the cancellation.
      if (attempt >= attempts || scope.stop !== undefined || looksCancelled(error) || !when(error, attempt))
        throw error;
      const waitMs = Math.max(backoff(attempt), retryAfterMs(error));
      if (now() + waitMs >= effectiveDeadline() || budget?.tryRetry() === false) throw error;
      await sleep(waitMs);
    }
    // The wait was over before the cancellation came: that is no reason to try once more.
    if (scope.stop !== undefined) throw stopError(scope);
  }
}

function retryAfterMs(error: unknown): number {
  const ms = (error as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  return typeof ms === "number" && ms > 0 ? ms : 0;
}
