import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { now, siblingModule } from "../../core/index.ts";
import { formatBytes, formatCount, formatMs } from "../units.ts";
import { type Document, findDocuments, findNodeModules } from "./documents.ts";
import { verify } from "./verify.ts";

const maxDocuments = 3_000;
const sampleSize = 40;
const concurrency = 100;
const folder = "taskwright-demo";

/**
 * `taskwright demo`: fetches real documents one by one, and then many at once with the real command.
 *
 * @param command - the path of the command itself
 */
export async function demo(command: string): Promise<number> {
  const root = findNodeModules();
  const documents = root === undefined ? [] : findDocuments(root, maxDocuments);
  if (root === undefined || documents.length < sampleSize) {
    process.stderr.write(
      "taskwright demo: found no node_modules to serve: run it in a folder with packages installed\n",
    );
    return 2;
  }
  const bytes = documents.reduce((sum, document) => sum + document.bytes, 0);
  say(
    `${formatCount(documents.length)} documents of node_modules (Markdown, JSON, type declarations; ${formatBytes(bytes)}),`,
  );
  say("from a server on this machine that takes 20 to 80 ms for each.\n");
  const server = fork(siblingModule(import.meta.url, "server"), [root]);
  try {
    const [port] = (await once(server, "message")) as [number];
    const urls = documents.map(
      ({ path }) => `http://127.0.0.1:${port}/${path.split("/").map(encodeURIComponent).join("/")}`,
    );
    const perDocumentMs = await oneByOne(urls);
    const elapsedMs = await allAtOnce(command, urls);
    if (elapsedMs === undefined) return 1;
    return await report(root, documents, perDocumentMs, elapsedMs);
  } finally {
    await stop(server);
  }
}

const results = join(folder, "results.jsonl");
const requests = join(folder, "requests.txt");

/** What everybody writes first. Returns how long one document takes. */
async function oneByOne(urls: readonly string[]): Promise<number> {
  say(`One by one, a sample of ${sampleSize}:`);
  const step = urls.length / sampleSize;
  const startMs = now();
  for (let index = 0; index < sampleSize; index++) {
    const response = await fetch(urls[Math.floor(index * step)]!);
    await response.arrayBuffer();
  }
  const elapsedMs = now() - startMs;
  say(`  ${formatMs(elapsedMs)}\n`);
  return elapsedMs / sampleSize;
}

/** Returns how long the command took from start to end, or undefined if it failed. */
async function allAtOnce(command: string, urls: readonly string[]): Promise<number | undefined> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(requests, urls.map((url) => `${url}\n`).join(""));
  const limits = ["-c", String(concurrency), "--per-host", String(concurrency)];
  // The server has another port each time, so the results of an earlier demo are those of another list.
  const flags = ["fetch", "-i", requests, "-o", results, ...limits, "--restart"];
  say(`All of them, ${concurrency} at once:`);
  say(`  taskwright fetch -i ${requests} \\\n    -o ${results} ${limits.join(" ")} --restart\n`);
  const startMs = now();
  const child = spawn(process.execPath, [command, ...flags], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  const elapsedMs = now() - startMs;
  say("");
  if (code === 0) return elapsedMs;
  process.stderr.write(`taskwright demo: the command failed (exit code ${code})\n`);
  return undefined;
}

async function report(
  root: string,
  documents: readonly Document[],
  perDocumentMs: number,
  elapsedMs: number,
): Promise<number> {
  const all = documents.length;
  const sequentialMs = perDocumentMs * all;
  table([
    ["", "documents", "time", "per second", "speed-up"],
    ["one by one, reckoned", formatCount(all), formatMs(sequentialMs), rate(all, sequentialMs), "1x"],
    [
      `${concurrency} at once`,
      formatCount(all),
      formatMs(elapsedMs),
      rate(all, elapsedMs),
      `${(sequentialMs / elapsedMs).toFixed(0)}x`,
    ],
  ]);
  const problems = await verify(results, root, documents);
  if (problems.length > 0) {
    say(`\nNot as they should be: ${formatCount(problems.length)} of ${formatCount(all)} documents.`);
    for (const problem of problems.slice(0, 5)) say(`  ${problem}`);
    return 1;
  }
  say(`\nAll ${formatCount(all)} bodies were compared with the files: they are the same.`);
  say(`Results: ${results}, one line of JSON for each. For instance:`);
  say(`  head -n 1 ${results} | cut -c 1-300`);
  return 0;
}

function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    say(
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]! + 3))).join("")}`,
    );
  }
}

function rate(count: number, ms: number): string {
  return formatCount(Math.round((count / ms) * 1_000));
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.disconnect();
  await once(server, "exit");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
