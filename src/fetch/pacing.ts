import { expectInteger, expectMs } from "../core/index.ts";
import type { Attempt } from "./engine/attempt.ts";
import type { Job } from "./engine/job.ts";
import type { PaceRules, Rate, WeightRule } from "./engine/pace.ts";
import { tokenWeight } from "./engine/token-weight.ts";
import { type FetchInput, type FetchOutcome, outcomeOf } from "./outcome.ts";

/** So much in each `perMs`, evenly: in any time of `t` at most what comes in `t`, and `burst`. */
export interface FetchRate {
  /** How much in each `perMs`; an integer of 1 or more. */
  readonly limit: number;
  /** The time that `limit` is for, in milliseconds; 1 or more. */
  readonly perMs: number;
  /**
   * How much may go at once after a while without; an integer of 1 or more.
   * @default what comes in 20 ms, and 1 at least: timers are a little late
   */
  readonly burst?: number;
}

/**
 * A limit on something that requests take more or less of, such as tokens of a language model: for each host.
 *
 * What a request takes is estimated before it is sent, and corrected by what its outcome says. What is more than `burst`
 * goes alone, and is paid off afterwards.
 */
export interface FetchWeight extends FetchRate {
  /** @default what comes in a second, and 1 at least */
  readonly burst?: number;
  /** What `request` will probably take; 0 or more. */
  readonly estimate: (request: FetchInput) => number;
  /** What it took, or undefined where nothing tells: then the estimate holds. Called for each attempt. */
  readonly actual?: (outcome: FetchOutcome) => number | undefined;
}

/** A limit on tokens of language models: for each host. */
export interface FetchTokens extends FetchRate {
  /** @default what comes in a second, and 1 at least */
  readonly burst?: number;
  /**
   * Tokens of a request, before its answer tells; 0 or more.
   * @default a quarter of the bytes of its body, and the `max_tokens`, `max_completion_tokens` or `max_output_tokens` in it
   */
  readonly estimate?: number;
  /** Where in a JSON answer the tokens stand that were used. @default `usage.total_tokens` */
  readonly field?: string;
  /** The header that says so instead. */
  readonly header?: string;
}

/** How fast requests may follow each other. */
export interface PacingOptions {
  /** Attempts at all hosts together. @default no limit */
  readonly rate?: FetchRate;
  /** Attempts at each host. @default no limit */
  readonly ratePerHost?: FetchRate;
  /** Tokens of language models, at each host. @default no limit */
  readonly tokens?: FetchTokens;
  /** Anything else that requests take more or less of, at each host. @default no limit */
  readonly weights?: readonly FetchWeight[];
}

const burstMs = { requests: 20, weights: 1_000 };

/**
 * @returns undefined if there is no limit
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readPacing({ rate, ratePerHost, tokens, weights = [] }: PacingOptions): PaceRules | undefined {
  const rules = weights.map((weight, index) => weightRule(`weights[${index}]`, weight));
  if (tokens !== undefined) rules.push(readTokens(tokens));
  if (rate === undefined && ratePerHost === undefined && rules.length === 0) return undefined;
  return {
    rate: rate && readRate("rate", rate, burstMs.requests),
    ratePerHost: ratePerHost && readRate("ratePerHost", ratePerHost, burstMs.requests),
    weights: rules,
  };
}

function readRate(name: string, rate: FetchRate, slackMs: number): Rate {
  if (typeof rate !== "object" || rate === null) {
    throw new TypeError(`Expected \`${name}\` to be { limit, perMs }, got \`${String(rate)}\` (${typeof rate})`);
  }
  const { limit, perMs } = rate;
  expectFinite(`${name}.limit`, limit);
  expectMs(`${name}.perMs`, perMs, 1);
  if (perMs === Infinity) throw new RangeError(`Expected \`${name}.perMs\` to be finite, got \`Infinity\` (number)`);
  const { burst = Math.max(1, Math.floor((limit * slackMs) / perMs)) } = rate;
  expectFinite(`${name}.burst`, burst);
  return { limit, perMs, burst };
}

function expectFinite(name: string, value: number): void {
  expectInteger(name, value, 1);
  if (value === Infinity) throw new RangeError(`Expected \`${name}\` to be finite, got \`Infinity\` (number)`);
}

function weightRule(name: string, weight: FetchWeight): WeightRule {
  const rate = readRate(name, weight, burstMs.weights);
  const { estimate, actual } = weight;
  if (typeof estimate !== "function") throw new TypeError(`Expected \`${name}.estimate\` to be a function`);
  if (actual !== undefined && typeof actual !== "function") {
    throw new TypeError(`Expected \`${name}.actual\` to be a function`);
  }
  return {
    ...rate,
    estimate: (job: Job) => estimate(job.input as FetchInput),
    actual: (attempt: Attempt) => actual?.(outcomeOf(attempt)),
  };
}

function readTokens(tokens: FetchTokens): WeightRule {
  const { estimate, field = "usage.total_tokens", header } = tokens;
  if (estimate !== undefined && !(typeof estimate === "number" && estimate >= 0 && estimate < Infinity)) {
    throw new RangeError(
      `Expected \`tokens.estimate\` to be a number of 0 or more, got \`${String(estimate)}\` (${typeof estimate})`,
    );
  }
  const rate = readRate("tokens", tokens, burstMs.weights);
  return tokenWeight(rate, { estimate, field: field.split("."), header: header?.toLowerCase() });
}
