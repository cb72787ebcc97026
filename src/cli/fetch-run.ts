import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { now } from "../core/index.ts";
import {
  type Attempt,
  Batch,
  type BatchEnd,
  type BatchOptions,
  LineSource,
  RequestStream,
  type ResultOutput,
  ShuffledSource,
} from "../fetch/index.ts";
import { BadLineLog } from "./bad-line-log.ts";
import { connectionRoom } from "./descriptor-limit.ts";
import type { ExitCode } from "./exit-code.ts";
import type { FoundInputs } from "./fetch-input.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { printable } from "./printable.ts";
import { BarDisplay, type ProgressDisplay, showNothing, showSentences } from "./progress-display.ts";
import type { ProgressState } from "./progress-state.ts";
import { RateMeter } from "./rate-meter.ts";
import { report } from "./run-report.ts";
import { StopSignals } from "./stop-signals.ts";
import { failuresOf, mostFrequent } from "./summary.ts";
import { formatCount, formatMs } from "./units.ts";
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
      onThird: () => this.#display.end(),
    });
    let end: BatchEnd;
    try {
      end = await this.#batch.run();
    } finally {
      this.#display.end();
      signals.stopListening();
    }
    return report({
      batch: this.#batch,
      end,
      settings: this.#settings,
      inputName: this.#found.name,
      elapsedMs: now() - this.#startMs,
      isRemembered: this.#isRemembered,
      signalled: signals.exitCode,
    });
  }

  #batchOptions(output: ResultOutput): BatchOptions {
    const { isQuiet, isVerbose, attempts, inputFormat, shuffleSeed } = this.#settings;
    const { inputs, name } = this.#found;
    const requests = new RequestStream({ ...this.#settings, inputs, format: inputFormat });
    const log = (line: string): void => this.#display.log(printable(line));
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
      ...(!isQuiet && {
        onBadLine: (bad) => badLines.add(bad),
        onOutputTrouble: (message) => log(`taskwright fetch: ${message}`),
      }),
      ...(isVerbose && {
        onRetry: (...retry) => log(retryLine(attempts, ...retry)),
        onFailure: (last) => log(failureLine(last)),
      }),
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
        return new BarDisplay(() => this.#state());
      case "plain":
        return showSentences(() => this.#state());
      case "none":
        return showNothing();
      default:
        return mode satisfies never;
    }
  }

  #state(): ProgressState {
    const { statistics, earlier, inFlight, capacity, pausedHosts, pauseLeftMs, progress } = this.#batch;
    const { done, failed, latency } = statistics;
    const before = earlier.succeeded + earlier.failed;
    const { read, isAll, share } = progress;
    const known = isAll ? read : this.#found.total;
    return {
      done: done + before,
      earlier: before,
      total: known ?? (share === undefined || share === 0 ? undefined : Math.max(read, Math.round(read / share))),
      isTotalExact: known !== undefined,
      perSecond: this.#meter.perSecond(now(), done),
      inFlight,
      capacity,
      pausedHosts,
      pauseLeftMs,
      p50Ms: latency.quantileMs(0.5),
      p95Ms: latency.quantileMs(0.95),
      failed: failed + earlier.failed,
      failures: mostFrequent(failuresOf(statistics, earlier)),
    };
  }

  #windUp(signal: string): void {
    this.#batch.drain();
    const { inFlight, waitingBytes } = this.#batch;
    const { isQuiet, target, bodiesFolder } = this.#settings;
    // A file takes what is there at once; a database or a folder of many files, or somebody at a pipe, may not.
    const mayTakeLong = target.kind !== "file" || bodiesFolder !== undefined;
    const isWaitingForOutput = waitingBytes > 0 && mayTakeLong;
    if (isQuiet || (inFlight === 0 && !isWaitingForOutput)) return;
    const what = inFlight > 0 ? `for ${formatCount(inFlight)} under way` : "until the results are written";
    const again = signal === "SIGINT" ? "Ctrl-C again" : `another ${signal}`;
    this.#display.log(`taskwright fetch: stopping: waiting ${what}, ${again} cancels`);
  }
}

/** A bar, unless other lines would come in between: those of the results, or of whoever reads them. */
function autoMode(isToFile: boolean): "bar" | "plain" | "none" {
  if (!process.stderr.isTTY || process.env["TERM"] === "dumb") return "plain";
  if (isToFile) return "bar";
  if (isatty(1)) return "none";
  const stats = fstatSync(1);
  return stats.isFIFO() || stats.isSocket() ? "plain" : "bar";
}

function failureLine(last: Attempt): string {
  return `${last.job.method} ${last.job.target.url}: failed (${reasonOf(last)})`;
}

function reasonOf({ answer, failure }: Attempt): string {
  return answer === undefined ? `${failure!.code}: ${failure!.message}` : `status ${answer.status}`;
}

function retryLine(attempts: number, failed: Attempt, delayMs: number, isPause: boolean): string {
  const { job } = failed;
  const place = `${job.method} ${job.target.url}`;
  if (isPause) return `${place}: ${reasonOf(failed)}: ${job.target.origin} is left alone for ${formatMs(delayMs)}`;
  const which = `attempt ${job.attempts - job.uncounted} of ${attempts}`;
  return `${place}: ${which} failed (${reasonOf(failed)}), again in ${formatMs(delayMs)}`;
}
