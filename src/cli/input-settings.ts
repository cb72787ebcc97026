import { type InputFormat, redactUrl } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";
import { wholeNumber } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/** Where requests are read from, and how they are written there. */
export interface InputSettings {
  /** URLs from the command line. */
  readonly urls: readonly string[];
  /** Files, patterns of files, and `-` for standard input; none if there are URLs. */
  readonly inputs: readonly string[];
  readonly inputFormat: InputFormat | undefined;
  /** Stands before URLs that begin with a slash. */
  readonly baseUrl: string | undefined;
  /** What objects call the id of a request, and its URL. */
  readonly idField: string | undefined;
  readonly urlField: string | undefined;
  /** Of the order in which requests are asked; undefined for that of the input. */
  readonly shuffleSeed: number | undefined;
}

/** @throws {UsageError} a flag is wrong, or there is nothing to read */
export function readInputSettings(given: GivenFlags): InputSettings {
  return {
    ...readInputs(given),
    inputFormat: given.get("input-format") as InputFormat | undefined,
    baseUrl: given.read("base-url", "an http or https URL without a query", baseUrlOf, undefined, redactUrl),
    idField: given.get("id-field"),
    urlField: given.get("url-field"),
    shuffleSeed: given.read("shuffle-seed", "a whole number", wholeNumber, given.has("shuffle") ? 1 : undefined),
  };
}

function readInputs(given: GivenFlags): { urls: readonly string[]; inputs: readonly string[] } {
  const urls = given.positionals.filter((argument) => argument !== "-");
  const inputs = [...given.all("input"), ...given.positionals.filter((argument) => argument === "-")];
  if (inputs.length > 0 && urls.length > 0) {
    throw new UsageError("Got URLs on the command line and an input to read", "give one or the other");
  }
  if (inputs.length > 0 || urls.length > 0) return { urls, inputs };
  if (!process.stdin.isTTY) return { urls, inputs: ["-"] };
  throw new UsageError(
    "Nothing to ask",
    "name URLs, a file with -i, or pipe a list in; `taskwright fetch --help` shows examples",
  );
}

function baseUrlOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || /[?#]/.test(text)) return undefined;
  return text.replace(/\/+$/, "");
}
