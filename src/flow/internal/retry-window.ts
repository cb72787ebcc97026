/** The window moves on by this part of itself. */
const slices = 10;

/** What happened in one part of the window. */
interface Slice {
  calls: number;
  retries: number;
}

/** The retries of the last while, against its calls. Times are those of one clock. */
export class RetryWindow {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #sliceMs: number;
  /** Newest last: never more than {@link slices}. */
  #window: Slice[] = [];
  /** Which slice of all time the newest is. */
  #newest = -Infinity;

  /**
   * @param ratio - retries for each call
   * @param minPerSecond - retries a second that are free besides
   * @param windowMs - how long calls and retries count
   */
  constructor(ratio: number, minPerSecond: number, windowMs: number) {
    this.#ratio = ratio;
    this.#reserve = (minPerSecond * windowMs) / 1_000;
    this.#sliceMs = windowMs / slices;
  }

  call(nowMs: number): void {
    this.#slice(nowMs).calls++;
  }

  /** Takes one retry from what is left, and says whether it could. */
  tryRetry(nowMs: number): boolean {
    const slice = this.#slice(nowMs);
    // 29 hundredths of 100 calls are a little less than 29, in binary.
    if (this.#left() < 1 - 1e-9) return false;
    slice.retries++;
    return true;
  }

  statistics(nowMs: number): { calls: number; retries: number; left: number } {
    this.#slice(nowMs);
    return { calls: this.#sum("calls"), retries: this.#sum("retries"), left: this.#left() };
  }

  #left(): number {
    return this.#reserve + this.#ratio * this.#sum("calls") - this.#sum("retries");
  }

  #sum(what: keyof Slice): number {
    return this.#window.reduce((sum, slice) => sum + slice[what], 0);
  }

  /** The slice of this moment. Drops those that have left the window. */
  #slice(nowMs: number): Slice {
    const now = Math.floor(nowMs / this.#sliceMs);
    const passed = Math.min(now - this.#newest, slices);
    for (let count = 0; count < passed; count++) this.#window.push({ calls: 0, retries: 0 });
    if (passed > 0) this.#window = this.#window.slice(-slices);
    this.#newest = now;
    return this.#window.at(-1)!;
  }
}
