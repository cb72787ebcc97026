import { exponential } from "../../flow/index.ts";

/** When and how often a request is asked again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. 1 never asks again. */
  readonly attempts: number;
  /** The longest wait before the second attempt, in milliseconds. Doubles with every further one. */
  readonly baseMs: number;
  /** The longest wait that is not a `Retry-After`, in milliseconds. */
  readonly maxMs: number;
  /** No attempt begins later than this after the first failure, in milliseconds; pauses of the host aside. */
  readonly maxTimeMs: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Retries for each request to a host; undefined for no limit. */
  readonly budget?: number;
  /** Whether methods are asked again that may do twice what is asked twice. */
  readonly anyMethod?: boolean;
}

/** @param times - how often it has gone wrong */
export function backoffMs(policy: RetryPolicy, times: number): number {
  return exponential(policy)(times);
}
