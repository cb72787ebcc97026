import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./snippets.ts";

async function codesInSource(): Promise<string[]> {
  const codes = new Set<string>();
  for await (const file of glob("src/**/*.ts", { cwd: root, exclude: ["**/*.test.ts"] })) {
    const text = await readFile(join(root, file), "utf8");
    for (const match of text.matchAll(/\bcode(?:: "| = "|: ")([A-Z][A-Z_]+)"(?: as const)?/g)) codes.add(match[1]!);
  }
  return [...codes].toSorted();
}

async function codesInPage(): Promise<string[]> {
  const text = await readFile(join(root, "docs/errors.md"), "utf8");
  return [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1]!).toSorted();
}

test("docs/errors.md lists every error code, and no other", async () => {
  const own = (await codesInSource()).filter((code) => !code.startsWith("ERR_"));

  expect(await codesInPage()).toEqual(own);
});
