/** The pages name only commands and flags that exist. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exitCode } from "../../src/cli/exit-code.ts";
import { fetchFlags } from "../../src/cli/fetch-flags.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { withFlagLists } from "../../scripts/internal/flag-lists.ts";
import { manPage } from "../../scripts/internal/man-page.ts";
import { summarize } from "../../src/cli/summary.ts";
import { BatchStatistics } from "../../src/fetch/engine/batch-statistics.ts";
import { root } from "./snippets.ts";

test.for(["README.md", "CONTRIBUTING.md"])("%s names only npm scripts that exist", async (page) => {
  const text = await readFile(join(root, page), "utf8");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]);

  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});

test("docs/fetch.md names only flags that exist", async () => {
  const text = await readFile(join(root, "docs/fetch.md"), "utf8");
  // The left column of a table is what people know from others.
  const ours = text.replaceAll(/^\| `(?:curl|wget|xargs|aria2c) [^|]*\|/gm, "|");
  const named = [...ours.matchAll(/[`\s]--([a-z][\w-]*)/g)].map((match) => match[1]!);
  const existing = Object.entries(fetchFlags).flatMap(([name, { also = [] }]) => [name, ...also]);

  expect(named).toContain("dry-run");
  expect(existing).toEqual(expect.arrayContaining(named));
});

test.for(["README.md", "docs/fetch.md"])("%s gives only commands that the command line takes", async (page) => {
  const commands = commandsIn(await readFile(join(root, page), "utf8"));

  expect(commands).not.toEqual([]);
  for (const args of commands) expect(() => parseFlags("fetch", fetchFlags, args), args.join(" ")).not.toThrow();
});

test("docs/fetch.md has the flags of today, as `npm run docs` writes them", async () => {
  const page = await readFile(join(root, "docs/fetch.md"), "utf8");

  expect(await withFlagLists(page)).toBe(page);
  for (const name of Object.keys(fetchFlags)) expect(page).toContain(`--${name}`);
});

test("docs/fetch.md tells every field of the summary for programs, and every exit code", async () => {
  const page = await readFile(join(root, "docs/fetch.md"), "utf8");
  const batch = {
    statistics: new BatchStatistics(),
    earlier: { succeeded: 0, failed: 0, badLines: 0 },
    progress: { read: 0, passed: 0, isAll: true, share: undefined },
    outputBytes: 0,
  };
  const rest = { output: undefined, journal: undefined, bodies: undefined };
  const summary = summarize({ batch, end: "finished", elapsedMs: 0, ...rest });

  for (const field of Object.keys(summary)) expect(page).toContain(`\`${field}\``);
  for (const code of Object.values(exitCode)) expect(page).toMatch(new RegExp(`^\\| ${code} +\\|`, "m"));
});

test("the manual page is that of today, as `npm run docs` writes it", async () => {
  const page = await readFile(join(root, "man/taskwright-fetch.1"), "utf8");

  expect(page).toBe(manPage());
  expect(
    page.split("\n").filter((line) => /^[.']/.test(line) && !/^\.(TH|SH|SS|TP|PP|nf|fi|BR|\\")/.test(line)),
  ).toEqual([]);
  for (const name of Object.keys(fetchFlags))
    expect(page).toContain(String.raw`\-\-${name.replaceAll("-", String.raw`\-`)}`);
});

/** The arguments of `taskwright fetch` wherever a shell would run it. */
function commandsIn(page: string): string[][] {
  const scripts = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]!.replaceAll("\\\n", " "));
  return scripts.flatMap((script) =>
    [...script.matchAll(/taskwright fetch ([^\n]*)/g)].map((match) => wordsOf(match[1]!)),
  );
}

/** Words as a shell sees them, up to what ends a command. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, space, quoted, double, end, plain] of line.matchAll(
    /(\s+)|'([^']*)'|"([^"]*)"|(2?>|[|;&#])|([^\s'"|;&>#]+)/g,
  )) {
    if (end !== undefined) break;
    if (space !== undefined || words.length === 0) words.push("");
    words.push(words.pop()! + (quoted ?? double ?? plain ?? ""));
  }
  return words.filter((word) => word !== "");
}
