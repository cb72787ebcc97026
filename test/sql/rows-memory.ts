import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const child = fileURLToPath(new URL("rows-child.ts", import.meta.url));

/** The most memory, in MiB, that a process of its own takes for copying so many rows into a database and reading them again. */
export async function mebibytesFor(url: string, rows: number): Promise<number> {
  // Heaps that a million rows would not fit into: so nothing is left lying about until it is needed.
  const flags = ["--max-old-space-size=48", "--max-semi-space-size=4", "--conditions=taskwright-source"];
  // Coverage keeps a count of its own for all code, which is not what is measured.
  const env = { ...process.env, NODE_V8_COVERAGE: "" };
  return Number((await promisify(execFile)(process.execPath, [...flags, child, url, String(rows)], { env })).stdout);
}
