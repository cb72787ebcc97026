import { CookieJar } from "../cookie-jar.ts";
import { wrong } from "../request/check.ts";
import type { HeaderList } from "../request/request-headers.ts";

/**
 * @param base - what holds where `given` says nothing
 * @throws {TypeError} it is none of them
 */
export function readCookies(
  given: CookieJar | boolean | undefined,
  base: CookieJar | undefined,
): CookieJar | undefined {
  if (given === undefined || given instanceof CookieJar) return given ?? base;
  if (typeof given !== "boolean") {
    // Text may well be cookies.
    const shown = typeof given === "string" ? "***" : given;
    throw new TypeError(wrong("cookies", "a CookieJar or a boolean", shown));
  }
  return given ? (base ?? new CookieJar()) : undefined;
}

/** `headers` with the cookies of `jar` that go to `url`, but for those that are there already. */
export function withCookies(headers: HeaderList, jar: CookieJar, url: string): HeaderList {
  const pairs = jar.pairsFor(url);
  if (pairs.length === 0) return headers;
  const own: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === "cookie") own.push(headers[i + 1]!);
    else others.push(headers[i]!, headers[i + 1]!);
  }
  const names = new Set(own.flatMap((text) => text.split(";")).map((pair) => pair.split("=", 1)[0]!.trim()));
  const added = pairs.filter(([name]) => !names.has(name)).map(([, pair]) => pair);
  return [...others, "cookie", [...own, ...added].join("; ")];
}
