/** The pages name only commands and flags that exist. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fetchFlags } from "../../src/cli/fetch-flags.ts";
import { root } from "./snippets.ts";

test.for(["README.md", "CONTRIBUTING.md"])("%s names only npm scripts that exist", async (page) => {
  const text = await readFile(join(root, page), "utf8");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]);

  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});

test("docs/fetch.md names only flags that exist", async () => {
  const text = await readFile(join(root, "docs/fetch.md"), "utf8");
  const named = [...text.matchAll(/[`\s]--([a-z][a-z-]*)/g)].map((match) => match[1]!);

  expect(named).toContain("dry-run");
  expect(Object.keys(fetchFlags)).toEqual(expect.arrayContaining(named));
});
