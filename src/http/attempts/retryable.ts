/** What may go better when it is asked again: for sessions, and for the batch engine, which has its own schedule. */
import { ConnectionError, HttpTimeoutError, ProxyError } from "../errors.ts";
import type { WireHeaders } from "../undici.ts";
import { parseHttpDate, parseRetryAfter } from "./retry-after.ts";

const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Whether asking twice with `method` does no more than asking once, as RFC 9110 says. */
export function isIdempotent(method: string): boolean {
  return idempotent.has(method);
}

/** Answers that may be another one next time, by RFC 9110 and RFC 6585. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599);
}

/** Whether an answer asks for fewer requests: then its host is to be left alone by all, and nothing has failed. */
export function isThrottling(status: number, askedMs: number | undefined): boolean {
  return status === 429 || (status === 503 && askedMs !== undefined);
}

/** Of 5xx those that are known to pass. */
const passing: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** How often a request is sent again at most, however many attempts it has, because of answers with `status`. */
export function mostRetriesFor(status: number): number {
  return status < 500 || passing.has(status) ? Infinity : 2;
}

/** What the same request will meet again: bad certificates, peers that speak no TLS, no HTTP, or another version of it. */
const lasting = /CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|^HPE_|^HTTP2_(?:HTTP_1_1_REQUIRED|INADEQUATE_SECURITY)$/;

/** Whether a failure may be none next time: of the network, the name, or time; not of our limits or broken protocols. */
export function isRetryableError(error: unknown): boolean {
  if (error instanceof HttpTimeoutError) return true;
  if (error instanceof ConnectionError) return !lasting.test(error.causeCode ?? "");
  if (!(error instanceof ProxyError) || lasting.test(error.causeCode ?? "")) return false;
  return error.status === undefined || isRetryableStatus(error.status);
}

/** Whether nobody has done anything with the request yet: then it may be sent again, whatever its method. */
export function isUnprocessed(error: unknown): boolean {
  if (error instanceof HttpTimeoutError) return error.phase === "connect";
  return error instanceof ProxyError || (error instanceof ConnectionError && error.isUnprocessed);
}

/** The server closed a kept connection, as it may at any time, just when the request was on its way. */
export function isStale(error: unknown): boolean {
  if (!(error instanceof ConnectionError) || !error.isReused || error.phase !== "request") return false;
  // A stream of HTTP/2 that is reset is an answer to this request, unless the server has not looked at it.
  return error.isUnprocessed || error.causeCode?.startsWith("HTTP2_") !== true;
}

/** The longest that is waited because a server asks for it. Where it asks for more, its answer stands. */
export const longestWaitMs: number = 24 * 60 * 60 * 1_000;

/**
 * How long an answer asks to be left alone by its `Retry-After`, in milliseconds; undefined if it does not.
 *
 * @param dateMs - the time here, in milliseconds since 1970, for servers that send no `Date`
 */
export function retryAfterMs(headers: WireHeaders, dateMs: number): number | undefined {
  const { "retry-after": value, date } = headers;
  if (typeof value !== "string") return undefined;
  return parseRetryAfter(value, (typeof date === "string" ? parseHttpDate(date) : undefined) ?? dateMs);
}
