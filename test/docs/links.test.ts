/** Every link of the pages to a file of ours leads to one, and every anchor to a heading. */
import { glob, readFile } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { expect, test } from "vitest";
import { anchorsOf } from "../../scripts/internal/anchors.ts";
import { root } from "./snippets.ts";

const pages = await Array.fromAsync(glob(["*.md", "docs/**/*.md"], { cwd: root }));

/** The Markdown without its code, in which nothing is a link or a heading. */
async function textOf(page: string): Promise<string> {
  const text = await readFile(join(root, page), "utf8").catch(() => undefined);
  if (text === undefined) throw new Error(`there is no ${page}`);
  return text.replaceAll(/^```[^]*?^```$/gm, "");
}

async function problemOf(page: string, link: string): Promise<string | undefined> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  const text = await textOf(target).catch(() => undefined);
  if (text === undefined) return `${link}: there is no ${target}`;
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!);
  const isThere = anchor === undefined || [...anchorsOf(headings).values()].includes(anchor);
  return isThere ? undefined : `${link}: ${target} has no such heading`;
}

test.for(pages)("the links in %s lead somewhere", async (page) => {
  const links = [...(await textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  const ours = links.filter((link) => !/^\w+:/.test(link));

  expect((await Promise.all(ours.map((link) => problemOf(page, link)))).filter((each) => each !== undefined)).toEqual(
    [],
  );
});

test("docs/README.md leads to every page", async () => {
  const links = [...(await textOf("docs/README.md")).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  const missing = pages.filter((page) => page.startsWith("docs/")).map((page) => relative("docs", page));

  expect(links).toEqual(expect.arrayContaining(missing.filter((page) => page !== "README.md")));
});
