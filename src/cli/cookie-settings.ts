import { CookieJar } from "../http/index.ts";
import { readArgumentFile } from "./file-argument.ts";
import type { GivenFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** Whether a value of --cookie is a cookie, and not the name of a file. As with curl. */
export function isCookie(value: string): boolean {
  return value.includes("=");
}

/**
 * The cookies that go where they belong; undefined if none are kept.
 *
 * @throws {UsageError} there is no such file, or it is none of cookies
 */
export function readCookies(given: GivenFlags): CookieJar | undefined {
  const [file, another] = given.all("cookie").filter((value) => !isCookie(value));
  if (another !== undefined) throw new UsageError("Got two files for --cookie", "NAME=VALUE is a cookie");
  if (file === undefined && !given.has("cookie-jar")) return undefined;
  if (file === undefined || file === "") return new CookieJar();
  const text = readArgumentFile("cookie", file).toString();
  try {
    return CookieJar.fromNetscape(text);
  } catch (error) {
    const message = `\`${file}\`, given as --cookie: ${(error as Error).message}`;
    throw new UsageError(message, undefined, { cause: error });
  }
}

/** Where cookies are to be kept; undefined for nowhere. */
export function readCookieJar(given: GivenFlags): string | undefined {
  const path = given.get("cookie-jar");
  if (path === "" || path === "-") throw new UsageError(`Expected a file after --cookie-jar, got \`${path}\``);
  return path;
}
