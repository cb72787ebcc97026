import { type Scope, type ScopeNode, Timer, cancelScope, checkpoint, realClock } from "../../core/index.ts";
import type { Attempt } from "./attempt.ts";
import { BatchStatistics } from "./batch-statistics.ts";
import type { ByteInput } from "./byte-input.ts";
import { CancelWatch } from "./cancel-watch.ts";
import { Engine, type JobSink } from "./engine.ts";
import { type ExchangeOptions, openExchange } from "./exchange.ts";
import { type Destination, LineOutput } from "./line-output.ts";
import type { BadLine } from "./line-splitter.ts";
import { LineSource } from "./line-source.ts";
import { type InputFormat, RequestReader } from "./request-reader.ts";
import { writeBadLine, writeResult } from "./result-line.ts";
import type { RetryPolicy } from "./retry-policy.ts";

export interface BatchOptions extends ExchangeOptions {
  readonly input: ByteInput;
  readonly inputFormat: InputFormat | undefined;
  readonly destination: Destination;
  /** Of requests that do not say otherwise. */
  readonly defaults: {
    readonly method?: string | undefined;
    readonly headers: readonly string[];
    readonly body?: string | Uint8Array | undefined;
  };
  readonly perHost: number;
  readonly retry: RetryPolicy;
  readonly withHeaders: boolean;
  readonly onBadLine?: (bad: BadLine) => void;
  readonly onRetry?: (failed: Attempt, delayMs: number) => void;
}

/** How a batch came to its end: by itself, by `drain()`, by `cancel()`, or because input or output broke. */
export type BatchEnd =
  | { readonly kind: "finished" | "drained" | "cancelled" }
  | { readonly kind: "input-failed" | "output-failed"; readonly error: unknown };

/** How long a reader of results may take for what is left when the batch is cancelled. */
const patienceMs = 1_000;

/** How far ahead of the slots a batch reads, when hosts at their limit are in the way. */
export function lookAheadOf(concurrency: number): { lookAhead: number; lookAheadBytes: number } {
  return { lookAhead: Math.max(1_000, 10 * concurrency), lookAheadBytes: 32 * 1024 * 1024 };
}

/**
 * From lines of requests to lines of results, with as little as possible between the two.
 *
 *     ready ── run() ──> running ── all done, drain(), cancel(), input or output broke ──> ended
 */
export class Batch {
  readonly statistics: BatchStatistics = new BatchStatistics();
  readonly #options: BatchOptions;
  readonly #reader: RequestReader;
  readonly #source: LineSource;
  readonly #output: LineOutput;
  readonly #giveUp: Timer = new Timer(() => this.#output.abandon());
  #engine: Engine | undefined;
  /** Why it ends, where it does not just finish. */
  #end: BatchEnd | undefined;

  constructor(options: BatchOptions) {
    const { input, inputFormat: format, defaults, destination } = options;
    this.#options = options;
    this.#reader = new RequestReader({ ...defaults, format });
    this.#source = new LineSource({
      input,
      reader: this.#reader,
      onBadLine: (bad) => this.#foundBadLine(bad),
      onReady: () => this.#engine?.pump(),
      onError: (error) => this.#stop({ kind: "input-failed", error }),
    });
    this.#output = new LineOutput({
      destination,
      onFull: () => this.#engine?.pause(),
      onReady: () => this.#engine?.resume(),
      onError: (error) => this.#stop({ kind: "output-failed", error }),
    });
  }

  /** Requests on the wire. */
  get inFlight(): number {
    return this.#engine?.inFlight ?? 0;
  }

  /** Requests read that have no outcome and are not on the wire. */
  get ahead(): number {
    return this.#engine?.ahead ?? 0;
  }

  /** Requests read so far, and how much of the input that was: undefined where its size is not known. */
  get progress(): { readonly read: number; readonly isAll: boolean; readonly share: number | undefined } {
    const { size } = this.#options.input;
    const share = size === undefined || size === 0 ? undefined : this.#reader.bytes / size;
    return { read: this.#source.count, isAll: this.#source.hasEnded, share };
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
    } finally {
      await this.#options.input.close();
      await this.#output.end().catch((error: unknown) => (this.#end = { kind: "output-failed", error }));
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
    if (this.#end === undefined || this.#end.kind === "drained") this.#end = end;
    this.#engine?.stop();
  }

  async #ask(scope: Scope): Promise<void> {
    const node = scope as ScopeNode;
    const exchange = openExchange(node, this.#options);
    const finished = Promise.withResolvers<void>();
    const { concurrency } = this.#options;
    const engine = new Engine(
      {
        ...this.#options,
        ...lookAheadOf(concurrency),
        exchange,
        abort: () => scope.cancel("the batch was stopped"),
        clock: node.tree.clock,
      },
      this.#source,
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
    this.statistics.foundBadLine();
    writeBadLine(this.#output, bad);
    this.#options.onBadLine?.(bad);
  }

  #sink(finished: PromiseWithResolvers<void>): JobSink {
    const { onRetry, withHeaders } = this.#options;
    const { statistics } = this;
    return {
      settled: (last) => {
        statistics.settled(last);
        writeResult(this.#output, last, withHeaders);
      },
      retrying: (failed, delayMs) => {
        statistics.retries++;
        onRetry?.(failed, delayMs);
      },
      finished: (crash) => {
        if (crash === undefined) finished.resolve();
        else finished.reject(crash);
      },
    };
  }
}
