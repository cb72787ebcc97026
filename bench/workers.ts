/** Pools of threads on the same work: very many tiny calls, and few long ones. Each pool is in a process of its own. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { type Interface, createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Contender, type Contest, hold } from "./harness.ts";
import { pythonWith } from "./python.ts";

const calls = 100_000;
const inTurn = 2_000;
const longBelow = 10_000_000;
const rounds = 3;

const ours = "taskwright";
const javaScript = [ours, "piscina", "piscina, 64 tasks a thread", "tinypool", "workerpool", "poolifier"];
const python = ["multiprocessing.Pool", "ProcessPoolExecutor", "ThreadPoolExecutor"];

interface Done {
  readonly ms: number;
  readonly result: number;
}

/** A process with a pool, which does what it is asked to, and says how long it took. */
class Peer implements Disposable {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.#process = spawn(command, [...args, name], { stdio: ["pipe", "pipe", "inherit"] });
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask(work: string, units: number): Promise<Done> {
    this.#process.stdin!.write(`${JSON.stringify({ work, units })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.name} has ended at ${work}`);
    return JSON.parse(line.value) as Done;
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    this.#process.stdin!.end();
    this.#process.stdout!.destroy();
  }
}

function openPeers(): { readonly js: Peer[]; readonly py: Peer[] } {
  const flags = ["--conditions=taskwright-source", "--expose-gc", fileOf("workers-peer.ts")];
  const command = pythonWith("concurrent.futures");
  return {
    js: javaScript.map((name) => new Peer(name, process.execPath, flags)),
    py: command === undefined ? [] : python.map((name) => new Peer(name, command, [fileOf("compare-pools.py")])),
  };
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Which pools do a work, and what comes of it. */
interface Row {
  readonly title: string;
  readonly work: string;
  readonly units: number;
  readonly peers: readonly Peer[];
  readonly expected: number;
}

async function holdRow({ title, work, units, peers, expected }: Row): Promise<void> {
  const contenders = peers.map((peer): Contender => ({
    name: peer.name,
    run: () => peer.ask(work, units),
    ownMs: (done) => (done as Done).ms,
  }));
  const check: Contest["check"] = (done) => {
    // Large sums of floats are rounded.
    const { result } = done as Done;
    assert.ok(Math.abs(result / expected - 1) < 1e-6, `${work}: ${result} in place of ${expected}`);
  };
  await hold({ title, units: work === "sums" ? 1 : units, contenders, check, rounds, areWarm: true });
}

export async function benchWorkers(): Promise<void> {
  const { js, py } = openPeers();
  const all = [...js, ...py];
  using closing = new DisposableStack();
  for (const peer of all) closing.use(peer);
  const first = js.slice(0, 1);
  const sumOfSquares = ((longBelow - 1) * longBelow * (2 * longBelow - 1)) / 6;
  const rows: Row[] = [
    {
      title: `${calls} tiny calls, all at once; per call`,
      work: "atOnce",
      units: calls,
      peers: all,
      expected: sumTo(calls),
    },
    {
      title: `${calls} tiny calls, 64 in flight; per call`,
      work: "inFlight",
      units: calls,
      peers: js,
      expected: sumTo(calls),
    },
    {
      title: `${inTurn} tiny calls, one after the other; per call`,
      work: "inTurn",
      units: inTurn,
      peers: all,
      expected: sumTo(inTurn),
    },
    {
      title: `map over ${calls} items, by those that have it; per item`,
      work: "map",
      units: calls,
      peers: [...first, ...py],
      expected: sumTo(calls),
    },
    {
      title: `4 sums of ${longBelow} squares; all of them`,
      work: "sums",
      units: longBelow,
      peers: all,
      expected: 4 * sumOfSquares,
    },
  ];
  // Once for what is loaded and compiled with the first calls.
  for (const peer of all) {
    await peer.ask("atOnce", 5_000);
    await peer.ask("map", 5_000);
    await peer.ask("map", 5_000);
  }
  for (const row of rows) await holdRow(row);
  await printMemory(all);
}

async function printMemory(peers: readonly Peer[]): Promise<void> {
  console.log("\nmost memory held, with all processes of the pool");
  let least: number | undefined;
  for (const peer of peers) {
    const { result } = await peer.ask("peakMb", 0);
    least ??= result;
    console.log(
      `  ${peer.name.padEnd(34)} ${result.toFixed(0).padStart(7)} MB  ${(result / least).toFixed(2).padStart(6)}`,
    );
  }
}

/** 1 + 2 + ... + n. */
function sumTo(n: number): number {
  return (n * (n + 1)) / 2;
}
