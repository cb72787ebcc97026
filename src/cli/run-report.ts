import { existsSync, lstatSync, realpathSync } from "node:fs";
import { type Batch, type BatchEnd, BodyFolderError, InputChangedError } from "../fetch/index.ts";
import { cannot, cannotReadRequests } from "./cannot.ts";
import { complain } from "./complain.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { print } from "./print.ts";
import { printable } from "./printable.ts";
import { summarize, summaryText } from "./summary.ts";
import { formatCount } from "./units.ts";

/** A run that has ended. */
export interface EndedRun {
  readonly batch: Batch;
  readonly end: BatchEnd;
  readonly settings: FetchSettings;
  /** For messages about the input, if there is only one. */
  readonly inputName: string;
  readonly elapsedMs: number;
  /** Whether the same command could go on with the results. */
  readonly isRemembered: boolean;
  /** How a signal wants the process to end. */
  readonly signalled: ExitCode | undefined;
}

/** Tells how a run has ended, and what is left to do. Returns how the process has to end. */
export function report(run: EndedRun): ExitCode {
  const { batch, end, signalled } = run;
  if (isBrokenPipe(end)) return exitCode.brokenPipe;
  tellWhatBroke(run);
  sumUp(run);
  if (signalled !== undefined) return signalled;
  if (end.kind === "too-many-failures") return exitCode.tooManyFailures;
  if (end.kind === "input-failed") return exitCode.usage;
  const hasFailures = batch.statistics.failed + batch.earlier.failed > 0;
  return end.kind === "finished" && !hasFailures ? exitCode.ok : exitCode.failed;
}

function isBrokenPipe(end: BatchEnd): boolean {
  return end.kind === "output-failed" && (end.error as NodeJS.ErrnoException).code === "EPIPE";
}

function tellWhatBroke({ batch, end, settings, inputName }: EndedRun): void {
  const { output = "standard output", bodiesFolder, isVerbose, isQuiet } = settings;
  switch (end.kind) {
    case "output-failed":
      if (end.error instanceof BodyFolderError) {
        return complain("fetch", cannot("write bodies", bodiesFolder!, end.error), isVerbose);
      }
      return complain("fetch", cannot("write results", output, end.error), isVerbose);
    case "input-failed":
      return complain("fetch", cannotReadRequests(inputName, end.error), isVerbose);
    case "too-many-failures": {
      const { failed, done } = batch.statistics;
      const told = `${formatCount(failed)} of ${formatCount(done)} requests failed, more than --max-failures allows`;
      if (!isQuiet) process.stderr.write(`taskwright fetch: stopped: ${told}\n`);
      return undefined;
    }
    case "finished":
    case "drained":
    case "cancelled":
      return undefined;
    default:
      return end satisfies never;
  }
}

function sumUp(run: EndedRun): void {
  const { batch, end, settings, elapsedMs, isRemembered } = run;
  const { hasJsonSummary, output, target, isQuiet, bodiesFolder: bodies } = settings;
  // A database remembers by itself.
  const journal = isRemembered && target.kind === "file" ? `${besideOf(target.path)}.journal` : undefined;
  const summary = summarize({ batch, end: end.kind, elapsedMs, output, journal, bodies });
  const json = `${JSON.stringify(summary)}\n`;
  if (hasJsonSummary && output !== undefined) print(json);
  else if (hasJsonSummary) process.stderr.write(json);
  if (isQuiet) return;
  const lines = [...(hasJsonSummary ? [] : summaryText(summary, process.stderr.columns)), ...whatIsLeft(run)];
  for (const line of lines) process.stderr.write(`${printable(line)}\n`);
}

/** What the journal stands beside: where the name is that of a link, such as `/dev/stdout`, the file it leads to. */
function besideOf(path: string): string {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink && existsSync(path) ? realpathSync(path) : path;
}

/** What is left to do about the results, and the command for it. */
function whatIsLeft({ batch, end, settings, isRemembered }: EndedRun): string[] {
  const { statistics, earlier } = batch;
  const { commandAgain, inputs } = settings;
  if (!isRemembered || (end.kind === "input-failed" && end.error instanceof InputChangedError)) return [];
  const isAll = end.kind === "finished";
  const isNothingNew = isAll && statistics.done === 0 && earlier.succeeded + earlier.failed > 0;
  const lines = isNothingNew ? ["nothing was left to ask: --restart asks all again"] : [];
  if (isAll && statistics.failed + earlier.failed === 0) return lines;
  const { text, isRedacted } = commandAgain({
    without: ["resume", "restart", "retry-failed"],
    also: isAll ? ["retry-failed"] : [],
  });
  const notes = [
    ...(isRedacted ? ["your secrets in place of ***"] : []),
    ...(inputs.includes("-") ? ["the same list on standard input"] : []),
  ];
  const note = notes.length === 0 ? "" : `   # with ${notes.join(", and ")}`;
  return [...lines, `${isAll ? "again:  " : "go on:  "} ${text}${note}`];
}
