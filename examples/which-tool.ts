/**
 * Which tool for which work? Does work that waits, work that blocks and work that computes: one after the other, in async
 * tasks, in threads and in processes; and the same in Python, where there is one. docs/which-tool.md has the answers.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type Server, createServer } from "node:http";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify, styleText } from "node:util";
import { map, run } from "taskwright";
import { defineTask, openProcessPool, openThreadPool } from "taskwright/workers";

const help = `Does the same work with each tool, and says which is for what.

Usage: which-tool [--small] [--no-python]

  --small      a tenth of the work, for a quick look
  --no-python  leaves out Python, which takes longest
  --help       this`;

/** Waits for the network. */
const ask = defineTask(async function ask(url: string): Promise<number> {
  return (await (await fetch(url)).text()).length;
});

/** Holds its thread without computing, as libraries do that know no async: old drivers, `execSync`, `readFileSync`. */
const block = defineTask(function block(ms: number): number {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return 1;
});

/** Computes. */
const sumSquares = defineTask(function sumSquares(below: number): number {
  let sum = 0;
  for (let n = 0; n < below; n++) sum += n * n;
  return sum;
});

type Task = (item: never) => number | Promise<number>;
type Tool = "one by one" | "async" | "threads" | "processes";

/** What is done with each of the tools. */
interface Work {
  readonly name: string;
  readonly task: Task;
  readonly items: readonly (string | number)[];
  /** Threads or processes: as many as there are processors, or more where they only wait. */
  readonly workers: number;
}

interface Row {
  readonly name: string;
  /** In milliseconds, for each of the tools. */
  readonly timesMs: readonly number[];
}

const advice = `
* the simplest tool that is about as quick as the quickest

What waits: async tasks. What blocks: threads. What computes: threads; in Python
they take turns, so there it is processes. What may crash: processes.`;

const tools: readonly Tool[] = ["one by one", "async", "threads", "processes"];
const pythonTools = ["one by one", "asyncio", "ThreadPool", "ProcessPool", "mp.Pool"];
const waiters = 8;
const latencyMs = 20;
const blockMs = 25;

async function measure(work: Work, forMs: number): Promise<Row> {
  await using threads = openThreadPool({ size: work.workers });
  await using processes = openProcessPool({ size: work.workers });
  // So that all are there, and know the function.
  const first = work.items.slice(0, work.workers);
  const task = work.task as (item: string | number) => Promise<number>;
  for (const pool of [threads, processes]) await Promise.all(first.map((item) => pool.run(task, item)));
  const ways: Record<Tool, () => Promise<number[]>> = {
    "one by one": () => map(work.items, task, { concurrency: 1 }),
    async: () => map(work.items, async (item) => task(item), { concurrency: 100 }),
    threads: () => threads.map(work.items, task, { chunkSize: 1 }),
    processes: () => processes.map(work.items, task, { chunkSize: 1 }),
  };
  const expected = await ways.threads();
  const timesMs: number[] = [];
  for (const tool of tools) {
    say(`${work.name}: ${tool}`);
    timesMs.push(await bestOf(ways[tool], forMs, String(expected)));
  }
  return { name: work.name, timesMs };
}

/** The best of three rounds; of what is over at once, of as many as fit into `forMs`: other programs are at work, too. */
async function bestOf(way: () => Promise<number[]>, forMs: number, expected: string): Promise<number> {
  const timesMs: number[] = [];
  for (const beganMs = performance.now(); timesMs.length < 3 || performance.now() < beganMs + forMs;) {
    const startedMs = performance.now();
    const results = await way();
    timesMs.push(performance.now() - startedMs);
    if (String(results) !== expected) throw new Error("results differ");
  }
  return Math.min(...timesMs);
}

/** The same in Python: concurrent.futures and multiprocessing. */
async function measurePython(
  url: string,
  works: readonly Work[],
  forMs: number,
): Promise<{ version: string; rows: Row[] } | undefined> {
  const script = fileURLToPath(new URL("which-tool.py", import.meta.url));
  const sizes = works.map(({ items, workers }) => `${items.length}x${workers}`);
  const args = [script, url, ...[forMs, blockMs, works[2]!.items[0]!].map(String), ...sizes];
  say("the same in Python");
  try {
    const { stdout } = await promisify(execFile)("python3", args);
    const { version, times } = JSON.parse(stdout) as { version: string; times: number[][] };
    return { version, rows: works.map(({ name }, i) => ({ name, timesMs: times[i]! })) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A table of milliseconds. The simplest tool that is about as quick as the quickest stands out. */
function show(title: string, names: readonly string[], rows: readonly Row[]): void {
  console.log(`\n${title.padEnd(18)}${names.map((name) => name.padStart(12)).join("")}`);
  for (const { name, timesMs } of rows) {
    const best = simplestOf(timesMs);
    const cells = timesMs.map((ms, i) => {
      const time = `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en")} ms`;
      return i === best ? bold(`* ${time}`.padStart(12)) : time.padStart(12);
    });
    console.log(name.padEnd(18) + cells.join(""));
  }
}

/** Tools are listed from the simplest on. */
function simplestOf(timesMs: readonly number[]): number {
  const bestMs = Math.min(...timesMs);
  return timesMs.findIndex((ms) => ms < bestMs * 1.3);
}

function bold(text: string): string {
  return styleText("bold", text, { stream: process.stdout });
}

/** What is being done, on a terminal. */
function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}${what === "" ? "" : " ..."}`);
}

async function openServer(): Promise<Server> {
  const server = createServer((_, response) => setTimeout(() => response.end("answer"), latencyMs));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function main(scale: number, hasPython: boolean): Promise<void> {
  const server = await openServer();
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const times = <T>(count: number, item: T): T[] => Array.from({ length: Math.max(1, count * scale) }, () => item);
  const works: Work[] = [
    { name: "requests", task: ask, items: times(100, url), workers: waiters },
    { name: "blocking calls", task: block, items: times(40, blockMs), workers: waiters },
    { name: "sums", task: sumSquares, items: Array<number>(4).fill(1e7 * scale), workers: availableParallelism() },
  ];
  const [requests, calls, sums] = works.map(({ items }) => items.length);
  console.log(
    `${requests} requests that are answered after ${latencyMs} ms, ${calls} calls that block for ${blockMs} ms,`,
  );
  console.log(`${sums} sums of ${(1e7 * scale).toLocaleString("en")} squares; ${availableParallelism()} processors,`);
  console.log(`${waiters} threads or processes where they only wait. Pools are open before.`);

  const forMs = 1_000 * scale;
  const rows: Row[] = [];
  for (const work of works) rows.push(await measure(work, forMs));
  say("");
  show(`Node ${process.versions.node}`, tools, rows);
  const python = hasPython ? await measurePython(url, works, forMs) : undefined;
  say("");
  if (python !== undefined) show(`Python ${python.version}`, pythonTools, python.rows);
  server.close().closeAllConnections();

  console.log(advice);
}

// Threads and processes import this file to find the functions: they do not do what is in here.
if (import.meta.main) {
  const options = { small: { type: "boolean" }, "no-python": { type: "boolean" }, help: { type: "boolean" } } as const;
  try {
    const { values } = parseArgs({ options });
    if (values.help === true) console.log(help);
    else await run(() => main(values.small === true ? 0.1 : 1, values["no-python"] !== true));
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS")) throw error;
    console.error(`${(error as Error).message}\n\n${help}`);
    process.exitCode = 2;
  }
}
