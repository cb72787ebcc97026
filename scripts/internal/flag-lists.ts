/** The lists of flags in docs/fetch.md, made of the tables that the command reads. */
import { format } from "oxfmt";
import { fetchFlagGroups } from "../../src/cli/fetch-flags.ts";
import type { Flag } from "../../src/cli/flags.ts";
import { wrap } from "../../src/cli/wrap.ts";

const start = "<!-- Written by npm run docs, up to the next comment. -->";
const end = "<!-- End of what npm run docs writes. -->";

const columns = 120;

/** `page` with the lists of today in place of those that stand there. */
export async function withFlagLists(page: string): Promise<string> {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error("There is no place for the lists of flags");
  const text = `${page.slice(0, from)}${start}\n\n${flagLists()}\n\n${page.slice(to)}`;
  const { code, errors } = await format("fetch.md", text, { printWidth: columns });
  if (errors[0] !== undefined) throw new Error(`The page cannot be formatted: ${errors[0].message}`);
  return code;
}

function flagLists(): string {
  return Object.entries(fetchFlagGroups)
    .map(([title, flags]) => `### ${title}\n\n${Object.entries(flags).map(item).join("\n")}`)
    .join("\n\n");
}

function item([name, { short, also = [], value, help, more }]: [string, Flag]): string {
  const names = [...(short === undefined ? [] : [short]), name, ...also];
  const spellings = names.map((one) => (one.length === 1 ? `-${one}` : `--${one}`));
  const flag = `${spellings.join(", ")}${value === undefined ? "" : ` ${value}`}`;
  const text = `\`${flag}\`: ${escaped(more === undefined ? help : `${help}. ${more}`)}`;
  return `- ${wrap(text, columns - 2).join("\n  ")}`;
}

/** What Markdown would take for its own, but for code. */
function escaped(text: string): string {
  return text.replaceAll(/`[^`]*`|[*<>]/g, (found) => (found.startsWith("`") ? found : `\\${found}`));
}
