/** `npm run docs`: writes the reference, a page for each door of the package, from the doc comments in the source. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readDoors, root } from "./internal/doors.ts";
import { findMissingDocs } from "./internal/missing-docs.ts";
import { readApi } from "./internal/read-api.ts";
import { renderReference } from "./internal/render-reference.ts";

const folder = join(root, "docs/reference");
const apis = readApi(root, join(root, "tsconfig.json"), await readDoors());
const pages = await renderReference(apis);

await mkdir(folder, { recursive: true });
for (const stale of await readdir(folder)) if (!pages.has(stale)) await rm(join(folder, stale));
for (const [name, text] of pages) await writeFile(join(folder, name), text);

for (const missing of findMissingDocs(apis)) console.error(missing);
