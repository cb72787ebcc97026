import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { run } from "taskwright";
import { openTempFolder } from "taskwright/files";

const child = fileURLToPath(new URL("pipeline-child.ts", import.meta.url));

/** What it says of the memory that it took, in MiB. */
async function mebibytesOf(folder: string, rows: number): Promise<number> {
  // Heaps that so many rows would not fit into: so nothing is left lying about until it is needed.
  const heap = ["--max-old-space-size=48", "--max-semi-space-size=4", "--conditions=taskwright-source"];
  return Number((await promisify(execFile)(process.execPath, [...heap, child, folder, String(rows)])).stdout);
}

test("four hundred thousand lines through a pipeline take hardly more memory than forty thousand", async () => {
  await run(async () => {
    await using folder = await openTempFolder();
    const few = await mebibytesOf(folder.path, 40_000);
    const many = await mebibytesOf(folder.path, 400_000);

    expect(few).toBeGreaterThan(0);
    expect(many - few).toBeLessThan(60);
  });
});
