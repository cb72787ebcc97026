import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./snippets.ts";

test.for(["README.md", "CONTRIBUTING.md"])("%s names only npm scripts that exist", async (page) => {
  const text = await readFile(join(root, page), "utf8");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]);

  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});
