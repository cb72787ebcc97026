import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { run } from "taskwright";
import { openTempFolder } from "taskwright/files";

const child = fileURLToPath(new URL("sqlite-rows-child.ts", import.meta.url));

test("a million rows copied in and streamed out take hardly more memory than a hundred thousand", async () => {
  await run(async () => {
    await using folder = await openTempFolder();
    const mebibytes = async (rows: number): Promise<number> => {
      // Heaps that a million rows would not fit into: so nothing is left lying about until it is needed.
      const args = [
        "--max-old-space-size=48",
        "--max-semi-space-size=4",
        "--conditions=taskwright-source",
        child,
        join(folder.path, `${rows}.db`),
        String(rows),
      ];
      return Number((await promisify(execFile)(process.execPath, args)).stdout);
    };
    const few = await mebibytes(100_000);
    const many = await mebibytes(1_000_000);

    expect(few).toBeGreaterThan(0);
    expect(many - few).toBeLessThan(60);
  });
}, 120_000);
