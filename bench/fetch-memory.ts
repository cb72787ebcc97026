/**
 * `node --conditions=taskwright-source bench/fetch-memory.ts [lines]`: the memory that `taskwright fetch` takes for a
 * list of a million lines, every tenth of them to a host that does not exist, with results and journal in files. Fails
 * above the limit. Linux only.
 */
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startServer } from "./http-server.ts";

const limitMb = 250;
const lines = Number(process.argv[2] ?? 1_000_000);
const command = fileURLToPath(new URL("../bin/taskwright.js", import.meta.url));

function* list(origin: string): Generator<string> {
  const blockLines = 1_000;
  for (let first = 0; first < lines; first += blockLines) {
    let block = "";
    for (let line = first; line < Math.min(lines, first + blockLines); line++) {
      block += `${line % 10 === 0 ? "http://127.0.0.1:1" : origin}/${line}\n`;
    }
    yield block;
  }
}

/** The most memory that the process has taken, in megabytes, as long as it lives. */
function peakMb(pid: number): number | undefined {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, "latin1") : "";
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Math.round((Number(kilobytes) * 1_024) / 1e6);
}

using server = await startServer();
const folder = mkdtempSync(join(tmpdir(), "taskwright-memory-"));
try {
  const input = join(folder, "list");
  await pipeline(Readable.from(list(server.origin)), createWriteStream(input));
  const flags = ["-i", input, "-o", join(folder, "results"), "--per-host", "100", "--retry", "1"];
  const child = spawn(process.execPath, [command, "fetch", ...flags], { stdio: "inherit" });
  let peak = 0;
  while (child.exitCode === null) {
    peak = Math.max(peak, peakMb(child.pid!) ?? 0);
    await delay(100);
  }
  console.log(`${lines} lines: ${peak} MB at most; the limit is ${limitMb} MB`);
  process.exitCode = peak <= limitMb ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
