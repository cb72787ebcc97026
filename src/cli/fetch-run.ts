import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { now } from "../core/index.ts";
import {
  type Attempt,
  Batch,
  type BatchEnd,
  type BatchOptions,
  type BatchProgress,
  InputChangedError,
  InputError,
  LineSource,
  RequestStream,
  type ResultOutput,
  ShuffledSource,
} from "../fetch/index.ts";
import { BadLineLog } from "./bad-line-log.ts";
import { complain } from "./complain.ts";
import { connectionRoom } from "./descriptor-limit.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import type { FoundInputs } from "./fetch-input.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { print } from "./print.ts";
import { type ProgressDisplay, showBar, showNothing, showSentences } from "./progress-display.ts";
import type { ProgressState } from "./progress-line.ts";
import { RateMeter } from "./rate-meter.ts";
import { StopSignals } from "./stop-signals.ts";
import { failuresOf, mostFrequent, summarize, summaryText } from "./summary.ts";
import { formatCount, formatMs } from "./units.ts";
import { UsageError } from "./usage-error.ts";
import { limitYoungGeneration } from "./young-generation.ts";

/** One run of `taskwright fetch`: the batch, what is shown of it, and how signals stop it. */
export class FetchRun {
  readonly #settings: FetchSettings;
  readonly #found: FoundInputs;
  /** Whether the same command could go on with the results. */
  readonly #isRemembered: boolean;
  readonly #batch: Batch;
  readonly #display: ProgressDisplay;
  readonly #startMs: number = now();
  readonly #meter: RateMeter = new RateMeter(now());

  constructor(found: FoundInputs, output: ResultOutput, settings: FetchSettings) {
    this.#settings = settings;
    this.#found = found;
    this.#isRemembered = output.done !== undefined;
    this.#batch = new Batch(this.#batchOptions(output));
    this.#display = this.#chooseDisplay();
  }

  async run(): Promise<ExitCode> {
    limitYoungGeneration();
    const signals = new StopSignals({
      onFirst: (signal) => this.#windUp(signal),
      onSecond: () => this.#batch.cancel(),
    });
    let end: BatchEnd;
    try {
      end = await this.#batch.run();
    } finally {
      this.#display.end();
      signals.stopListening();
    }
    return this.#finish(end, signals.exitCode);
  }

  #batchOptions(output: ResultOutput): BatchOptions {
    const { isQuiet, isVerbose, attempts, inputFormat, shuffleSeed } = this.#settings;
    const { inputs, name } = this.#found;
    const requests = new RequestStream({ ...this.#settings, inputs, format: inputFormat });
    const log = (line: string): void => this.#display.log(line);
    const badLines = new BadLineLog(name, log);
    return {
      ...this.#settings,
      openSource: (events) => {
        const lines = new LineSource(requests, events);
        return shuffleSeed === undefined ? lines : new ShuffledSource(lines, shuffleSeed);
      },
      output,
      concurrency: this.#affordable(),
      retry: this.#retryPolicy(),
      ...(!isQuiet && { onBadLine: (bad) => badLines.add(bad) }),
      ...(isVerbose && { onRetry: (...retry) => log(retryLine(attempts, ...retry)) }),
    };
  }

  #retryPolicy(): BatchOptions["retry"] {
    const { attempts, retryMaxTimeMs, retryBudget: budget, retriesAnyMethod: anyMethod } = this.#settings;
    const limits = { attempts, baseMs: 500, maxMs: 30_000, maxTimeMs: retryMaxTimeMs, anyMethod };
    return { ...limits, random: Math.random, ...(budget < Infinity && { budget }) };
  }

