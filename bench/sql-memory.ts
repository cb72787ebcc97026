/** The memory that five million rows take on their way into a database and out of it. Linux only. */
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { mebibytesFor } from "../test/sql/rows-memory.ts";

const rows = 5_000_000;
const few = 100_000;

/** @param postgres - the URL of a database of Postgres */
export async function benchSqlMemory(postgres: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "taskwright-bench-"));
  try {
    console.log("\nRows of four columns copied in and read again, by a process of its own: its memory at most");
    for (const [name, url] of [
      ["Postgres: copyInto, stream, copyFrom", postgres],
      ["SQLite: copyInto, stream", `sqlite:${join(folder, "rows.db")}`],
    ] as const) {
      const small = await mebibytesFor(url, few);
      const large = await mebibytesFor(url, rows);
      console.log(`  ${name.padEnd(38)} ${few} rows ${small.toFixed(0)} MiB, ${rows} rows ${large.toFixed(0)} MiB`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
