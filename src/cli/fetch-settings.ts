import { readFileSync } from "node:fs";
import { type InputFormat, headerProblem, isMethod } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";
import { parseDuration, parseSize } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/** What the flags of `taskwright fetch` say, read and checked. */
export interface FetchSettings {
  /** URLs from the command line. */
  readonly urls: readonly string[];
  /** A file, or `-` for standard input; undefined if there are URLs. */
  readonly input: string | undefined;
  readonly inputFormat: InputFormat | undefined;
  readonly output: string | undefined;
  readonly method: string | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | undefined;
  readonly isInsecure: boolean;
  readonly concurrency: number;
  readonly perHost: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly attempts: number;
  readonly retryMaxTimeMs: number;
  readonly maxBodyBytes: number;
  readonly withHeaders: boolean;
  readonly isDryRun: boolean;
  readonly hasJsonSummary: boolean;
  readonly progress: ProgressMode;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
}

/** How progress is shown: `auto` is a bar on a terminal and plain lines elsewhere. */
type ProgressMode = "auto" | "bar" | "plain" | "none";

/** What `auto` means, until concurrency finds its own measure. */
const autoConcurrency = 100;

/** @throws {UsageError} a flag is wrong, or two do not go together */
export function readSettings(given: GivenFlags, version: string): FetchSettings {
  const urls = given.positionals.filter((argument) => argument !== "-");
  const input = readInput(given, urls);
  const output = given.get("output");
  const { body, bodyHeaders } = readBody(given);
  const method = given.read(
    "request",
    "an HTTP method",
    (text) => (isMethod(text) ? text.toUpperCase() : undefined),
    undefined,
  );
  return {
    urls,
    input,
    inputFormat: given.get("input-format") as InputFormat | undefined,
    output: output === "-" ? undefined : output,
    method,
    headers: readHeaders(given, bodyHeaders, version),
    body,
    isInsecure: given.has("insecure"),
    concurrency: given.read("concurrency", "auto, or a whole number of 1 or more", concurrency, autoConcurrency),
    perHost: given.read("per-host", "a whole number of 1 or more", atLeastOne, 10),
    timeoutMs: given.read("timeout", "a time such as 30s, 500ms or 2m, or 0 for none", timeLimit, 30_000),
    connectTimeoutMs: given.read("connect-timeout", "a time such as 10s, or 0 for none", timeLimit, 10_000),
    attempts: given.read("retry", "a whole number of 1 or more, the first attempt included", atLeastOne, 3),
    retryMaxTimeMs: given.read("retry-max-time", "a time such as 5m, or 0 for no limit", timeLimit, 300_000),
    maxBodyBytes: given.read(
      "max-filesize",
      "a size such as 500k or 10M, or 0 for no limit",
      sizeLimit,
      32 * 1024 * 1024,
    ),
    withHeaders: given.has("include-headers"),
    isDryRun: given.has("dry-run"),
    hasJsonSummary: given.has("summary"),
    progress: (given.get("progress") ?? "auto") as ProgressMode,
    isQuiet: given.has("quiet"),
    isVerbose: given.has("verbose"),
  };
}

function readInput(given: GivenFlags, urls: readonly string[]): string | undefined {
  const named = given.get("input") ?? (given.positionals.includes("-") ? "-" : undefined);
  if (named !== undefined && urls.length > 0) {
    throw new UsageError("Got URLs on the command line and an input to read", "give one or the other");
  }
  if (named !== undefined || urls.length > 0) return named;
  if (!process.stdin.isTTY) return "-";
  throw new UsageError(
    "Nothing to ask",
    "name URLs, a file with -i, or pipe a list in; `taskwright fetch --help` shows examples",
  );
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

function atLeastOne(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

function concurrency(text: string): number | undefined {
  return text === "auto" ? autoConcurrency : atLeastOne(text);
}

/** As with curl, 0 is no limit. */
function timeLimit(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms === 0 ? Infinity : ms;
}

function sizeLimit(text: string): number | undefined {
  const bytes = parseSize(text);
  return bytes === 0 ? Infinity : bytes;
}
