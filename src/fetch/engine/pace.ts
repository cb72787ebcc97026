import { TokenBucket } from "../../sync/index.ts";
import type { Attempt } from "./attempt.ts";
import type { Job } from "./job.ts";

/** So much in each `perMs`, of which up to `burst` at once. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/** A rate of what requests weigh, such as tokens. */
export interface WeightRule extends Rate {
  /** What a request will probably weigh; 0 or more. */
  estimate(job: Job): number;
  /** What it weighed, or undefined where nothing tells. */
  actual(attempt: Attempt): number | undefined;
}

/** How fast requests may follow each other. */
export interface PaceRules {
  /** Attempts at all hosts. */
  readonly rate: Rate | undefined;
  /** Attempts at each. */
  readonly ratePerHost: Rate | undefined;
  /** What requests weigh, for each host. */
  readonly weights: readonly WeightRule[];
}

/** Makes the pace of a host; undefined if nothing is to be kept to there. */
export function hostPaceBy({ ratePerHost, weights }: PaceRules): (() => HostPace) | undefined {
  if (ratePerHost === undefined && weights.length === 0) return undefined;
  return () => new HostPace(ratePerHost, weights);
}

export function bucketOf({ limit, perMs, burst }: Rate): TokenBucket {
  return new TokenBucket(limit, perMs, burst);
}

/** What may be sent to one host, and when. Times are those of the clock. */
export class HostPace {
  readonly #rate: TokenBucket | undefined;
  readonly #rules: readonly WeightRule[];
  readonly #weights: readonly TokenBucket[];

  constructor(rate: Rate | undefined, rules: readonly WeightRule[]) {
    this.#rate = rate && bucketOf(rate);
    this.#rules = rules;
    this.#weights = rules.map(bucketOf);
  }

  /**
   * When `job` may be sent, if nothing else is sent before. What is heavier than ever may go at once goes alone, and is
   * paid off afterwards.
   */
  readyAtMs(job: Job, nowMs: number): number {
    let readyAtMs = this.#rate?.readyAtMs(1, nowMs) ?? nowMs;
    const weights = this.#weightsOf(job);
    for (const [index, bucket] of this.#weights.entries()) {
      if (weights[index]! > 0) readyAtMs = Math.max(readyAtMs, bucket.readyAtMs(weights[index]!, nowMs));
    }
    return readyAtMs;
  }

  /** `job` is sent. */
  take(job: Job, nowMs: number): void {
    this.#rate?.take(1, nowMs);
    const weights = this.#weightsOf(job);
    for (const [index, bucket] of this.#weights.entries()) bucket.take(weights[index]!, nowMs);
  }

  /** It has ended, and may tell what it weighed. */
  ended(attempt: Attempt, nowMs: number): void {
    if (this.#rules.length === 0) return;
    const weights = this.#weightsOf(attempt.job);
    for (const [index, rule] of this.#rules.entries()) {
      const actual = rule.actual(attempt);
      if (actual !== undefined) this.#weights[index]!.correct(checked(actual) - weights[index]!, nowMs);
    }
  }

  /** When nothing is left of what was sent: from then on forgetting it changes nothing. */
  fullAtMs(nowMs: number): number {
    const all = this.#rate === undefined ? this.#weights : [this.#rate, ...this.#weights];
    return Math.max(...all.map((bucket) => bucket.readyAtMs(bucket.largest, nowMs)));
  }

  #weightsOf(job: Job): readonly number[] {
    return (job.weights ??= this.#rules.map((rule) => checked(rule.estimate(job))));
  }
}

function checked(weight: number): number {
  if (typeof weight === "number" && weight >= 0 && weight < Infinity) return Math.ceil(weight);
  throw new RangeError(`Expected a weight to be a number of 0 or more, got \`${String(weight)}\` (${typeof weight})`);
}
