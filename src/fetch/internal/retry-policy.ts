import { isRetryableStatus, retryAfterMs } from "../../http/index.ts";
import type { Attempt } from "./attempt.ts";
import { isRepeatable } from "./job.ts";

/** When and how often a request is asked again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. 1 never asks again. */
  readonly attempts: number;
  /** The longest wait before the second attempt, in milliseconds. Doubles with every further one. */
  readonly baseMs: number;
  /** The longest wait that is not a `Retry-After`, in milliseconds. */
  readonly maxMs: number;
  /** No attempt begins later than this after the first one began, in milliseconds. */
  readonly maxTimeMs: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

/**
 * How long to wait before the job of `attempt` is asked again.
 *
 * A `Retry-After` is waited out in full, or, if that would go past `maxTimeMs`, not at all: coming back early is what
 * the server asked us not to do. Otherwise the wait is drawn evenly from 0 to a bound that doubles (full jitter), so
 * that requests that failed together do not come back together. An attempt that was lost to a kept connection which the
 * server had closed is made up for at once, once.
 *
 * @param dateMs - the time here, in milliseconds since 1970, for servers that send no `Date`
 * @returns milliseconds, or undefined if the attempt was the last
 */
export function retryDelayMs(policy: RetryPolicy, attempt: Attempt, dateMs: number): number | undefined {
  const { job, answer, failure, endMs } = attempt;
  if (failure === undefined ? !isRetryableStatus(answer!.status) : !failure.isRetryable) return undefined;
  if (!isRepeatable(job)) return undefined;
  if (failure?.isStale === true && !job.wasStale) return 0;
  const counted = job.wasStale ? job.attempts - 1 : job.attempts;
  if (counted >= policy.attempts) return undefined;
  const askedMs = answer === undefined ? undefined : retryAfterMs(answer.headers, dateMs);
  const delayMs = askedMs ?? jitteredMs(policy, counted);
  return endMs + delayMs - job.firstStartMs > policy.maxTimeMs ? undefined : delayMs;
}

function jitteredMs(policy: RetryPolicy, attempts: number): number {
  return policy.random() * Math.min(policy.maxMs, policy.baseMs * 2 ** (attempts - 1));
}
