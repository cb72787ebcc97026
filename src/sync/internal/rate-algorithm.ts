/** How a rate is counted. Times are those of the clock of whoever asks. */
export interface RateAlgorithm {
  /** The heaviest weight there can ever be room for. */
  readonly largest: number;

  /** How much may be taken at `nowMs`. */
  available(nowMs: number): number;

  /**
   * When there will be room for `n` if nothing else is taken; `nowMs` or before, if there is. What is heavier than
   * {@link largest}, because that was lowered meanwhile, has room when nothing that was taken counts any more.
   */
  readyAtMs(n: number, nowMs: number): number;

  /**
   * Takes `n`, for which there must be room.
   *
   * @returns gives it back, for what was not used after all
   */
  take(n: number, nowMs: number): (nowMs: number) => void;

  /** Sets another limit. */
  setLimit(limit: number, nowMs: number): void;
}
