import { headerProblem } from "../fetch/index.ts";
import { acceptEncoding } from "../http/index.ts";
import { isCookie } from "./cookie-settings.ts";
import { readArgumentFile } from "./file-argument.ts";
import type { GivenFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

type Header = readonly [name: string, value: string];

/**
 * The headers of all requests that have none of the same name. What `--header` says counts more than other flags.
 *
 * @param bodyHeaders - of what is sent: names and values in turn
 * @returns names and values in turn
 * @throws {UsageError} a header is wrong
 */
export function readHeaders(given: GivenFlags, bodyHeaders: readonly string[], version: string): string[] {
  const byName = new Map<string, Header[]>();
  const add = (name: string, value: string): void =>
    void byName.set(name.toLowerCase(), [[name, checkedValue(name, value)]]);
  add("user-agent", given.get("user-agent") ?? `taskwright/${version}`);
  add("accept", "*/*");
  if (given.has("compressed")) add("accept-encoding", acceptEncoding);
  for (let index = 0; index < bodyHeaders.length; index += 2) add(bodyHeaders[index]!, bodyHeaders[index + 1]!);
  const authorization = readAuthorization(given);
  if (authorization !== undefined) add("authorization", authorization);
  const referer = given.get("referer");
  if (referer !== undefined) add("referer", referer);
  const cookies = given.all("cookie").filter(isCookie);
  if (cookies.length > 0) add("cookie", cookies.join("; "));
  return [...new Map([...byName, ...ownHeaders(given)]).values()].flat(2);
}

function readAuthorization(given: GivenFlags): string | undefined {
  const token = given.get("oauth2-bearer");
  if (token !== undefined) return `Bearer ${token}`;
  const user = given.get("user");
  if (user === undefined) return undefined;
  // curl would ask for the password. Who runs a list of requests may not be there to answer.
  if (!user.includes(":")) {
    throw new UsageError(
      "Expected --user to be NAME:PASSWORD",
      "`NAME:` has no password; --netrc reads one from a file",
    );
  }
  return `Basic ${Buffer.from(user).toString("base64")}`;
}

/** Those of `--header`, by name in lower case; without any where none is to be sent. */
function ownHeaders(given: GivenFlags): Map<string, Header[]> {
  const own = new Map<string, Header[]>();
  for (const line of given.all("header").flatMap(headerLines)) {
    const [, name = "", sign = "", value = ""] = /^([^:;]*)([:;])(.*)$/s.exec(line.trim()) ?? [];
    if (name.trim() === "" || (sign === ";" && value !== "")) {
      throw new UsageError(
        "Expected --header to be 'NAME: VALUE'",
        "`NAME:` sends none of that name, `NAME;` an empty one, @FILE those in a file",
      );
    }
    const headers = own.get(name.trim().toLowerCase()) ?? [];
    if (sign === ";" || value.trim() !== "") headers.push([name.trim(), checkedValue(name.trim(), value.trim())]);
    own.set(name.trim().toLowerCase(), headers);
  }
  return own;
}

/** A file keeps secrets out of the list of processes, which all users of the machine can see. */
function headerLines(value: string): string[] {
  if (!value.startsWith("@")) return [value];
  const text = readArgumentFile("header", value.slice(1)).toString();
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

function checkedValue(name: string, value: string): string {
  const problem = headerProblem(name, value);
  if (problem !== undefined) throw new UsageError(`Wrong header: ${problem}`);
  return value;
}
