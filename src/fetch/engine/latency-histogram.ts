/** Each bucket is this much wider than the one before: what is read from it is off by 2.5% at most. */
const growth = 1.05;
const logGrowth = Math.log(growth);
const smallestMs = 0.1;
/** Up to a day and a half. */
const buckets = 430;

/** How long things took, in constant memory: any number of times in, percentiles out. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;
  #maxMs = 0;

  /** The longest time of all, in milliseconds. */
  get maxMs(): number {
    return this.#maxMs;
  }

  add(ms: number): void {
    const bucket = ms <= smallestMs ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(ms / smallestMs) / logGrowth));
    this.#counts[bucket]!++;
    this.#total++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /**
   * The time that the share `quantile` of all stayed within.
   *
   * @param quantile - from 0 to 1
   * @returns milliseconds, or undefined if nothing was added
   */
  quantileMs(quantile: number): number | undefined {
    if (this.#total === 0) return undefined;
    let rest = Math.max(1, Math.ceil(this.#total * quantile));
    for (let bucket = 0; bucket < buckets; bucket++) {
      rest -= this.#counts[bucket]!;
      if (rest <= 0) return Math.min(this.#maxMs, smallestMs * growth ** (bucket === 0 ? 0 : bucket - 0.5));
    }
    return this.#maxMs;
  }
}
