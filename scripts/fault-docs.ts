/** `npm run docs`: writes docs/faults.md from the table that the tests of faults hold to be true. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { faultTable } from "../test/faults/fault-table.ts";
import { root } from "./internal/doors.ts";
import { renderFaults } from "./internal/render-faults.ts";

await writeFile(join(root, "docs/faults.md"), await renderFaults(faultTable));
