import { expectInteger } from "../core/index.ts";
import type { ExchangeOptions, FetchSessionOptions } from "./internal/exchange.ts";
import { readHeaders } from "./internal/job-builder.ts";
import type { RetryPolicy } from "./internal/retry-policy.ts";

/** Settings of {@link fetchAll}. */
export interface FetchAllOptions {
  /** Requests on the wire, or answered and not yet read, at once. @default 100 */
  readonly concurrency?: number;
  /** Requests on the wire to one origin at once: politeness, since most lists are of one host. @default 10 */
  readonly perHost?: number;
  /**
   * For one attempt, from the moment it has a slot to the last byte, in milliseconds; `Infinity` for no limit. Waiting
   * for a slot never counts. @default 30_000
   */
  readonly timeoutMs?: number;
  /** To connect, within `timeoutMs`. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** When and how often a request is asked again. */
  readonly retry?: FetchRetryOptions;
  /** Sent with each request, unless it has one of the same name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
  /** A longer body is a failure, `HTTP_BODY_TOO_LARGE`. Bodies are held in memory. @default 33_554_432, 32 MiB */
  readonly maxBodyBytes?: number;
  /** How hosts are reached, and who one is there: settings of the session that all requests go through. */
  readonly session?: FetchSessionOptions;
}

/**
 * Asked again are 408, 425, 429 and 5xx, connection errors and timeouts; of methods GET, HEAD, OPTIONS, PUT and DELETE,
 * and any with an `Idempotency-Key` header.
 */
export interface FetchRetryOptions {
  /** Attempts in all, the first included. @default 3 */
  readonly attempts?: number;
  /** The wait before attempt n + 1 is drawn from 0 to `baseMs * 2 ** (n - 1)`, at most `maxMs`. @default 500 */
  readonly baseMs?: number;
  /** @default 30_000 */
  readonly maxMs?: number;
  /**
   * No attempt begins later than this after the first. A `Retry-After` is waited out in full, or, where that would go
   * beyond, not at all. @default 300_000
   */
  readonly maxTimeMs?: number;
  /** From 0 up to, but not including, 1. @default Math.random */
  readonly random?: () => number;
}

/** The same, complete and checked. */
export interface FetchAllSettings extends ExchangeOptions {
  readonly perHost: number;
  readonly retry: RetryPolicy;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

const standardHeaders = { "user-agent": "taskwright", accept: "*/*" };

/** @throws {TypeError | RangeError} an option is wrong */
export function readOptions(options: FetchAllOptions): FetchAllSettings {
  const { concurrency = 100, perHost = 10, maxBodyBytes = 32 * 1024 * 1024 } = options;
  const { session = {}, retry = {}, headers = {} } = options;
  const { attempts = 3, random = Math.random } = retry;
  expectInteger("concurrency", concurrency, 1);
  expectInteger("perHost", perHost, 1);
  expectInteger("maxBodyBytes", maxBodyBytes, 0);
  expectInteger("retry.attempts", attempts, 1);
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    concurrency,
    perHost,
    maxBodyBytes,
    session,
    timeoutMs: milliseconds("timeoutMs", options.timeoutMs, 30_000),
    connectTimeoutMs: milliseconds("connectTimeoutMs", options.connectTimeoutMs, 10_000),
    headers: readHeaders({ ...standardHeaders, ...own }),
    retry: {
      attempts,
      random,
      baseMs: milliseconds("retry.baseMs", retry.baseMs, 500),
      maxMs: milliseconds("retry.maxMs", retry.maxMs, 30_000),
      maxTimeMs: milliseconds("retry.maxTimeMs", retry.maxTimeMs, 300_000),
    },
  };
}

function milliseconds(name: string, given: number | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (typeof given === "number" && given >= 0) return given;
  const Kind = typeof given === "number" ? RangeError : TypeError;
  throw new Kind(`Expected \`${name}\` to be milliseconds, 0 or more, got \`${String(given)}\` (${typeof given})`);
}