  #affordable(): number {
    const { concurrency, isQuiet } = this.#settings;
    const room = connectionRoom();
    if (concurrency <= room) return concurrency;
    if (!isQuiet) {
      process.stderr.write(
        `taskwright fetch: ${formatCount(room)} at once: the limit on open files (ulimit -n) has room for no more\n`,
      );
    }
    return room;
  }

  #chooseDisplay(): ProgressDisplay {
    const { isQuiet, progress, output } = this.#settings;
    const mode = isQuiet ? "none" : progress === "auto" ? autoMode(output !== undefined) : progress;
    switch (mode) {
      case "bar":
        return showBar(() => this.#state());
      case "plain":
        return showSentences(() => this.#state());
      case "none":
        return showNothing();
      default:
        return mode satisfies never;
    }
  }

  #state(): ProgressState {
    const { statistics, earlier, inFlight, pausedHosts, progress } = this.#batch;
    const { done, failed, latency } = statistics;
    const before = earlier.succeeded + earlier.failed;
    const { read, isAll, share } = progress;
    const known = isAll ? read : this.#found.total;
    return {
      done: done + before,
      total: known ?? (share === undefined || share === 0 ? undefined : Math.max(read, Math.round(read / share))),
      isTotalExact: known !== undefined,
      perSecond: this.#meter.perSecond(now(), done),
      inFlight,
      pausedHosts,
      p50Ms: latency.quantileMs(0.5),
      p95Ms: latency.quantileMs(0.95),
      failed: failed + earlier.failed,
      failures: mostFrequent(failuresOf(statistics, earlier)),
    };
  }

  #windUp(signal: string): void {
    this.#batch.drain();
    const { inFlight, waitingBytes } = this.#batch;
    if (this.#settings.isQuiet || (inFlight === 0 && waitingBytes === 0)) return;
    const what = inFlight > 0 ? `for ${formatCount(inFlight)} under way` : "until the results are taken";
    const again = signal === "SIGINT" ? "Ctrl-C again" : `another ${signal}`;
    this.#display.log(`taskwright fetch: stopping: waiting ${what}, ${again} cancels`);
  }

  #finish(end: BatchEnd, signalled: ExitCode | undefined): ExitCode {
    const { statistics, earlier, progress } = this.#batch;
    if (end.kind === "output-failed") {
      if ((end.error as NodeJS.ErrnoException).code === "EPIPE") return exitCode.brokenPipe;
      this.#complain("write results", this.#settings.output ?? "standard output", end.error);
    }
    if (end.kind === "input-failed") this.#complain("read requests", nameOf(end.error) ?? this.#found.name, end.error);
    if (end.kind === "too-many-failures" && !this.#settings.isQuiet) {
      const { failed, done } = statistics;
      const told = `${formatCount(failed)} of ${formatCount(done)} requests failed, more than --max-failures allows`;
      process.stderr.write(`taskwright fetch: stopped: ${told}\n`);
    }
    this.#sumUp(end, progress);
    if (this.#isRemembered && !this.#settings.isQuiet) this.#tellHowToGoOn(end);
    if (signalled !== undefined) return signalled;
    if (end.kind === "too-many-failures") return exitCode.tooManyFailures;
    if (end.kind === "input-failed") return exitCode.usage;
    return end.kind === "finished" && statistics.failed + earlier.failed === 0 ? exitCode.ok : exitCode.failed;
  }

  #complain(doing: string, name: string, error: unknown): void {
    const { message } = error as Error;
    const hint =
      error instanceof InputChangedError ? "give it the same list again, or begin anew with --restart" : undefined;
    const told = new UsageError(`Cannot ${doing} (${name}): ${message}`, hint, { cause: error });
    complain("fetch", told, this.#settings.isVerbose);
  }

  /** What is left to do about the results, and the command for it. */
  #tellHowToGoOn(end: BatchEnd): void {
    const { statistics, earlier } = this.#batch;
    const { commandAgain, inputs } = this.#settings;
    const isInputOther = end.kind === "input-failed" && end.error instanceof InputChangedError;
    if (isInputOther) return;
    const hasFailures = statistics.failed + earlier.failed > 0;
    const isAll = end.kind === "finished";
    if (isAll && statistics.done === 0 && earlier.succeeded + earlier.failed > 0) {
      process.stderr.write("nothing was left to ask: --restart asks all again\n");
    }
    if (isAll && !hasFailures) return;
    const { text, isRedacted } = commandAgain({
      without: ["resume", "restart", "retry-failed"],
      also: isAll ? ["retry-failed"] : [],
    });
    const notes = [
      ...(isRedacted ? ["your secrets in place of ***"] : []),
      ...(inputs.includes("-") ? ["the same list on standard input"] : []),
    ];
    const label = isAll ? "again:  " : "go on:  ";
    process.stderr.write(`${label} ${text}${notes.length === 0 ? "" : `   # with ${notes.join(", and ")}`}\n`);
  }

  #sumUp(end: BatchEnd, { read, passed, isAll }: BatchProgress): void {
    const { isQuiet, hasJsonSummary, output } = this.#settings;
    const { statistics, earlier, outputBytes } = this.#batch;
    const elapsedMs = now() - this.#startMs;
    const asked = read - passed;
    const summary = summarize({
      statistics,
      earlier,
      end: end.kind,
      read: asked,
      isInputRead: isAll,
      elapsedMs,
      outputBytes,
      output,
    });
    const json = `${JSON.stringify(summary)}\n`;
    if (hasJsonSummary && output !== undefined) print(json);
    else if (hasJsonSummary) process.stderr.write(json);
    else if (!isQuiet) process.stderr.write(`${summaryText(summary)}\n`);
  }
}

/** A bar, unless other lines would come in between: those of the results, or of whoever reads them. */
function autoMode(isToFile: boolean): "bar" | "plain" | "none" {
  if (!process.stderr.isTTY) return "plain";
  if (isToFile) return "bar";
  if (isatty(1)) return "none";
  const stats = fstatSync(1);
  return stats.isFIFO() || stats.isSocket() ? "plain" : "bar";
}

/** Which input could not be read. */
function nameOf(error: unknown): string | undefined {
  return error instanceof InputError ? error.input : undefined;
}

function retryLine(attempts: number, { job, answer, failure }: Attempt, delayMs: number, isPause: boolean): string {
  const why = answer === undefined ? `${failure!.code}: ${failure!.message}` : `status ${answer.status}`;
  const place = `${job.method} ${job.target.url}`;
  if (isPause) return `${place}: ${why}: ${job.target.origin} is left alone for ${formatMs(delayMs)}`;
  const which = `attempt ${job.attempts - job.uncounted} of ${attempts}`;
  return `${place}: ${which} failed (${why}), again in ${formatMs(delayMs)}`;
}
