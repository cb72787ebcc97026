import { fetchFlagGroups, fetchFlags } from "./fetch-flags.ts";
import { type Topic, examples, summary, topics, usage } from "./fetch-topics.ts";
import type { Flag, Flags } from "./flags.ts";
import { wrap } from "./wrap.ts";

/** How a help text is to look. */
export interface HelpStyle {
  /** No line is longer, unless a word is. */
  readonly width: number;
  /** Whether headings are bold. */
  readonly isBold: boolean;
}

/** The flags of the short help: as many as fit a screen. */
const mostUsed = [
  "input",
  "output",
  "header",
  "data",
  "json",
  "location",
  "concurrency",
  "per-host",
  "rate",
  "timeout",
  "retry",
  "retry-failed",
  "dry-run",
];

/** `taskwright fetch -h`: what one needs most, on one screen. */
export function shortHelp(style: HelpStyle): string {
  const flags = Object.fromEntries(mostUsed.map((name) => [name, fetchFlags[name]!]));
  return [
    `taskwright fetch ${summary}.`,
    section("Examples", examples.slice(0, 3), style),
    section("Flags", flagLines(flags, style, false), style),
    "--help tells everything, and so does `man taskwright-fetch`.",
  ].join("\n\n");
}

/** `taskwright fetch --help`: everything. */
export function longHelp(style: HelpStyle): string {
  const groups = Object.entries(fetchFlagGroups).map(([title, flags]) =>
    section(title, flagLines(flags, style, true), style),
  );
  return [
    `taskwright fetch ${summary}.`,
    usage.map((line) => `  ${line}`).join("\n"),
    section("Examples", examples, style),
    ...groups,
    ...topics.map((topic) => section(topic.title, topicLines(topic, style), style)),
  ].join("\n\n");
}

function section(title: string, lines: readonly string[], { isBold }: HelpStyle): string {
  const heading = isBold ? `\u001b[1m${title}\u001b[0m` : title;
  return [heading, ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

function topicLines({ parts }: Topic, { width }: HelpStyle): string[] {
  return parts.flatMap((part) => {
    if (typeof part === "string") return wrap(part, width - 2);
    const column = Math.min(24, Math.max(...part.map(([term]) => term.length)) + 2);
    return part.flatMap(([term, meaning]) => columns(term, wrap(meaning, width - 2 - column), column));
  });
}

function flagLines(flags: Flags, { width }: HelpStyle, isLong: boolean): string[] {
  // Where it is narrow, what is said of a flag stands below it.
  const column = width >= 76 ? 26 : 6;
  const room = width - 2 - column;
  return Object.entries(flags).flatMap(([name, flag]) => {
    const said = isLong ? longText(flag) : [flag.help];
    const lines = said.flatMap((text) => wrap(text, room));
    return columns(spelling(name, flag), lines, column);
  });
}

function longText({ help, more, also = [] }: Flag): string[] {
  const others = also.map((other) => (other.length === 1 ? `-${other}` : `--${other}`));
  const texts = [help];
  if (more !== undefined) texts.push(more);
  if (others.length > 0) texts.push(`The same as ${others.join(" or ")}.`);
  return texts;
}

/** `-o, --output FILE` */
function spelling(name: string, { short, value }: Flag): string {
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** `left` with `lines` in a column of their own beside it, or below it where it is too long. */
function columns(left: string, lines: readonly string[], column: number): string[] {
  const [first = "", ...rest] = lines;
  const below = rest.map((line) => " ".repeat(column) + line);
  if (left.length + 2 <= column) return [left.padEnd(column) + first, ...below];
  return [left, " ".repeat(column) + first, ...below];
}
