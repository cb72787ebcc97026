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

/** What the same request will meet again: bad certificates, and peers that speak no TLS. */
const lasting = /CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$/;

/** Whether a failure may be none next time: of the network, the name, or time; not of our limits or broken protocols. */
export function isRetryableError(error: unknown): boolean {
  if (error instanceof HttpTimeoutError) return true;
  if (error instanceof ConnectionError) return !lasting.test(error.causeCode ?? "");
  if (!(error instanceof ProxyError) || lasting.test(error.causeCode ?? "")) return false;
  return error.status === undefined || isRetryableStatus(error.status);
}

/** The server closed a kept connection, as it may at any time, just when the request was on its way. */
export function isStale(error: unknown): boolean {
  return error instanceof ConnectionError && error.isReused && error.phase === "request";
}

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
