/** The batch engine on the work of `http.ts`: a list of URLs in, a line of JSON for each out. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Batch,
  JsonLinesOutput,
  LineSource,
  RequestStream,
  fetchAll,
  inputFile,
  openDestination,
} from "taskwright/fetch";
import type { Contender } from "./harness.ts";

/** Where writing costs least: what is measured is not the disk. */
const fastFolder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Asks `count` times for `url`, `concurrency` at a time. */
export function fetchContenders(url: string, count: number, concurrency: number): Contender[] {
  return [
    {
      name: "taskwright fetch, list to JSONL",
      run: async () => {
        const folder = mkdtempSync(join(fastFolder, "taskwright-bench-"));
        const list = join(folder, "list");
        writeFileSync(list, `${url}\n`.repeat(count));
        try {
          return await listToFile(list, join(folder, "results"), concurrency);
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
    },
    {
      name: "taskwright fetchAll, body",
      run: async () => {
        let bytes = 0;
        for await (const outcome of fetchAll(Array<string>(count).fill(url), { concurrency, perHost: concurrency })) {
          if (!outcome.ok) throw new Error(outcome.error?.message ?? `status ${outcome.status}`);
          bytes += outcome.body.length;
        }
        return bytes;
      },
    },
  ];
}

/** What `taskwright fetch` does, without its flags and its progress. Returns how many bytes of bodies came. */
async function listToFile(list: string, results: string, concurrency: number): Promise<number> {
  const headers = ["user-agent", "taskwright", "accept", "*/*"];
  const requests = new RequestStream({ inputs: [await inputFile(list)], headers });
  const batch = new Batch({
    openSource: (events) => new LineSource(requests, events),
    output: new JsonLinesOutput({ destination: await openDestination(results), withHeaders: false }),
    concurrency,
    perHost: concurrency,
    timeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    maxBodyBytes: 32 * 1024 * 1024,
    session: {},
    retry: { attempts: 3, baseMs: 500, maxMs: 30_000, maxTimeMs: 300_000, random: Math.random },
  });
  await batch.run();
  if (batch.statistics.failed > 0) throw new Error("requests failed");
  return batch.statistics.bodyBytes;
}
