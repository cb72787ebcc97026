/** Deletes what a build leaves behind, so that no file of a deleted source is ever packed. */
import { rmSync } from "node:fs";

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
