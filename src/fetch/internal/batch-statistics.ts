import type { Attempt } from "./attempt.ts";
import { LatencyHistogram } from "./latency-histogram.ts";

/** Kinds of failures beyond this many are counted together: a hostile server must not fill the memory with them. */
const maxKinds = 1_000;

/** What has happened so far in a batch. */
export class BatchStatistics {
  /** Requests answered with a status below 400. */
  succeeded = 0;
  /** Requests answered with another status, requests without an answer, and lines that were no request. */
  failed = 0;
  /** Attempts that were followed by another. */
  retries = 0;
  /** Lines that were no request. */
  badLines = 0;
  /** Bytes of the bodies received. */
  bodyBytes = 0;
  /** Last attempts that brought an answer. */
  readonly latency: LatencyHistogram = new LatencyHistogram();
  /** How often each status or error code was what a request failed with. */
  readonly failures: Map<string, number> = new Map<string, number>();

  /** Requests with an outcome. */
  get done(): number {
    return this.succeeded + this.failed;
  }

  settled({ startMs, endMs, answer, failure }: Attempt): void {
    if (answer === undefined) return this.#failed(failure!.code);
    this.bodyBytes += answer.bodyBytes;
    this.latency.add(endMs - startMs);
    if (answer.status < 400) this.succeeded++;
    else this.#failed(String(answer.status));
  }

  foundBadLine(): void {
    this.badLines++;
    this.#failed("BAD_LINE");
  }

  #failed(kind: string): void {
    this.failed++;
    const known = this.failures.has(kind) || this.failures.size < maxKinds ? kind : "other";
    this.failures.set(known, (this.failures.get(known) ?? 0) + 1);
  }
}
