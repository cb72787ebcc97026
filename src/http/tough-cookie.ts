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

/** Where a cookie is to go that is not in a jar yet. */
export interface CookieScope {
  readonly name: string;
  readonly domain: string;
  /** Whether it goes nowhere but below `path`. */
  isWithin(path: string | null): boolean;
}

/** @returns undefined if it is no cookie */
export function scopeOf(setCookie: string, hostname: string, pathname: string): CookieScope | undefined {
  const { Cookie, defaultPath, pathMatch } = load();
  const cookie = Cookie.parse(setCookie);
  if (cookie === undefined) return undefined;
  const own = cookie.path ?? defaultPath(pathname);
  return {
    name: cookie.key,
    domain: cookie.cdomain() ?? hostname,
    isWithin: (path) => pathMatch(own, path ?? "/"),
  };
}
