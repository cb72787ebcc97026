import { expectInteger } from "../../core/index.ts";
import { type Backoff, RetryBudget, exponential } from "../../flow/index.ts";
import { wrong } from "../request/check.ts";

/**
 * When and how often a request is sent again.
 *
 * Sent again are requests that failed on the way (no connection, a connection that broke, a timeout of a phase), and
 * those answered with 408, 425, 429 or 5xx: of the methods GET, HEAD, OPTIONS, PUT and DELETE, or with an
 * `Idempotency-Key` header. Those that found no connection reached nobody, and by 429 a server says that it has done
 * nothing: these are sent again whatever their method. A body that is an iterable can be sent once only.
 *
 * The body of a GET that breaks off is read on, with a request for the rest of it, where the server sends parts
 * (`Accept-Ranges: bytes`) and the response has a strong `ETag` and no content coding. Whoever reads it sees nothing of it.
 *
 * 429 and 503 with a `Retry-After` pause their host: until then no request of the session is sent to it, and the wait
 * does not count as an attempt. So throttling never gives up, while the deadline around the request allows to go on.
 */
export interface HttpRetryOptions {
  /**
   * Attempts in all, the first included; 1 or more. Statuses of 5xx that are not known to pass (500, 502, 503 and 504
   * are) are sent again twice at most. @default 3
   */
  readonly attempts?: number;
  /**
   * How long to wait after each failed attempt. A `Retry-After` that asks for longer is waited out in full.
   * @default exponential({ baseMs: 500 }): up to 500 ms, 1 s, 2 s, ... 30 s, with full jitter
   */
  readonly backoff?: Backoff;
  /** No attempt is begun later than this after the first failure, in milliseconds. Pauses aside. @default 300_000 */
  readonly maxTimeMs?: number;
  /**
   * How many requests may be sent again, of all that share it; pauses aside. @default one for the session, of a fifth of
   * its requests and 10 a second
   */
  readonly budget?: RetryBudget;
}

/** The same, complete and checked. */
export type RetryRules = Required<HttpRetryOptions>;

const defaultBackoff = exponential({ baseMs: 500 });

/**
 * @param base - what holds where `given` says nothing
 * @returns undefined if nothing is to be sent again
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readRetry(
  given: HttpRetryOptions | boolean | undefined,
  base: RetryRules | undefined,
): RetryRules | undefined {
  if (given === undefined) return base;
  if (given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new TypeError(wrong("retry", "an object or a boolean", given));
  }
  const own: HttpRetryOptions = given === true ? {} : given;
  const { attempts = 3, backoff = defaultBackoff, maxTimeMs = 300_000, budget } = { ...base, ...own };
  expectInteger("retry.attempts", attempts, 1);
  if (typeof backoff !== "function") throw new TypeError(wrong("retry.backoff", "a function", backoff));
  if (typeof maxTimeMs !== "number") throw new TypeError(wrong("retry.maxTimeMs", milliseconds, maxTimeMs));
  if (!(maxTimeMs >= 0)) throw new RangeError(wrong("retry.maxTimeMs", milliseconds, maxTimeMs));
  if (budget !== undefined && !(budget instanceof RetryBudget)) {
    throw new TypeError(wrong("retry.budget", "a RetryBudget", budget));
  }
  return { attempts, backoff, maxTimeMs, budget: budget ?? new RetryBudget() };
}

const milliseconds = "a number of milliseconds, 0 or more";
