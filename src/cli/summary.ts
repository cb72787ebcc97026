import type { BatchEnd, BatchStatistics, ResultCounts } from "../fetch/index.ts";
import { kindsOf } from "./progress-line.ts";
import { formatBytes, formatCount, formatMs } from "./units.ts";

/** What a batch came to, as `--summary json` prints it. */
export interface Summary {
  /** `finished`, or why not: `drained`, `cancelled`: by a signal; `too-many-failures`, `input-failed`, `output-failed`. */
  readonly end: BatchEnd["kind"];
  /** Requests with an outcome, bad lines included, of this run and of earlier ones that it went on with. */
  readonly requests: number;
  /** Those of earlier runs. */
  readonly earlier: number;
  /** Those answered with a status below 400. */
  readonly succeeded: number;
  readonly failed: number;
  /** How often each status or error code was what a request failed with. */
  readonly failures: Readonly<Record<string, number>>;
  /** Requests read that have no outcome, because the run was stopped. */
  readonly unfinished: number;
  /** Whether there is nothing in the input beyond those. */
  readonly isInputRead: boolean;
  readonly retries: number;
  readonly badLines: number;
  readonly elapsedMs: number;
  readonly perSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly max: number } | null;
  /** Of the bodies of all answers. */
  readonly bodyBytes: number;
  readonly outputBytes: number;
  readonly output: string | null;
}

export interface SummaryInput {
  readonly statistics: BatchStatistics;
  readonly earlier: ResultCounts;
  readonly end: BatchEnd["kind"];
  /** Requests read that had no outcome before, bad lines included. */
  readonly read: number;
  readonly isInputRead: boolean;
  readonly elapsedMs: number;
  readonly outputBytes: number;
  readonly output: string | undefined;
}

export function summarize({
  statistics,
  earlier,
  end,
  read,
  isInputRead,
  elapsedMs,
  outputBytes,
  output,
}: SummaryInput): Summary {
  const { done, succeeded, failed, retries, badLines, bodyBytes, latency } = statistics;
  const p50 = latency.quantileMs(0.5);
  const before = earlier.succeeded + earlier.failed;
  return {
    end,
    requests: done + before,
    earlier: before,
    succeeded: succeeded + earlier.succeeded,
    failed: failed + earlier.failed,
    failures: Object.fromEntries(mostFrequent(failuresOf(statistics, earlier))),
    unfinished: read - done,
    isInputRead,
    retries,
    badLines: badLines + earlier.badLines,
    elapsedMs: tenth(elapsedMs),
    perSecond: tenth(elapsedMs === 0 ? 0 : (done / elapsedMs) * 1_000),
    latencyMs:
      p50 === undefined ? null : { p50: tenth(p50), p95: tenth(latency.quantileMs(0.95)!), max: tenth(latency.maxMs) },
    bodyBytes,
    outputBytes,
    output: output ?? null,
  };
}

/** The same for people: two to five lines. */
export function summaryText(summary: Summary): string {
  const { requests, earlier, succeeded, failed, unfinished, retries, elapsedMs, perSecond, latencyMs, bodyBytes } =
    summary;
  const asked = requests - earlier;
  const lines = [
    `${formatCount(asked)} ${asked === 1 ? "request" : "requests"} in ${formatMs(elapsedMs)} ` +
      `(${formatCount(Math.round(perSecond))}/s)${earlier === 0 ? "" : `, and ${formatCount(earlier)} before`}: ${formatCount(succeeded)} ok, ${formatCount(failed)} failed` +
      (retries > 0 ? `, ${formatCount(retries)} ${retries === 1 ? "retry" : "retries"}` : ""),
  ];
  if (failed > 0) lines.push(`failed:  ${kindsOf(Object.entries(summary.failures), 6)}`);
  const missing: string[] = [];
  if (unfinished > 0) missing.push(`${formatCount(unfinished)} requests have no outcome`);
  if (!summary.isInputRead) missing.push("the rest of the input was not read");
  if (missing.length > 0) lines.push(`stopped: ${missing.join(", ")}`);
  if (latencyMs !== null) {
    const { p50, p95, max } = latencyMs;
    lines.push(
      `latency: p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, max ${formatMs(max)}; ${formatBytes(bodyBytes)} of bodies`,
    );
  }
  if (summary.output !== null) lines.push(`results: ${summary.output} (${formatBytes(summary.outputBytes)})`);
  return lines.join("\n");
}

/** Of earlier runs it is known how many failed, and not of what. */
export function failuresOf({ failures }: BatchStatistics, earlier: ResultCounts): ReadonlyMap<string, number> {
  return earlier.failed === 0 ? failures : new Map([...failures, ["before", earlier.failed]]);
}

/** Kinds of failures, most frequent first. */
export function mostFrequent(failures: ReadonlyMap<string, number>): [kind: string, count: number][] {
  return [...failures].toSorted((a, b) => b[1] - a[1]);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
