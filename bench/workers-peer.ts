/** A pool of threads that {@link file://./workers.ts} measures, in a process of its own: workers-peer.ts NAME. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ModuleTask } from "taskwright/workers";

const threads = 2;
const inFlight = 64;

type Task = "add" | "sumOfSquares";

interface Pool {
  readonly call: (task: Task, n: number) => Promise<number>;
  readonly map?: (items: readonly number[]) => Promise<number[]>;
}

const openers: Record<string, () => Promise<Pool>> = {
  async taskwright() {
    const { openThreadPool } = await import("taskwright/workers");
    // As the others do, which keep their threads, however long it is until their turn comes again.
    const pool = openThreadPool({ size: threads, idleMs: Infinity });
    const module = new URL("./workers-side.ts", import.meta.url);
    const tasks: Record<Task, ModuleTask<[number], number>> = {
      add: { module, name: "add" },
      sumOfSquares: { module, name: "sumOfSquares" },
    };
    return { call: (task, n) => pool.run(tasks[task], n), map: (items) => pool.map(items, tasks.add) };
  },
  piscina: () => openPiscina({}),
  "piscina, 64 tasks a thread": () => openPiscina({ concurrentTasksPerWorker: inFlight }),
  async tinypool() {
    const { Tinypool } = await import("tinypool");
    const pool = new Tinypool({ filename: fileOf("workers-side"), minThreads: threads, maxThreads: threads });
    return { call: (name, n) => pool.run(n, { name }) as Promise<number> };
  },
  async workerpool() {
    const { default: workerpool } = await import("workerpool");
    const size = { minWorkers: threads, maxWorkers: threads };
    const pool = workerpool.pool(fileOf("workers-side-workerpool"), { ...size, workerType: "thread" });
    return { call: async (task, n) => (await pool.exec(task, [n])) as number };
  },
  async poolifier() {
    const { FixedThreadPool } = await import("poolifier");
    const pool = new FixedThreadPool<number, number>(threads, fileOf("workers-side-poolifier"));
    return { call: (task, n) => pool.execute(n, task) };
  },
};

async function openPiscina(options: object): Promise<Pool> {
  const { Piscina } = await import("piscina");
  const size = { minThreads: threads, maxThreads: threads };
  const pool = new Piscina({ filename: fileOf("workers-side"), ...size, ...options });
  return { call: (name, n) => pool.run(n, { name }) as Promise<number> };
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
}

/** What is measured: each returns something of which it can be told that all was done. */
const works: Record<string, (pool: Pool, units: number) => Promise<number>> = {
  async atOnce({ call }, units) {
    return sum(await Promise.all(Array.from({ length: units }, (_, n) => call("add", n))));
  },
  async inFlight({ call }, units) {
    let next = 0;
    let total = 0;
    const caller = async (): Promise<void> => {
      while (next < units) {
        const result = await call("add", next++);
        total += result;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
    return total;
  },
  async inTurn({ call }, units) {
    let total = 0;
    for (let n = 0; n < units; n++) total += await call("add", n);
    return total;
  },
  async map({ map, call }, units) {
    const items = numbers.slice(0, units);
    return sum(await (map?.(items) ?? Promise.all(items.map((n) => call("add", n)))));
  },
  async sums({ call }, units) {
    return sum(await Promise.all(Array.from({ length: 4 }, () => call("sumOfSquares", units))));
  },
  async peakMb() {
    return peakMb();
  },
};

/** Made before the clock starts. */
const numbers: readonly number[] = Array.from({ length: 100_000 }, (_, n) => n);

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The most memory that this process has had at once, as Linux has counted it. */
function peakMb(): number {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kib ?? Number.NaN) / 1_024;
}

const pool = await openers[process.argv[2]!]!();
for await (const line of createInterface({ input: process.stdin })) {
  const { work, units } = JSON.parse(line) as { work: string; units: number };
  globalThis.gc?.();
  const startedMs = performance.now();
  const result = await works[work]!(pool, units);
  console.log(JSON.stringify({ ms: performance.now() - startedMs, result }));
}
process.exit();
