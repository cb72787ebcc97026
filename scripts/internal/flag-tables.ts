/** The tables of flags in docs/fetch.md, made of those that the command reads. */
import { format } from "oxfmt";
import { fetchFlagGroups } from "../../src/cli/fetch-flags.ts";
import type { Flag } from "../../src/cli/flags.ts";

const start = "<!-- Written by npm run docs, up to the next comment. -->";
const end = "<!-- End of what npm run docs writes. -->";

/** `page` with the tables of today in place of those that stand there. */
export async function withFlagTables(page: string): Promise<string> {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error("There is no place for the tables of flags");
  const text = `${page.slice(0, from)}${start}\n\n${flagTables()}\n\n${page.slice(to)}`;
  const { code, errors } = await format("fetch.md", text, { printWidth: 120 });
  if (errors[0] !== undefined) throw new Error(`The page cannot be formatted: ${errors[0].message}`);
  return code;
}

function flagTables(): string {
  return Object.entries(fetchFlagGroups)
    .map(([title, flags]) => `### ${title}\n\n| flag | means |\n| --- | --- |\n${rows(flags)}`)
    .join("\n\n");
}

function rows(flags: Readonly<Record<string, Flag>>): string {
  return Object.entries(flags)
    .map(([name, { short, also = [], value, help, more }]) => {
      const names = [...(short === undefined ? [] : [short]), name, ...also];
      const spellings = names.map((one) => (one.length === 1 ? `-${one}` : `--${one}`));
      const flag = `${spellings.join(", ")}${value === undefined ? "" : ` ${value}`}`;
      return `| \`${cell(flag)}\` | ${cell(more === undefined ? help : `${help}. ${more}`)} |`;
    })
    .join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`).replaceAll("*", String.raw`\*`);
}
