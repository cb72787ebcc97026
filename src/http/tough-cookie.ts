/**
 * The one file that knows tough-cookie: which cookies a site may set, and which of them go where, the list of public
 * suffixes included. Loaded when the first jar is asked for something.
 */
import { createRequire } from "node:module";
import type * as ToughCookie from "tough-cookie";

/** A cookie, as it was taken. */
export type KeptCookie = ToughCookie.Cookie;
/** What keeps cookies, in memory. */
export type CookieKeeper = ToughCookie.CookieJar;

const require = createRequire(import.meta.url);

function load(): typeof ToughCookie {
  return require("tough-cookie") as typeof ToughCookie;
}

export function makeKeeper(): CookieKeeper {
  return new (load().CookieJar)();
}

/** @throws it is not what a keeper was serialised as */
export function restoreKeeper(json: string): CookieKeeper {
  return load().CookieJar.deserializeSync(json);
}
