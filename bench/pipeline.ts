/** Pipelines: a million rows into Postgres, which waits for the disk, and into SQLite, and the memory it takes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../test/sql/postgres.ts";
import { type Contender, hold } from "./harness.ts";
import type { Piped, Way } from "./pipeline-side.ts";

const rows = 1_000_000;
const side = new URL("pipeline-side.ts", import.meta.url).pathname;

/** Each run is a process, so that the memory is its own. */
export async function benchPipelines(): Promise<void> {
  await using server = await startPostgres({ fsync: true });
  const folder = mkdtempSync(join(tmpdir(), "taskwright-pipeline-"));
  try {
    const most = new Map<string, number>();
    const contender = (name: string, url: string, way: Way): Contender => {
      const run = (): Piped => {
        const args = ["--conditions=taskwright-source", side, url, way, String(rows)];
        const piped = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Piped;
        most.set(name, Math.max(most.get(name) ?? 0, piped.mb));
        return piped;
      };
      return { name, run, ownMs: (result) => (result as Piped).ms };
    };
    await hold({
      title: `${rows} rows of four columns through a pipeline`,
      units: rows,
      contenders: [
        contender("Postgres, copyInto", server.url(), "copyInto"),
        contender("Postgres, insertBatches", server.url(), "insertBatches"),
        contender("Postgres, of an async source", server.url(), "async insertBatches"),
        contender("Postgres, of mapStream", server.url(), "mapStream insertBatches"),
        contender("SQLite, copyInto", `sqlite:${join(folder, "copy.db")}`, "copyInto"),
        contender("SQLite, insertBatches", `sqlite:${join(folder, "batches.db")}`, "insertBatches"),
      ],
      check: (result) => {
        const { count } = result as Piped;
        if (count !== rows) throw new Error(`${count} rows instead of ${rows}`);
      },
    });
    for (const [name, mb] of most) console.log(`  ${name.padEnd(34)} ${mb} MB at most`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
