import { expectInteger } from "../core/index.ts";
import { acceptEncoding, openSession } from "../http/index.ts";
import type { ExchangeOptions, FetchSessionOptions } from "./engine/exchange.ts";
import { readHeaders } from "./input/job-builder.ts";
import type { FailureLimit } from "./engine/failure-limit.ts";
import type { PaceRules } from "./engine/pace.ts";
import type { RetryPolicy } from "./engine/retry-policy.ts";
import { type PacingOptions, readPacing } from "./pacing.ts";

/** Settings of {@link fetchAll}. */
export interface FetchAllOptions extends PacingOptions {
  /**
   * Requests on the wire, or answered and not yet read, at once. `"auto"` is 100, and each host finds by itself how many
   * it can take, up to `perHost`: it begins with 4, and gets no more at once where that only makes it slower.
   * @default "auto"
   */
  readonly concurrency?: number | "auto";
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
  /**
   * Stops when more have failed: a number of requests, 0 or more, or a part of at least a hundred, such as `"5%"`. What
   * is on the wire still ends; then the stream throws a {@link TooManyFailuresError}. @default no limit
   */
  readonly maxFailures?: number | `${number}%`;
  /** Sent with each request, unless it has one of the same name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
  /** A longer body is a failure, `HTTP_BODY_TOO_LARGE`. Bodies are held in memory. @default 33_554_432, 32 MiB */
  readonly maxBodyBytes?: number;
  /** How hosts are reached, and who one is there: settings of the session that all requests go through. */
  readonly session?: FetchSessionOptions;
}

/**
 * Asked again are 408, 425, 429 and 5xx, connection errors and timeouts: of methods GET, HEAD, OPTIONS, PUT and DELETE,
 * and any with an `Idempotency-Key` header; and whatever the method, what found no connection or was answered with 429.
 *
 * 429, and 503 with a `Retry-After`, pause the host for all its requests, and use up no attempt: throttling never fails a
 * request. The same holds for a host that has answered and cannot be reached any more, or answers only with 502, 503 and
 * 504, as long as `maxTimeMs`. After a pause one request goes first, and more with each that goes well.
 */
export interface FetchRetryOptions {
  /** Attempts in all, the first included. Of 5xx other than 500, 502, 503 and 504 never more than 3. @default 3 */
  readonly attempts?: number;
  /** The wait before attempt n + 1 is drawn from 0 to `baseMs * 2 ** (n - 1)`, at most `maxMs`. @default 500 */
  readonly baseMs?: number;
  /** The longest such wait, in milliseconds. A `Retry-After` may ask for longer. @default 30_000 */
  readonly maxMs?: number;
  /** No attempt begins later than this after the first failure, in milliseconds; pauses aside. @default 300_000 */
  readonly maxTimeMs?: number;
  /**
   * How many may be asked again for each request to the same host, besides 10 a second: so what is down is not kept down.
   * `Infinity` for any number. What goes beyond is a failure at once. Pauses aside. @default 0.2
   */
  readonly budget?: number;
  /** Whether also methods are asked again that may do twice what is asked twice, such as POST. @default false */
  readonly anyMethod?: boolean;
  /** From 0 up to, but not including, 1. @default Math.random */
  readonly random?: () => number;
}

/** The same, complete and checked. */
export interface FetchAllSettings extends ExchangeOptions {
  readonly perHost: number;
  readonly isAdaptive: boolean;
  readonly retry: RetryPolicy;
  readonly pace: PaceRules | undefined;
  readonly maxFailures: FailureLimit | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** What `"auto"` is for all hosts together. */
const autoConcurrency = 100;

const standardHeaders = { "user-agent": "taskwright", accept: "*/*" };

/** @throws {TypeError | RangeError} an option is wrong */
export function readOptions(options: FetchAllOptions): FetchAllSettings {
  const { perHost = 10, maxBodyBytes = 32 * 1024 * 1024 } = options;
  const { session = {}, retry = {}, headers = {} } = options;
  const { attempts = 3, random = Math.random, budget = 0.2, anyMethod = false } = retry;
  const isAdaptive = (options.concurrency ?? "auto") === "auto";
  const concurrency = isAdaptive ? autoConcurrency : (options.concurrency as number);
  expectInteger("concurrency", concurrency, 1);
  expectInteger("perHost", perHost, 1);
  expectInteger("maxBodyBytes", maxBodyBytes, 0);
  expectInteger("retry.attempts", attempts, 1);
  if (!(typeof budget === "number" && budget >= 0)) {
    throw new RangeError(
      `Expected \`retry.budget\` to be a number of 0 or more, got \`${String(budget)}\` (${typeof budget})`,
    );
  }
  // Checks them at the door. A session opens nothing before its first request, and this one has none.
  if (options.session !== undefined) openSession(session);
  readHeaders(headers);
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    concurrency,
    perHost,
    isAdaptive,
    maxBodyBytes,
    session,
    timeoutMs: milliseconds("timeoutMs", options.timeoutMs, 30_000),
    connectTimeoutMs: milliseconds("connectTimeoutMs", options.connectTimeoutMs, 10_000),
    pace: readPacing(options),
    maxFailures: readMaxFailures(options.maxFailures),
    headers: readHeaders({
      ...standardHeaders,
      ...(session.decompress === true && { "accept-encoding": acceptEncoding }),
      ...own,
    }),
    retry: {
      attempts,
      random,
      anyMethod,
      ...(budget < Infinity && { budget }),
      baseMs: milliseconds("retry.baseMs", retry.baseMs, 500),
      maxMs: milliseconds("retry.maxMs", retry.maxMs, 30_000),
      maxTimeMs: milliseconds("retry.maxTimeMs", retry.maxTimeMs, 300_000),
    },
  };
}

function readMaxFailures(given: number | string | undefined): FailureLimit | undefined {
  if (given === undefined) return undefined;
  const limit = parseMaxFailures(String(given));
  if (limit !== undefined) return limit;
  throw new RangeError(
    `Expected \`maxFailures\` to be an integer of 0 or more, or a part such as "5%", got \`${String(given)}\` (${typeof given})`,
  );
}

/** Reads `20` and `2.5%`; undefined if `text` is neither. */
export function parseMaxFailures(text: string): FailureLimit | undefined {
  if (/^\d{1,15}$/.test(text)) return { kind: "count", most: Number(text) };
  const [, percent] = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text) ?? [];
  return percent === undefined || Number(percent) > 100 ? undefined : { kind: "share", most: Number(percent) / 100 };
}

function milliseconds(name: string, given: number | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (typeof given === "number" && given >= 0) return given;
  const Kind = typeof given === "number" ? RangeError : TypeError;
  throw new Kind(`Expected \`${name}\` to be milliseconds, 0 or more, got \`${String(given)}\` (${typeof given})`);
}
