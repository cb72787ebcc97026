import {
  type WholeResponse,
  isRetryableStatus,
  isThrottling,
  longestWaitMs,
  mostRetriesFor,
  retryAfterMs,
} from "../../http/index.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { HostTrouble } from "./host-trouble.ts";
import { isRepeatable } from "./job.ts";
import { usedUpForMs } from "./quota-headers.ts";
import { type RetryPolicy, backoffMs } from "./retry-policy.ts";

/** What follows from an attempt that went wrong. */
export interface Verdict {
  /** How long until the job is asked again; undefined if it is not. */
  readonly delayMs: number | undefined;
  /** Until when its host is left alone by all, on the clock; undefined if it is not. */
  readonly pauseUntilMs: number | undefined;
}

const final: Verdict = { delayMs: undefined, pauseUntilMs: undefined };

/** Statuses of proxies whose server does not answer. */
const down: ReadonlySet<number> = new Set([502, 503, 504]);

/** Whether an attempt went as it does with a host that is well, whatever it thinks of the request. */
export function wentWell({ answer }: Attempt): boolean {
  return answer !== undefined && !isRetryableStatus(answer.status);
}

/**
 * What is to be done after `attempt` at `host`, which did not go well.
 *
 * - A host that throttles is left alone by all, and nobody's attempt was used up.
 * - The same with a host that has answered and now is down, as long as `maxTimeMs`.
 * - Anything else is the job's own: so many attempts, and waits drawn evenly from 0 to a bound that doubles (full
 *   jitter), so that requests that failed together do not come back together. An attempt that was lost to a kept
 *   connection which the server had closed is made up for at once, once.
 *
 * @param dateMs - the time here, in milliseconds since 1970, for servers that send no `Date`
 */
export function judge(policy: RetryPolicy, attempt: Attempt, host: Host, dateMs: number): Verdict {
  const { job, answer, failure, endMs } = attempt;
  const askedMs = answer === undefined ? undefined : askedFor(answer, dateMs);
  if (askedMs !== undefined && askedMs > longestWaitMs) return final;
  if (answer !== undefined && isThrottling(answer.status, askedMs)) {
    return pause(policy, attempt, host, answer.status === 429, askedMs);
  }
  if (failure?.isRetryable === false) return final;
  const isUnprocessed = failure?.isUnprocessed === true;
  if (isUnprocessed || (answer !== undefined && down.has(answer.status))) {
    const state = troubleOf(policy, host).failed(host, endMs);
    if (state === "down") return pause(policy, attempt, host, isUnprocessed, undefined);
    // It has not met the host, which was there before: that is not the fault of the job.
    if (state === "in doubt" && isUnprocessed) return again(backoffMs(policy, ++job.uncounted));
  }
  if (!isRepeatable(job) && policy.anyMethod !== true && !isUnprocessed) return final;
  if (failure?.isStale === true && !job.wasStale) {
    job.wasStale = true;
    job.uncounted++;
    return again(0);
  }
  const delayMs = ownDelayMs(policy, attempt, host, askedMs ?? 0);
  return delayMs === undefined ? final : again(delayMs);
}

function again(delayMs: number): Verdict {
  return { delayMs, pauseUntilMs: undefined };
}

function askedFor({ status, headers }: WholeResponse, dateMs: number): number | undefined {
  return retryAfterMs(headers, dateMs) ?? (status === 429 ? usedUpForMs(headers, dateMs) : undefined);
}

function pause(
  policy: RetryPolicy,
  attempt: Attempt,
  host: Host,
  isUndone: boolean,
  askedMs: number | undefined,
): Verdict {
  const { job, startMs, endMs } = attempt;
  const trouble = troubleOf(policy, host);
  trouble.pause(host, startMs, endMs, askedMs);
  const { untilMs } = trouble;
  const isAgain = isUndone || isRepeatable(job) || policy.anyMethod === true;
  if (isAgain) job.uncounted++;
  return { delayMs: isAgain ? Math.max(0, untilMs - endMs) : undefined, pauseUntilMs: untilMs };
}

function ownDelayMs(policy: RetryPolicy, attempt: Attempt, host: Host, askedMs: number): number | undefined {
  const { job, answer, endMs } = attempt;
  const counted = job.attempts - job.uncounted;
  if (counted >= policy.attempts) return undefined;
  if (answer !== undefined && mostRetriesFor(answer.status) < Infinity) {
    if (job.retriesOfOthers++ >= mostRetriesFor(answer.status)) return undefined;
  }
  if (job.firstFailureMs === -1) job.firstFailureMs = endMs;
  const delayMs = Math.max(backoffMs(policy, counted), askedMs);
  if (endMs + delayMs - job.firstFailureMs > policy.maxTimeMs) return undefined;
  return troubleOf(policy, host).retries.tryRetry(endMs) ? delayMs : undefined;
}

function troubleOf(policy: RetryPolicy, host: Host): HostTrouble {
  return (host.trouble ??= new HostTrouble(policy, host.mostAllowed));
}
