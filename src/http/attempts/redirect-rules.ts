import { expectInteger } from "../../core/index.ts";
import { wrong } from "../request/check.ts";

/** How answers that lead elsewhere are followed. */
export interface RedirectOptions {
  /** The most redirects to follow, one after the other; 0 or more. One more is an error. @default 20 */
  readonly max?: number;
  /** Whether to go on from https to http, where everybody on the way can read along. @default false */
  readonly allowDowngrade?: boolean;
}

/** The same, complete and checked. */
export type RedirectRules = Required<RedirectOptions>;

/**
 * @param base - what holds where `given` says nothing
 * @returns undefined if redirects are answers like any other
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readRedirect(
  given: RedirectOptions | boolean | undefined,
  base: RedirectRules | undefined,
): RedirectRules | undefined {
  if (given === undefined) return base;
  if (given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new TypeError(wrong("redirect", "an object or a boolean", given));
  }
  const own: RedirectOptions = given === true ? {} : given;
  const { max = 20, allowDowngrade = false } = { ...base, ...own };
  expectInteger("redirect.max", max, 0);
  if (typeof allowDowngrade !== "boolean") {
    throw new TypeError(wrong("redirect.allowDowngrade", "a boolean", allowDowngrade));
  }
  return { max, allowDowngrade };
}
