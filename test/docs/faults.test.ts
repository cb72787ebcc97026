import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderFaults } from "../../scripts/internal/render-faults.ts";
import { faultTable } from "../faults/fault-table.ts";
import { root } from "./snippets.ts";

test("docs/faults.md is as `npm run docs` writes it, from the table that is tested", async () => {
  expect(await readFile(join(root, "docs/faults.md"), "utf8")).toBe(await renderFaults(faultTable));
});
