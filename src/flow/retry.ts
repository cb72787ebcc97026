import { type Scope, expectInteger, looksCancelled, sleep, currentScope } from "../core/index.ts";
import { type Backoff, exponential } from "./backoff.ts";

/** Settings of {@link retry}. */
export interface RetryOptions {
  /** Calls in all, the first included; 1 or more; `Infinity` for no end. @default 3 */
  readonly attempts?: number;
  /** How long to wait after each failure. @default exponential() */
  readonly backoff?: Backoff;
  /** Whether this failure is worth another attempt. @default always */
  readonly when?: (error: unknown, attempt: number) => boolean;
}

/** What is retried. Called with the number of the attempt, from 1. */
export type RetryFunction<T> = (attempt: number, scope: Scope) => T | PromiseLike<T>;

/**
 * Calls `fn` until it succeeds, with waits between the attempts.
 *
 * An error with a number in `retryAfterMs` is waited for at least so long. An AbortError is never retried.
 *
 * Cancel: ends the wait, or the attempt, at once.
 *
 * @throws the error of the last attempt
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
  const { attempts = 3, backoff = exponential(), when = () => true } = options;
  expectInteger("attempts", attempts, 1);
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn(attempt, currentScope());
    } catch (error) {
      if (attempt >= attempts || looksCancelled(error) || !when(error, attempt)) throw error;
      await sleep(Math.max(backoff(attempt), retryAfterMs(error)));
    }
  }
}

function retryAfterMs(error: unknown): number {
  const ms = (error as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  return typeof ms === "number" && ms > 0 ? ms : 0;
}
