import { Link, LinkedList } from "../../core/index.ts";
import type { RateAlgorithm } from "./rate-algorithm.ts";

/** What was taken within one millisecond. */
class Taken extends Link {
  readonly untilMs: number;
  n = 0;

  constructor(untilMs: number) {
    super();
    this.untilMs = untilMs;
  }
}

/**
 * Remembers what was taken in the last `perMs`, and when: to the millisecond, rounded up, which is as fine as timers
 * are, and keeps the list short whatever the limit.
 */
export class SlidingWindow implements RateAlgorithm {
  readonly #perMs: number;
  #limit: number;
  /** What counts, oldest first. */
  readonly #window = new LinkedList<Taken>();
  /** The sum of it. */
  #sum = 0;

  constructor(limit: number, perMs: number) {
    this.#limit = limit;
    this.#perMs = perMs;
  }

  get largest(): number {
    return this.#limit;
  }

  available(nowMs: number): number {
    this.#expire(nowMs);
    return Math.max(0, this.#limit - this.#sum);
  }

  readyAtMs(n: number, nowMs: number): number {
    this.#expire(nowMs);
    let missing = this.#sum + Math.min(n, this.#limit) - this.#limit;
    for (let taken = this.#window.head; taken !== null; taken = taken.after) {
      if (missing <= 0) break;
      missing -= taken.n;
      if (missing <= 0) return taken.untilMs;
    }
    return nowMs;
  }

  take(n: number, nowMs: number): (nowMs: number) => void {
    const untilMs = Math.ceil(nowMs) + this.#perMs;
    let taken = this.#window.tail;
    if (taken === null || taken.untilMs !== untilMs) {
      taken = new Taken(untilMs);
      this.#window.push(taken);
    }
    this.#add(taken, n);
    return () => this.#add(taken, -n);
  }

  setLimit(limit: number): void {
    this.#limit = limit;
  }

  #add(taken: Taken, n: number): void {
    // What has left the window does not count any more.
    if (taken.list === null) return;
    taken.n += n;
    this.#sum += n;
  }

  #expire(nowMs: number): void {
    for (let oldest = this.#window.head; oldest !== null && oldest.untilMs <= nowMs; oldest = this.#window.head) {
      this.#window.remove(oldest);
      this.#sum -= oldest.n;
    }
  }
}
