import { checkMs } from "../request/check.ts";

/**
 * How long each phase of a request may take, in milliseconds; `Infinity` turns one off.
 *
 * The wait for a slot of the session is in none of them: time starts when the request is let through. Where a request
 * is sent again it starts again.
 */
export interface TimeoutOptions {
  /** To look up the name, connect and shake hands. A kept connection needs none of it. @default 10_000 */
  readonly connectMs?: number;
  /** From the last byte of the request to the headers of the response. @default 60_000 */
  readonly headersMs?: number;
  /** Without a byte of a body going through, sent or received. Not counted while you are the one not reading. @default 60_000 */
  readonly idleMs?: number;
  /** For everything, from leaving the queue to the last byte of the body. @default Infinity */
  readonly totalMs?: number;
}

/** All four. */
export type Timeouts = Required<TimeoutOptions>;

const defaults: Timeouts = { connectMs: 10_000, headersMs: 60_000, idleMs: 60_000, totalMs: Infinity };

/** @throws {TypeError | RangeError} a field is not a number of milliseconds */
export function readTimeouts(given: TimeoutOptions | number | undefined, base: Timeouts = defaults): Timeouts {
  if (given === undefined) return base;
  const fields = typeof given === "number" ? { totalMs: given } : given;
  const all = { ...base };
  for (const name of ["connectMs", "headersMs", "idleMs", "totalMs"] as const) {
    const value = fields[name];
    if (value === undefined) continue;
    checkMs(typeof given === "number" ? "timeout" : `timeout.${name}`, value);
    all[name] = value;
  }
  return all;
}
