import type { PermitReport } from "../../core/index.ts";
import type { LimitAlgorithm, LimitRange } from "./limit-algorithm.ts";

/** What is left of the limit after a failure. As in AIMDLimit of Netflix's concurrency-limits. */
const afterFailure = 0.9;

/**
 * Additive increase, multiplicative decrease: one more for each round trip at the full limit that went well, a tenth
 * less for each in which something failed. That is what lets several clients of one service find fair shares (Chiu and
 * Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989).
 *
 * Permits that were given before the last decrease tell of the limit before it: as TCP does (NewReno, RFC 6582), it
 * decreases once for a burst of failures. Where less than half of the limit was in use, the limit was not to blame.
 */
export class Aimd implements LimitAlgorithm {
  limit: number;
  readonly baseMs: undefined;
  readonly #range: LimitRange;
  #decreases = 0;
  /** What went well at the full limit since it last changed. */
  #succeeded = 0;

  constructor(initial: number, range: LimitRange) {
    this.limit = initial;
    this.#range = range;
  }

  granted(inUse: number): (report: PermitReport | undefined) => void {
    const decreases = this.#decreases;
    const isFull = inUse >= this.limit;
    const isHalfFull = inUse >= this.limit / 2;
    return (report) => {
      if (report === undefined || decreases !== this.#decreases) return;
      if (report.ok && isFull) this.#succeed();
      else if (!report.ok && isHalfFull) this.#decrease();
    };
  }

  #succeed(): void {
    if (++this.#succeeded < this.limit) return;
    this.#succeeded = 0;
    this.limit = Math.min(this.#range.max, this.limit + 1);
  }

  #decrease(): void {
    this.#succeeded = 0;
    this.#decreases++;
    this.limit = Math.max(this.#range.min, Math.floor(this.limit * afterFailure));
  }
}
