/** The manual page of `taskwright fetch`, made of what its help is made of. */
import { fetchFlagGroups } from "../../src/cli/fetch-flags.ts";
import { type Topic, examples, summary, topics, usage } from "../../src/cli/fetch-topics.ts";
import type { Flag } from "../../src/cli/flags.ts";

/** The page, in the man macros of roff. */
export function manPage(): string {
  const lines = [
    String.raw`.\" Written by npm run docs.`,
    String.raw`.TH TASKWRIGHT\-FETCH 1 "" taskwright "User Commands"`,
    ".SH NAME",
    `taskwright\\-fetch \\- ${roff(summary)}`,
    ".SH SYNOPSIS",
    ...verbatim(usage),
    ".SH OPTIONS",
  ];
  for (const [title, flags] of Object.entries(fetchFlagGroups)) {
    lines.push(`.SS ${roff(title)}`);
    for (const [name, flag] of Object.entries(flags)) lines.push(...flagLines(name, flag));
  }
  for (const topic of topics) lines.push(`.SH ${roff(topic.title.toUpperCase())}`, ...topicLines(topic));
  lines.push(".SH EXAMPLES", ...verbatim(examples), ".SH SEE ALSO", ".BR curl (1),", ".BR jq (1)");
  return `${lines.join("\n")}\n`;
}

function flagLines(name: string, { short, also = [], value, help, more }: Flag): string[] {
  const names = [...(short === undefined ? [] : [short]), name, ...also];
  const spellings = names.map((one) => `\\fB${roff(one.length === 1 ? `-${one}` : `--${one}`)}\\fR`);
  const left = `${spellings.join(", ")}${value === undefined ? "" : ` \\fI${roff(value)}\\fR`}`;
  return [".TP", left, sentence(help), ...(more === undefined ? [] : [line(more)])];
}

function topicLines({ parts }: Topic): string[] {
  return parts.flatMap((part, index) =>
    typeof part === "string"
      ? [...(index === 0 ? [] : [".PP"]), line(part)]
      : part.flatMap(([term, meaning]) => [".TP", `\\fB${roff(term)}\\fR`, sentence(meaning)]),
  );
}

function verbatim(lines: readonly string[]): string[] {
  return [".nf", ...lines.map(line), ".fi"];
}

function sentence(text: string): string {
  return line(`${text}.`);
}

/** A line of text: one that begins with a dot or a quote would be a request to roff. */
function line(text: string): string {
  return roff(text).replace(/^[.']/, String.raw`\&$&`);
}

/** Text as roff prints it: plain hyphens, backslashes and quotes, and what stands in backticks in bold. */
function roff(text: string): string {
  return text
    .replaceAll("\\", String.raw`\e`)
    .replaceAll("-", String.raw`\-`)
    .replaceAll("'", String.raw`\(aq`)
    .replaceAll("~", String.raw`\(ti`)
    .replaceAll(/`([^`]+)`/g, String.raw`\fB$1\fR`);
}
