const windowMs = 5_000;

/** How fast a count grows, by its last few seconds. */
export class RateMeter {
  /** Times and counts in turn, the oldest first. */
  readonly #samples: [atMs: number, count: number][];

  constructor(nowMs: number) {
    this.#samples = [[nowMs, 0]];
  }

  /** Takes in `count`, and returns how much it grows in a second. */
  perSecond(nowMs: number, count: number): number {
    this.#samples.push([nowMs, count]);
    // One sample from before the window stays: it is where the window begins.
    while (this.#samples.length > 2 && this.#samples[1]![0] < nowMs - windowMs) this.#samples.shift();
    const [fromMs, from] = this.#samples[0]!;
    return nowMs === fromMs ? 0 : ((count - from) / (nowMs - fromMs)) * 1_000;
  }
}
