import { expectInteger } from "../../core/index.ts";
import { type Backoff, exponential } from "../../flow/index.ts";
import { wrong } from "../request/check.ts";

/** When a connection that was lost is opened again. */
export interface ReconnectOptions {
  /**
   * Attempts in a row that bring nothing, before the last error is thrown; 1 or more. Each connection that brings
   * something starts anew. @default Infinity
   */
  readonly attempts?: number;
  /**
   * How long to wait before each of them, in milliseconds. What the server asks for in seconds or milliseconds comes
   * before or on top of it. @default exponential({ baseMs: 1_000 }): up to 1 s, 2 s, 4 s, ... 30 s, with full jitter
   */
  readonly backoff?: Backoff;
}

/** The same, complete and checked. */
export type ReconnectRules = Required<ReconnectOptions>;

const defaultBackoff = exponential({ baseMs: 1_000 });

/**
 * @returns undefined if what is lost stays lost
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readReconnect(given: ReconnectOptions | boolean): ReconnectRules | undefined {
  if (given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new TypeError(wrong("reconnect", "an object or a boolean", given));
  }
  const { attempts = Infinity, backoff = defaultBackoff }: ReconnectOptions = given === true ? {} : given;
  expectInteger("reconnect.attempts", attempts, 1);
  if (typeof backoff !== "function") throw new TypeError(wrong("reconnect.backoff", "a function", backoff));
  return { attempts, backoff };
}
