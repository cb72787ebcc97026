import { type FailureLimit, type PaceRules, parseMaxFailures, readPacing } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";
import { parseRate, wholeNumber } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/** How fast requests follow each other, and what is done about failures. */
export interface PacingSettings {
  /** Whether each host finds by itself how many at once it can take. */
  readonly isAdaptive: boolean;
  readonly pace: PaceRules | undefined;
  readonly maxFailures: FailureLimit | undefined;
  /** Retries for each request to a host; Infinity for any number. */
  readonly retryBudget: number;
  readonly retriesAnyMethod: boolean;
}

const aRate = "a rate such as 100/s, 6000/m or 5/10s";

/** @throws {UsageError} a flag is wrong, or two do not go together */
export function readPacingSettings(given: GivenFlags): PacingSettings {
  const rate = given.read("rate", aRate, parseRate, undefined);
  const ratePerHost = given.read("rate-per-host", aRate, parseRate, undefined);
  const tokens = readTokens(given);
  return {
    isAdaptive: (given.get("concurrency") ?? "auto") === "auto",
    pace: readPacing({ ...(rate && { rate }), ...(ratePerHost && { ratePerHost }), ...(tokens && { tokens }) }),
    maxFailures: given.read("max-failures", "a number such as 20, or a part such as 5%", parseMaxFailures, undefined),
    retryBudget: given.read("retry-budget", "a part such as 20%, or none for no limit", budget, 0.2),
    retriesAnyMethod: given.has("retry-any-method"),
  };
}

type Tokens = NonNullable<Parameters<typeof readPacing>[0]["tokens"]>;

function readTokens(given: GivenFlags): Tokens | undefined {
  const rate = given.read("tokens", "a rate such as 200000/m", parseRate, undefined);
  const estimate = given.read("tokens-estimate", "a whole number", wholeNumber, undefined);
  const field = given.get("tokens-field");
  const header = given.get("tokens-header");
  if (rate === undefined) {
    const other = ["tokens-estimate", "tokens-field", "tokens-header"].find((name) => given.has(name));
    if (other !== undefined) throw new UsageError(`--${other} needs --tokens`, "that says how many there may be");
    return undefined;
  }
  return {
    ...rate,
    ...(estimate !== undefined && { estimate }),
    ...(field !== undefined && { field }),
    ...(header !== undefined && { header }),
  };
}

function budget(text: string): number | undefined {
  if (text === "none") return Infinity;
  return /^\d{1,4}%$/.test(text) ? Number(text.slice(0, -1)) / 100 : undefined;
}
