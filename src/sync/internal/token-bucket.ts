import type { RateAlgorithm } from "./rate-algorithm.ts";

/**
 * A bucket that fills evenly up to `burst`, and from which permits are taken. Starts full.
 *
 * What is in it is not added up but computed: what has flowed in since the bucket was last full, less the whole number
 * taken since. So rounding does not pile up, however long it never gets full. Known as the virtual scheduling form of
 * the Generic Cell Rate Algorithm (ITU-T I.371).
 */
export class TokenBucket implements RateAlgorithm {
  /** As told; undefined follows the limit. */
  readonly #burst: number | undefined;
  readonly #perMs: number;
  #limit: number;
  /** When the bucket was last full. Before the first use always: the clock is not known yet. */
  #fullAtMs = -Infinity;
  /** Taken since then. */
  #taken = 0;
  #limitSetAtMs = -Infinity;

  constructor(limit: number, perMs: number, burst: number | undefined) {
    this.#limit = limit;
    this.#perMs = perMs;
    this.#burst = burst;
  }

  get largest(): number {
    return this.#burst ?? this.#limit;
  }

  available(nowMs: number): number {
    return Math.max(0, Math.floor(this.#level(nowMs)));
  }

  readyAtMs(n: number, nowMs: number): number {
    this.#noticeFull(nowMs);
    const missing = this.#taken + Math.min(n, this.largest) - this.largest;
    return missing <= 0 ? nowMs : this.#fullAtMs + this.#fillMs(missing);
  }

  take(n: number, nowMs: number): (nowMs: number) => void {
    this.#noticeFull(nowMs);
    this.#taken += n;
    return (laterMs) => this.#giveBack(n, nowMs, laterMs);
  }

  /**
   * What was taken has turned out to be more by `n`, or less where that is negative. More than full it never gets; emptier
   * than empty it does: what was used is to be paid off.
   */
  correct(n: number, nowMs: number): void {
    this.#noticeFull(nowMs);
    this.#taken += n;
  }

  setLimit(limit: number, nowMs: number): void {
    const level = this.#level(nowMs);
    this.#limit = limit;
    this.#limitSetAtMs = nowMs;
    // Without a limit the bucket is always full.
    const missing = limit === Infinity ? 0 : Math.max(0, this.largest - level);
    this.#taken = Math.ceil(missing);
    this.#fullAtMs = nowMs - this.#fillMs(this.#taken - missing);
  }

  /**
   * Without this permit the bucket would have been fuller, but not fuller than full. How much would have flowed over is
   * not known, but not more than has flowed in since, which is withheld. So it must be known how much that is.
   */
  #giveBack(n: number, takenAtMs: number, nowMs: number): void {
    const elapsedMs = nowMs - takenAtMs;
    if (takenAtMs < this.#limitSetAtMs || elapsedMs >= this.#fillMs(n)) return;
    this.#taken -= n;
    this.#fullAtMs += elapsedMs;
  }

  #level(nowMs: number): number {
    this.#noticeFull(nowMs);
    if (this.#taken === 0) return this.largest;
    return this.largest + ((nowMs - this.#fullAtMs) * this.#limit) / this.#perMs - this.#taken;
  }

  #noticeFull(nowMs: number): void {
    if (nowMs < this.#fullAtMs + this.#fillMs(this.#taken)) return;
    this.#fullAtMs = nowMs;
    this.#taken = 0;
  }

  /** How long it takes for `n` to flow in. */
  #fillMs(n: number): number {
    return (n * this.#perMs) / this.#limit;
  }
}
