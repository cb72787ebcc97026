/** `npm run docs`: writes what of the documentation of `taskwright fetch` is made of the tables of its flags. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./internal/doors.ts";
import { withFlagLists } from "./internal/flag-lists.ts";
import { manPage } from "./internal/man-page.ts";

const page = join(root, "docs/fetch.md");

await writeFile(page, await withFlagLists(await readFile(page, "utf8")));
await mkdir(join(root, "man"), { recursive: true });
await writeFile(join(root, "man/taskwright-fetch.1"), manPage());
