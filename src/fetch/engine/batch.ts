import { type Scope, type ScopeNode, Timer, cancelScope, checkpoint, realClock } from "../../core/index.ts";
import { type Attempt, isSuccess } from "./attempt.ts";
import { BatchStatistics } from "./batch-statistics.ts";
import type { BatchSource, SourceEvents } from "../input/batch-source.ts";
import { CancelWatch } from "./cancel-watch.ts";
import { Engine, type JobSink, type JobSource } from "./engine.ts";
import { type ExchangeOptions, openExchange } from "./exchange.ts";
import { DoneSet, type ResultCounts } from "../journal/done-set.ts";
import { type FailureLimit, isExceeded } from "./failure-limit.ts";
import type { BadLine } from "../input/line-splitter.ts";
import type { PaceRules } from "./pace.ts";
import { RemainingSource } from "../journal/remaining-source.ts";
import { ResultOrder } from "../output/result-order.ts";
import { type ResultOutput, mostInResult } from "../output/result-output.ts";
import type { RetryPolicy } from "./retry-policy.ts";

export interface BatchOptions extends ExchangeOptions {
  /** Called once; the source tells of itself through `events`. */
  readonly openSource: (events: SourceEvents) => BatchSource;
  readonly output: ResultOutput;
  /** Whether results stand in the order of the requests, and not in that in which they end. @default false */
  readonly isOrdered?: boolean;
  readonly perHost: number;
  /** Whether each host finds its own limit by itself, up to `perHost`. @default false */
  readonly isAdaptive?: boolean;
  readonly retry: RetryPolicy;
  readonly pace?: PaceRules | undefined;
  /** What fails beyond stops the batch, as `drain()` does. */
  readonly maxFailures?: FailureLimit | undefined;
  readonly onBadLine?: (bad: BadLine) => void;
  /** A request has failed for good. */
  readonly onFailure?: (last: Attempt) => void;
  /** A request will be sent again; `isPause`: because its host is left alone by all. */
  readonly onRetry?: (failed: Attempt, delayMs: number, isPause: boolean) => void;
  /** Results wait to be written, and why. */
  readonly onOutputTrouble?: (message: string) => void;
}

/**
 * How a batch came to its end: by itself, by `drain()`, by `cancel()`, because more failed than may, or because input or
 * output broke.
 */
export type BatchEnd =
  | { readonly kind: "finished" | "drained" | "cancelled" | "too-many-failures" }
  | { readonly kind: "input-failed" | "output-failed"; readonly error: unknown };

export interface BatchProgress {
  /** Requests and bad lines read so far. */
  readonly read: number;
  /** Those among them that had their results from earlier runs. */
  readonly passed: number;
  readonly isAll: boolean;
  /** How much of the input that was, from 0 to 1; undefined where its size is not known. */
  readonly share: number | undefined;
}

const none: ResultCounts = { succeeded: 0, failed: 0, badLines: 0 };

/** How long a reader of results may take for what is left when the batch is cancelled. */
const patienceMs = 1_000;

/** How far ahead of the slots a batch reads, when hosts at their limit are in the way. */
export function lookAheadOf(concurrency: number): { lookAhead: number; lookAheadBytes: number } {
  return { lookAhead: Math.max(1_000, 10 * concurrency), lookAheadBytes: 32 * 1024 * 1024 };
}

/**
 * From a source of requests to an output of results, with as little as possible between the two. What the output holds
 * already is not asked again.
 *
 *     ready ── run() ──> running ── all done, drain(), cancel(), input or output broke ──> ended
 */
export class Batch {
  /** What happened in this run. */
  readonly statistics: BatchStatistics = new BatchStatistics();
  /** Results of earlier runs. */
  readonly earlier: ResultCounts;
  readonly #options: BatchOptions;
  readonly #source: BatchSource;
  readonly #remaining: RemainingSource;
  /** What is left to ask, as the engine gets it. */
  readonly #jobs: JobSource;
  readonly #output: ResultOutput;
  readonly #giveUp: Timer = new Timer(() => this.#output.abandon());
  #engine: Engine | undefined;
  /** Why it ends, where it does not just finish. */
  #end: BatchEnd | undefined;

