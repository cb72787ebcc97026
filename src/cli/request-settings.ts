import { readFileSync } from "node:fs";
import { headerProblem, isMethod } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** What requests have that do not say otherwise. */
export interface RequestDefaults {
  readonly method: string | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | undefined;
}

/** @throws {UsageError} a flag is wrong */
export function readRequestDefaults(given: GivenFlags, version: string): RequestDefaults {
  const { body, bodyHeaders } = readBody(given);
  const method = given.read(
    "request",
    "an HTTP method",
    (text) => (isMethod(text) ? text.toUpperCase() : undefined),
    undefined,
  );
  return { method, headers: readHeaders(given, bodyHeaders, version), body };
}

function readHeaders(given: GivenFlags, bodyHeaders: readonly string[], version: string): string[] {
  const byName = new Map<string, [name: string, value: string][]>();
  const add = (name: string, value: string): void => void byName.set(name.toLowerCase(), [[name, value]]);
  add("user-agent", `taskwright/${version}`);
  add("accept", "*/*");
  for (let index = 0; index < bodyHeaders.length; index += 2) add(bodyHeaders[index]!, bodyHeaders[index + 1]!);
  const agent = given.get("user-agent");
  if (agent !== undefined) add("user-agent", checkedValue("user-agent", agent));
  const user = given.get("user");
  if (user !== undefined)
    add("authorization", `Basic ${Buffer.from(user.includes(":") ? user : `${user}:`).toString("base64")}`);

  const own = new Map<string, [name: string, value: string][]>();
  for (const header of given.all("header")) {
    const colon = header.indexOf(":");
    const name = header.slice(0, colon).trim();
    const value = header.slice(colon + 1).trim();
    if (colon < 1) throw new UsageError("Expected --header to be 'NAME: VALUE'", "`NAME:` sends none of that name");
    const key = name.toLowerCase();
    const values = own.get(key) ?? [];
    if (value !== "") values.push([name, checkedValue(name, value)]);
    own.set(key, values);
  }
  return [...new Map([...byName, ...own]).values()].flat(2);
}

function checkedValue(name: string, value: string): string {
  const problem = headerProblem(name, value);
  if (problem !== undefined) throw new UsageError(`Wrong header: ${problem}`);
  return value;
}

function readBody(given: GivenFlags): { body: string | Uint8Array | undefined; bodyHeaders: readonly string[] } {
  const data = given.all("data");
  const json = given.get("json");
  if (json !== undefined) {
    return { body: content(json), bodyHeaders: ["content-type", "application/json", "accept", "application/json"] };
  }
  if (data.length === 0) return { body: undefined, bodyHeaders: [] };
  const bodyHeaders = ["content-type", "application/x-www-form-urlencoded"];
  if (data.length === 1) return { body: content(data[0]!), bodyHeaders };
  return { body: data.map((part) => content(part).toString()).join("&"), bodyHeaders };
}

/** What curl takes from `@FILE`, without its quirk of dropping line ends: bytes are bytes. */
function content(data: string): string | Uint8Array {
  if (!data.startsWith("@")) return data;
  try {
    return readFileSync(data === "@-" ? 0 : data.slice(1));
  } catch (error) {
    throw new UsageError(`Cannot read \`${data.slice(1)}\`: ${(error as Error).message}`, undefined, { cause: error });
  }
}
