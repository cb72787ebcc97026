import type { Batch, BatchEnd, BatchStatistics, ResultCounts } from "../fetch/index.ts";
import { formatBytes, formatCount, formatMs } from "./units.ts";

/** What a batch came to, as `--summary json` prints it: documented in docs/fetch.md. Fields may be added, not changed. */
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
  /** What they failed with, most frequent first. */
  readonly failures: readonly FailureSummary[];
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
  /** Where the results are; null for standard output. */
  readonly output: string | null;
  /** What remembers which are done, so that the same command can go on; null if nothing does. */
  readonly journal: string | null;
  /** The folder that bodies were put into; null for none. */
  readonly bodies: string | null;
}

/** One kind of failure. */
interface FailureSummary {
  /** A status or an error code; `before` for failures of earlier runs, and `other` where there are too many kinds. */
  readonly kind: string;
  readonly count: number;
  /** The first request that failed so: its URL, without credentials, or which line was none. */
  readonly example: string | null;
}

export interface SummaryInput {
  readonly batch: Pick<Batch, "statistics" | "earlier" | "progress" | "outputBytes">;
  readonly end: BatchEnd["kind"];
  readonly elapsedMs: number;
  readonly output: string | undefined;
  readonly journal: string | undefined;
  readonly bodies: string | undefined;
}

export function summarize({ batch, end, elapsedMs, output, journal, bodies }: SummaryInput): Summary {
  const { statistics, earlier, progress, outputBytes } = batch;
  const { done, succeeded, failed, retries, badLines, bodyBytes, latency, examples } = statistics;
  const p50 = latency.quantileMs(0.5);
  const before = earlier.succeeded + earlier.failed;
  return {
    end,
    requests: done + before,
    earlier: before,
    succeeded: succeeded + earlier.succeeded,
    failed: failed + earlier.failed,
    failures: mostFrequent(failuresOf(statistics, earlier)).map(([kind, count]) => ({
      kind,
      count,
      example: examples.get(kind) ?? null,
    })),
    unfinished: progress.read - progress.passed - done,
    isInputRead: progress.isAll,
    retries,
    badLines: badLines + earlier.badLines,
    elapsedMs: tenth(elapsedMs),
    perSecond: tenth(elapsedMs === 0 ? 0 : (done / elapsedMs) * 1_000),
    latencyMs:
      p50 === undefined ? null : { p50: tenth(p50), p95: tenth(latency.quantileMs(0.95)!), max: tenth(latency.maxMs) },
    bodyBytes,
    outputBytes,
    output: output ?? null,
    journal: journal ?? null,
    bodies: bodies ?? null,
  };
}

/** So many kinds of failures are told of; the others are in the results. */
const shownKinds = 8;

/** In a narrower terminal a URL had better be broken than cut. */
const leastColumns = 72;

/** The same for people: lines of which those with URLs are cut to `columns`. */
export function summaryText(summary: Summary, columns: number = Infinity): string[] {
  const { latencyMs, output, outputBytes, bodyBytes, journal, bodies } = summary;
  const lines = [countLine(summary), ...failureLines(summary, columns)];
  const missing = summary.end === "output-failed" ? ["what came last is not written"] : [];
  const { unfinished } = summary;
  if (unfinished > 0)
    missing.push(`${formatCount(unfinished)} ${unfinished === 1 ? "request has" : "requests have"} no outcome`);
  if (!summary.isInputRead) missing.push("the rest of the input was not read");
  if (missing.length > 0) lines.push(`stopped: ${missing.join(", ")}`);
  if (latencyMs !== null) {
    const { p50, p95, max } = latencyMs;
    lines.push(
      `latency: p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, max ${formatMs(max)}; ${formatBytes(bodyBytes)} of bodies`,
    );
  }
  if (output !== null) lines.push(`results: ${output} (${formatBytes(outputBytes)})`);
  if (bodies !== null) lines.push(`bodies:  ${bodies}`);
  if (journal !== null) lines.push(`journal: ${journal}`);
  return lines;
}

function countLine({ requests, earlier, succeeded, failed, retries, elapsedMs, perSecond }: Summary): string {
  const asked = requests - earlier;
  return (
    `${formatCount(asked)} ${asked === 1 ? "request" : "requests"} in ${formatMs(elapsedMs)} ` +
    `(${formatCount(Math.round(perSecond))}/s)${earlier === 0 ? "" : `, and ${formatCount(earlier)} before`}: ` +
    `${formatCount(succeeded)} ok, ${formatCount(failed)} failed` +
    (retries > 0 ? `, ${formatCount(retries)} ${retries === 1 ? "retry" : "retries"}` : "")
  );
}

/** One line for each kind, with the first request that failed so. */
function failureLines({ failures }: Summary, columns: number): string[] {
  const rows = failures.slice(0, shownKinds).map(({ kind, count, example }) => {
    return [`${kind} x${formatCount(count)}`, example ?? ""] as const;
  });
  const width = Math.max(0, ...rows.map(([what]) => what.length));
  const lines = rows.map(([what, example], index) => {
    const left = `${index === 0 ? "failed:  " : "         "}${what}`;
    return example === "" ? left : cut(`${left.padEnd(9 + width)}  ${example}`, Math.max(columns, leastColumns));
  });
  const more = failures.length - shownKinds;
  if (more > 0) lines.push(`         and ${formatCount(more)} more ${more === 1 ? "kind" : "kinds"}`);
  return lines;
}

/** Three dots, not one character for them: not every terminal has that. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`;
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
