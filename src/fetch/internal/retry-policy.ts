import { isRepeatable, type Job } from "./job.ts";
import { parseHttpDate, parseRetryAfter } from "./retry-after.ts";

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

/** How an attempt ended, as far as it matters for another. */
export interface AttemptEnd {
  /** Undefined if the attempt failed before an answer. */
  readonly status: number | undefined;
  /** What `Retry-After` and `Date` said. */
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
  /** Undefined if the answer arrived whole. */
  readonly error: { readonly isRetryable: boolean } | undefined;
}

/** Answers that may be another one next time, by RFC 9110 and RFC 6585. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599);
}

/**
 * How long to wait before asking `job` again after an attempt that ended like `end`.
 *
 * A `Retry-After` is waited out in full, or, if that would go past `maxTimeMs`, not at all: coming back early is what
 * the server asked us not to do. Otherwise the wait is drawn evenly from 0 to a bound that doubles (full jitter), so
 * that requests that failed together do not come back together.
 *
 * @param nowMs - on the clock of `job.firstStartMs`
 * @param dateMs - the time here, in milliseconds since 1970, for servers that send no `Date`
 * @returns milliseconds, or undefined if the attempt was the last
 */
export function retryDelayMs(policy: RetryPolicy, job: Job, end: AttemptEnd, nowMs: number, dateMs: number): number | undefined {
  if (job.attempts >= policy.attempts || !isRepeatable(job)) return undefined;
  if (end.error === undefined ? !isRetryableStatus(end.status!) : !end.error.isRetryable) return undefined;
  const delayMs = retryAfterMs(end, dateMs) ?? jitteredMs(policy, job.attempts);
  return nowMs + delayMs - job.firstStartMs > policy.maxTimeMs ? undefined : delayMs;
}

function retryAfterMs(end: AttemptEnd, dateMs: number): number | undefined {
  if (end.retryAfter === undefined || end.error !== undefined) return undefined;
  return parseRetryAfter(end.retryAfter, (end.date === undefined ? undefined : parseHttpDate(end.date)) ?? dateMs);
}

function jitteredMs(policy: RetryPolicy, attempts: number): number {
  return policy.random() * Math.min(policy.maxMs, policy.baseMs * 2 ** (attempts - 1));
}