  constructor(options: BatchOptions) {
    const { output, isOrdered = false } = options;
    this.#options = options;
    const onReady = (): void => this.#engine?.pump();
    this.#source = options.openSource({
      onBadLine: (bad) => this.#foundBadLine(bad),
      onReady,
      onError: (error) => this.#stop({ kind: "input-failed", error }),
    });
    this.#remaining = new RemainingSource(this.#source, output.done ?? new DoneSet(), (error) =>
      this.#stop({ kind: "input-failed", error }),
    );
    this.earlier = output.done?.counts ?? none;
    const order = isOrdered ? new ResultOrder({ source: this.#remaining, output, onReady }) : undefined;
    this.#jobs = order ?? this.#remaining;
    this.#output = order ?? output;
    this.#output.start({
      onFull: () => this.#engine?.pause(),
      onReady: () => this.#engine?.resume(),
      onError: (error) => this.#stop({ kind: "output-failed", error }),
      onTrouble: (message) => options.onOutputTrouble?.(message),
    });
  }

  /** Requests on the wire. */
  get inFlight(): number {
    return this.#engine?.inFlight ?? 0;
  }

  /** Requests that may be on the wire now: as limits and hosts allow. */
  get capacity(): number {
    return this.#engine?.capacity ?? 0;
  }

  /** Hosts that are left alone for now: they asked for it, or are down. */
  get pausedHosts(): number {
    return this.#engine?.pausedHosts ?? 0;
  }

  /** How long until the first of them may be asked again, in milliseconds; undefined if there are none. */
  get pauseLeftMs(): number | undefined {
    return this.#engine?.pauseLeftMs;
  }

  /** Requests read that have no outcome and are not on the wire. */
  get ahead(): number {
    return this.#engine?.ahead ?? 0;
  }

  /** How far the input was read. */
  get progress(): BatchProgress {
    const { count, hasEnded, share } = this.#source;
    return { read: count, passed: this.#remaining.passed, isAll: hasEnded, share };
  }

  /** Bytes of results that are not written yet. */
  get waitingBytes(): number {
    return this.#output.waitingBytes;
  }

  /** Bytes of results written. */
  get outputBytes(): number {
    return this.#output.bytes;
  }

  /**
   * Runs to the end: everything is written then.
   *
   * Cancel: takes everything off the wire, and writes the results there are.
   */
  async run(): Promise<BatchEnd> {
    try {
      await cancelScope((scope) => this.#ask(scope), { name: "fetch" });
      if (this.#end === undefined) this.#remaining.expectAll();
    } finally {
      try {
        await this.#source.close();
      } finally {
        await this.#output.end().catch((error: unknown) => (this.#end = { kind: "output-failed", error }));
      }
    }
    this.#giveUp.cancel();
    return this.#end ?? { kind: "finished" };
  }

  /** Starts nothing new; what is on the wire ends. */
  drain(): void {
    this.#end ??= { kind: "drained" };
    this.#engine?.drain();
  }

  /** Takes everything off the wire. Results that nobody takes within a second are given up. */
  cancel(): void {
    this.#stop({ kind: "cancelled" });
    realClock.schedule(realClock.now() + patienceMs, this.#giveUp);
  }

  #stop(end: BatchEnd): void {
    const { kind } = this.#end ?? {};
    if (kind === undefined || kind === "drained" || kind === "too-many-failures") this.#end = end;
    this.#engine?.stop();
  }

  async #ask(scope: Scope): Promise<void> {
    const node = scope as ScopeNode;
    const finished = Promise.withResolvers<void>();
    const { concurrency, output } = this.#options;
    const maxBodyBytes = Math.min(this.#options.maxBodyBytes, output.maxBodyBytes ?? mostInResult);
    const exchange = openExchange(node, { ...this.#options, maxBodyBytes });
    const engine = new Engine(
      {
        ...this.#options,
        ...lookAheadOf(concurrency),
        exchange,
        abort: () => scope.cancel("the batch was stopped"),
        clock: node.tree.clock,
      },
      this.#jobs,
      this.#sink(finished),
    );
    this.#engine = engine;
    const watch = new CancelWatch(node, engine);
    try {
      engine.pump();
      await finished.promise;
    } finally {
      watch.resolve();
      await exchange.close();
    }
    // Cancelled from around: that goes on. Of its own accord: cancelScope ends it here.
    await checkpoint();
  }

  #foundBadLine(bad: BadLine): void {
    if (this.#remaining.hasBadLine(bad.index)) return;
    this.statistics.foundBadLine(bad);
    this.#output.foundBadLine(bad);
    this.#options.onBadLine?.(bad);
    this.#stopIfTooManyFailed();
  }

  #stopIfTooManyFailed(): void {
    const { maxFailures } = this.#options;
    if (maxFailures === undefined || !isExceeded(maxFailures, this.statistics.failed, this.statistics.done)) return;
    this.#end ??= { kind: "too-many-failures" };
    this.#engine?.drain();
  }

  #sink(finished: PromiseWithResolvers<void>): JobSink {
    const { onRetry, onFailure } = this.#options;
    const { statistics } = this;
    return {
      settled: (last) => {
        statistics.settled(last);
        this.#output.settled(last);
        if (onFailure !== undefined && !isSuccess(last)) onFailure(last);
        this.#stopIfTooManyFailed();
      },
      retrying: (failed, delayMs, isPause) => {
        statistics.retries++;
        onRetry?.(failed, delayMs, isPause);
      },
      finished: (crash) => {
        if (crash === undefined) finished.resolve();
        else finished.reject(crash);
      },
    };
  }
}
