import { redactUrl, showHeader } from "../fetch/index.ts";
import { isCookie } from "./cookie-settings.ts";
import type { Flags, GivenFlags } from "./flags.ts";
import { showTarget } from "./results-target.ts";

/** A command for people to run. */
export interface CommandLine {
  /** Quoted for the shell. */
  readonly text: string;
  /** Whether secrets in it were replaced by `***`. */
  readonly isRedacted: boolean;
}

export interface CommandLineOptions {
  /** Flags that are not to be in it. */
  readonly without: readonly string[];
  /** Flags that are to be in it besides. */
  readonly also: readonly string[];
}

/** Flags whose values are secrets as a whole. */
const secretFlags: ReadonlySet<string> = new Set(["user", "oauth2-bearer", "proxy-user", "pass"]);

/** The command `name` as it was given, but for some flags. */
export function commandLine(
  name: string,
  flags: Flags,
  given: GivenFlags,
  { without, also }: CommandLineOptions,
): CommandLine {
  let isRedacted = false;
  const show = (value: string, shown: string): string => {
    isRedacted ||= shown !== value;
    return quote(shown);
  };
  const words = ["taskwright", name, ...also.map((one) => `--${one}`)];
  for (const [flag, value] of given.flags) {
    if (without.includes(flag) || also.includes(flag)) continue;
    const { short, value: kind } = flags[flag]!;
    words.push(short === undefined ? `--${flag}` : `-${short}`);
    if (kind !== undefined) words.push(show(value, shownValue(flag, value)));
  }
  for (const argument of given.positionals) words.push(show(argument, shownUrl(argument)));
  return { text: words.join(" "), isRedacted };
}

function shownValue(flag: string, value: string): string {
  if (secretFlags.has(flag)) return "***";
  if (flag === "cookie" && isCookie(value)) return "***";
  if (flag === "output") return showTarget(value);
  if (flag === "proxy" || flag === "referer") return shownUrl(value);
  // Not by the parser of URLs, which would encode braces.
  if (flag === "template" || flag === "base-url") return value.replace(/(?<=\/\/)[^/?#]*@/, "***@");
  // After the file comes its password. A drive letter is no file.
  if (flag === "cert") return value.replace(/(?<=..):.*$/s, ":***");
  const [, header, text] = (flag === "header" && /^([^@:;][^:;]*):\s*(.+)$/s.exec(value)) || [];
  return header === undefined ? value : showHeader(header, text!);
}

/** With a place for the credentials, so that one sees where they belong. */
function shownUrl(url: string): string {
  const shown = redactUrl(url);
  return shown === url || shown.includes("***@") ? shown : shown.replace("//", "//***@");
}

/** For any POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
