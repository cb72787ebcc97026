import type { FetchSessionOptions, OutputFormat, RequestTemplate, JournalStart } from "../fetch/index.ts";
import { type CommandLine, type CommandLineOptions, commandLine } from "./command-line.ts";
import { readCookieJar } from "./cookie-settings.ts";
import { fetchFlags } from "./fetch-flags.ts";
import type { GivenFlags } from "./flags.ts";
import { type InputSettings, readInputSettings } from "./input-settings.ts";
import { type PacingSettings, readPacingSettings } from "./pacing-settings.ts";
import { type RequestDefaults, readRequestDefaults } from "./request-settings.ts";
import { type ResultsTarget, readTarget, showTarget } from "./results-target.ts";
import { readSession } from "./session-settings.ts";
import { readTemplate } from "./template-settings.ts";
import { parseDuration, parseSize, wholeNumber } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/** What the flags of `taskwright fetch` say, read and checked. */
export interface FetchSettings extends RequestDefaults, InputSettings, PacingSettings {
  readonly session: FetchSessionOptions;
  /** Where the cookies of the session are kept; undefined for nowhere. */
  readonly cookieJar: string | undefined;
  /** What people call it; undefined for standard output. Without what is secret. */
  readonly output: string | undefined;
  readonly target: ResultsTarget;
  /** Whether to make the folder of `output`. */
  readonly createsFolders: boolean;
  /** What to do with what `output` holds. */
  readonly start: JournalStart;
  readonly retriesFailed: boolean;
  /** What requests are made of the fields of lines by. */
  readonly template: RequestTemplate | undefined;
  readonly outputFormat: OutputFormat;
  /** Where bodies go; undefined for into the results. */
  readonly bodiesFolder: string | undefined;
  readonly isOrdered: boolean;
  readonly onlyFailed: boolean;
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
  /** The same command again. */
  readonly commandAgain: (options: CommandLineOptions) => CommandLine;
}

/** How progress is shown: `auto` is a bar on a terminal and plain lines elsewhere. */
type ProgressMode = "auto" | "bar" | "plain" | "none";

/** What `auto` means for all hosts together. How many each can take is found out. */
const autoConcurrency = 100;

/** @throws {UsageError} a flag is wrong, or two do not go together */
export function readSettings(given: GivenFlags, version: string): FetchSettings {
  if (given.get("save-bodies") === "") throw new UsageError("Expected a name after --save-bodies, got ``");
  const target = readTarget(given.get("output"));
  const output = target.kind === "standard output" ? undefined : showTarget(given.get("output")!);
  const journalFlag = ["resume", "restart", "retry-failed"].find((name) => given.has(name));
  if (journalFlag !== undefined && output === undefined) {
    throw new UsageError(`--${journalFlag} needs --output`, "there is a journal only beside a file of results");
  }
  const input = readInputSettings(given);
  refuseSharedInput(given, input.inputs);
  const defaults = readRequestDefaults(given, version);
  return {
    ...defaults,
    ...input,
    template: readTemplate(given, defaults, input),
    session: readSession(given),
    cookieJar: readCookieJar(given),
    ...readPacingSettings(given),
    output,
    target,
    createsFolders: given.has("create-dirs"),
    start: given.has("restart") ? "restart" : given.has("resume") ? "resume" : "auto",
    retriesFailed: given.has("retry-failed"),
    outputFormat: (given.get("output-format") ?? "jsonl") as OutputFormat,
    // The same folder, whether or not a shell has completed its name.
    bodiesFolder: given.get("save-bodies")?.replace(/(?<=.)\/+$/, ""),
    isOrdered: given.has("ordered"),
    onlyFailed: given.has("only-failed"),
    concurrency: given.read("concurrency", "auto, or a whole number of 1 or more", concurrency, autoConcurrency),
    perHost: given.read("per-host", "a whole number of 1 or more", atLeastOne, 10),
    timeoutMs: given.read("timeout", "a time such as 30s, 500ms or 2m, or 0 for none", timeLimit, 30_000),
    connectTimeoutMs: given.read("connect-timeout", "a time such as 10s, or 0 for none", timeLimit, 10_000),
    attempts: 1 + given.read("retry", "a whole number, 0 or more", wholeNumber, 2),
    retryMaxTimeMs: given.read("retry-max-time", "a time such as 5m, or 0 for no limit", timeLimit, 300_000),
    maxBodyBytes: given.read(
      "max-filesize",
      "a size such as 500k or 10M, or 0 for no limit",
      sizeLimit,
      32 * 1024 * 1024,
    ),
    withHeaders: given.has("include-headers") || given.has("head"),
    isDryRun: given.has("dry-run"),
    hasJsonSummary: given.has("summary"),
    progress: (given.get("progress") ?? "auto") as ProgressMode,
    isQuiet: given.has("quiet"),
    isVerbose: given.has("verbose"),
    commandAgain: (options) => commandLine("fetch", fetchFlags, given, options),
  };
}

/** Standard input is read once, by whoever comes first. */
function refuseSharedInput(given: GivenFlags, inputs: readonly string[]): void {
  const names = ["header", "data", "data-binary", "data-urlencode", "json"];
  const [flag] = given.allOf(names).find(([, value]) => value.endsWith("@-")) ?? [];
  if (flag === undefined || !inputs.includes("-")) return;
  throw new UsageError(`Got @- for --${flag}, and requests on standard input`, "one of them has to come from a file");
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
