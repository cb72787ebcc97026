/** One million sleepers, in a process of its own each, so that the memory is theirs alone. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Row, median, rounds } from "./harness.ts";

const count = 1_000_000;

/**
 * The ways to sleep, and what they are called. Of what the first weighs, the async function is more than half: the
 * last, in which it waits for a promise that all of them share, is the least that any sleep could come to.
 */
const ways = {
  setTimeout: "async functions with setTimeout",
  setTimeoutAlone: "setTimeout alone, in a promise",
  sleepAlone: "taskwright sleep alone",
  sleep: "async functions with sleep",
  spawn: "taskwright tasks with sleep",
  nothing: "async functions, one promise for all",
} as const;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

interface Measured {
  readonly ms: number;
  readonly heapMb: number;
}

/** Runs all ways in turns and prints medians. */
export function benchSleepers(): Row[] {
  const measured = new Map(names.map((way): [Way, Measured[]] => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const way of names) measured.get(way)!.push(measureInChild(way));
  }
  const results = names.map((way) => ({
    way,
    ms: median(measured.get(way)!.map(({ ms }) => ms)),
    heapMb: median(measured.get(way)!.map(({ heapMb }) => heapMb)),
  }));
  const first = results[0]!;
  console.log(`\n${count} sleepers of one second: time, less that second; heap while they sleep`);
  for (const { way, ms, heapMb } of results) {
    console.log(
      `  ${ways[way].padEnd(36)} ${ms.toFixed(0).padStart(6)} ms ${(ms / first.ms).toFixed(2).padStart(6)}` +
        ` ${heapMb.toFixed(0).padStart(6)} MB ${(heapMb / first.heapMb).toFixed(2).padStart(6)}`,
    );
  }
  return results.map(({ way, ms }) => ({ name: way, ns: ms * 1e6, ratio: ms / first.ms }));
}

function measureInChild(way: Way): Measured {
  const child = fileURLToPath(new URL("sleepers-child.ts", import.meta.url));
  const output = execFileSync(
    process.execPath,
    ["--conditions=taskwright-source", "--expose-gc", "--max-old-space-size=8000", child, way, String(count)],
    { encoding: "utf8" },
  );
  return JSON.parse(output) as Measured;
}
