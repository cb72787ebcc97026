import type { WireHeaders } from "../../http/index.ts";

/** What is counted, as the ends of the names of headers say. */
const kinds = ["", "-requests", "-tokens"] as const;
const prefixes = ["x-ratelimit", "ratelimit"] as const;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const durations = /^(?:\d+(?:\.\d+)?(?:ms|[smh]))+$/;
const duration = /(\d+(?:\.\d+)?)(ms|[smh])/g;
const plainNumber = /^\d+(?:\.\d+)?$/;

/** A number of seconds beyond this one is a date: the first of 2001. */
const firstDateSeconds = 978_307_200;

/**
 * How long it takes until a host lets more through that says with an answer that nothing is left: by
 * `x-ratelimit-remaining-requests: 0` and `x-ratelimit-reset-requests: 1m30s`, or the same of `-tokens`, or of neither,
 * with or without the `x-`. A reset is a duration, a number of seconds, or of seconds since 1970.
 *
 * @param dateMs - the time here, in milliseconds since 1970
 * @returns milliseconds, or undefined if something is left, or nothing tells
 */
export function usedUpForMs(headers: WireHeaders, dateMs: number): number | undefined {
  let longest: number | undefined;
  for (const prefix of prefixes) {
    for (const kind of kinds) {
      if (headers[`${prefix}-remaining${kind}`] !== "0") continue;
      const resetMs = readReset(headers[`${prefix}-reset${kind}`], dateMs);
      if (resetMs !== undefined) longest = Math.max(longest ?? 0, resetMs);
    }
  }
  return longest;
}

function readReset(value: string | string[] | undefined, dateMs: number): number | undefined {
  if (typeof value !== "string") return undefined;
  let ms = 0;
  if (plainNumber.test(value)) {
    const seconds = Number(value);
    ms = seconds < firstDateSeconds ? seconds * 1_000 : Math.max(0, seconds * 1_000 - dateMs);
  } else if (durations.test(value)) {
    for (const [, amount, unit] of value.matchAll(duration)) ms += Number(amount) * unitMs[unit!]!;
  } else return undefined;
  return ms <= Number.MAX_SAFE_INTEGER ? Math.ceil(ms) : undefined;
}
