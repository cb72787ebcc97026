import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./snippets.ts";

async function codesInSource(): Promise<string[]> {
  const codes = new Set<string>();
  for await (const file of glob("src/**/*.ts", { cwd: root, exclude: ["**/*.test.ts"] })) {
    const text = await readFile(join(root, file), "utf8");
    // Codes of errors, and of process warnings.
    for (const match of text.matchAll(/\bcode = "([A-Z_]+)" as const|\bcode: "(TASKWRIGHT_[A-Z_]+)"/g)) {
      codes.add((match[1] ?? match[2])!);
    }
  }
  return [...codes].toSorted();
}

async function codesInPage(): Promise<string[]> {
  const text = await readFile(join(root, "docs/errors.md"), "utf8");
  return [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1]!).toSorted();
}

test("docs/errors.md lists every error code, and no other", async () => {
  expect(await codesInPage()).toEqual(await codesInSource());
});
