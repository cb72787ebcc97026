import type { Attempt } from "./attempt.ts";
import type { BadLine } from "../input/line-splitter.ts";
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
  /** For each of these, the first request that failed with it: its URL, or which line was none. */
  readonly examples: Map<string, string> = new Map<string, string>();

  /** Requests with an outcome. */
  get done(): number {
    return this.succeeded + this.failed;
  }

  settled({ job, startMs, endMs, answer, failure }: Attempt): void {
    const { url } = job.target;
    if (answer === undefined) return this.#failed(failure!.code, url);
    this.bodyBytes += answer.bodyBytes;
    this.latency.add(endMs - startMs);
    if (answer.status < 400) this.succeeded++;
    else this.#failed(String(answer.status), url);
  }

  foundBadLine({ line, input }: BadLine): void {
    this.badLines++;
    this.#failed("BAD_LINE", input === undefined ? `line ${line}` : `line ${line} of ${input}`);
  }

  #failed(kind: string, example: string): void {
    this.failed++;
    const known = this.failures.has(kind) || this.failures.size < maxKinds ? kind : "other";
    if (!this.examples.has(known)) this.examples.set(known, example);
    this.failures.set(known, (this.failures.get(known) ?? 0) + 1);
  }
}
