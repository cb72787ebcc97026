/** Runs contenders on the same work in turns, checks what they return, and prints medians and ratios. */
import { performance } from "node:perf_hooks";

/** One way to do the work. */
export interface Contender {
  readonly name: string;
  /** Does the work once. What it returns is checked. */
  readonly run: () => unknown;
  /** Where another process does it, and measures by itself: what it says of a result, in milliseconds. */
  readonly ownMs?: (result: unknown) => number;
}

/** Work that several contenders do. */
export interface Contest {
  readonly title: string;
  /** Units of work in one run, for the time of each. */
  readonly units: number;
  /** The first is what the others are compared with. */
  readonly contenders: readonly Contender[];
  /** Throws if the result is wrong. */
  readonly check: (result: unknown) => void;
  /** Runs of each contender within a round; the fastest counts. @default 1 */
  readonly repeats?: number;
  /** For contests that take long. @default 5 */
  readonly rounds?: number;
  /** Whether all contenders have done such work before: then there is no round that does not count. @default false */
  readonly areWarm?: boolean;
}

export interface Row {
  readonly name: string;
  /** Nanoseconds a unit: the median of the rounds. */
  readonly ns: number;
  /** Time of the first contender divided into this one's: below 1 is faster. */
  readonly ratio: number;
}

export const rounds = 5;

/** Runs a contest: in each round each contender once, in turns, after a garbage collection. */
export async function hold(contest: Contest): Promise<Row[]> {
  const times = contest.contenders.map((): number[] => []);
  for (let round = contest.areWarm === true ? 0 : -1; round < (contest.rounds ?? rounds); round++) {
    for (const [index, contender] of contest.contenders.entries()) {
      const ns = await measure(contest, contender);
      if (round >= 0) times[index]!.push(ns);
    }
  }
  const medians = times.map(median);
  const rows = contest.contenders.map(({ name }, index) => ({
    name,
    ns: medians[index]!,
    ratio: medians[index]! / medians[0]!,
  }));
  print(contest.title, rows);
  return rows;
}

async function measure(contest: Contest, contender: Contender): Promise<number> {
  let best = Infinity;
  for (let repeat = 0; repeat < (contest.repeats ?? 1); repeat++) {
    globalThis.gc?.();
    const startedMs = performance.now();
    const result = await contender.run();
    const ms = contender.ownMs?.(result) ?? performance.now() - startedMs;
    best = Math.min(best, (ms * 1e6) / contest.units);
    contest.check(result);
  }
  return best;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  for (const { name, ns, ratio } of rows) {
    console.log(`  ${name.padEnd(34)} ${formatNs(ns).padStart(10)}  ${ratio.toFixed(2).padStart(6)}`);
  }
}

function formatNs(ns: number): string {
  return ns < 10_000 ? `${ns.toFixed(0)} ns` : ns < 1e7 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(1)} ms`;
}
