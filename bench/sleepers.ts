/** One million sleepers, in a process of its own each, so that the memory is theirs alone. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Row, median, rounds } from "./harness.ts";

const count = 1_000_000;
const ways = ["setTimeout", "sleep", "spawn"] as const;

interface Measured {
  readonly ms: number;
  readonly heapMb: number;
}

/** Runs all ways in turns and prints medians. */
export function benchSleepers(): Row[] {
  const measured = new Map(ways.map((way): [string, Measured[]] => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) measured.get(way)!.push(measureInChild(way));
  }
  const results = ways.map((way) => ({
    way,
    ms: median(measured.get(way)!.map(({ ms }) => ms)),
    heapMb: median(measured.get(way)!.map(({ heapMb }) => heapMb)),
  }));
  const first = results[0]!;
  console.log(`\n${count} sleepers of one second: time, less that second; heap while they sleep`);
  for (const { way, ms, heapMb } of results) {
    const name = {
      setTimeout: "async functions with setTimeout",
      sleep: "with taskwright sleep",
      spawn: "as taskwright tasks",
    };
    console.log(
      `  ${name[way].padEnd(34)} ${ms.toFixed(0).padStart(6)} ms ${(ms / first.ms).toFixed(2).padStart(6)}` +
        ` ${heapMb.toFixed(0).padStart(6)} MB ${(heapMb / first.heapMb).toFixed(2).padStart(6)}`,
    );
  }
  return results.map(({ way, ms }) => ({ name: way, ns: ms * 1e6, ratio: ms / first.ms }));
}

function measureInChild(way: string): Measured {
  const child = fileURLToPath(new URL("sleepers-child.ts", import.meta.url));
  const output = execFileSync(
    process.execPath,
    ["--conditions=taskwright-source", "--expose-gc", "--max-old-space-size=8000", child, way, String(count)],
    { encoding: "utf8" },
  );
  return JSON.parse(output) as Measured;
}
