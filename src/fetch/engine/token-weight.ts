import type { WireHeaders } from "../../http/index.ts";
import { type Attempt, bodyOf } from "./attempt.ts";
import type { Job } from "./job.ts";
import type { Rate, WeightRule } from "./pace.ts";

/** How tokens are counted. */
export interface TokenCounting {
  /** Of a request whose body does not tell; undefined for its bytes. */
  readonly estimate: number | undefined;
  /** Where in a JSON answer the tokens stand that were used, such as `["usage", "total_tokens"]`. */
  readonly field: readonly string[];
  /** Which header says so instead, in lower case. */
  readonly header: string | undefined;
}

/** Of text in most languages and models, a token has about so many bytes. */
const bytesPerToken = 4;

/** What an answer may be as long as. Not within a string: there the quotes are escaped. */
const longestAnswer = /(?<!\\)"max_(?:completion_|output_)?tokens"\s*:\s*(\d{1,9})/;

/** Tokens of language models: guessed from the request, and corrected by what the answer says. */
export function tokenWeight(rate: Rate, { estimate, field, header }: TokenCounting): WeightRule {
  return {
    ...rate,
    estimate: (job) => estimate ?? guess(job),
    actual: ({ answer, ...attempt }) => {
      if (answer === undefined) return undefined;
      // It was refused before anything was computed.
      if (answer.status === 429) return 0;
      return header === undefined ? numberAt({ answer, ...attempt }, field) : numberIn(answer.headers, header);
    },
  };
}

function guess({ body }: Job): number {
  if (body === undefined) return 0;
  const asked = longestAnswer.exec(typeof body === "string" ? body : Buffer.from(body).toString("latin1"));
  return Math.ceil(body.length / bytesPerToken) + Number(asked?.[1] ?? 0);
}

function numberIn(headers: WireHeaders, name: string): number | undefined {
  const value = headers[name];
  return typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}

function numberAt({ answer }: Attempt, field: readonly string[]): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bodyOf(answer!).toString());
  } catch {
    return undefined;
  }
  for (const name of field) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return typeof value === "number" && value >= 0 && value < Infinity ? value : undefined;
}
