import { type Clock, currentScope } from "../core/index.ts";

/** Settings of a {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** Retries for each call: 0.2 lets a fifth be repeated, once; 0 or more. @default 0.2 */
  readonly ratio?: number;
  /** Retries a second that are free besides, for whoever calls seldom; 0 or more. @default 10 */
  readonly minPerSecond?: number;
  /** How long calls and retries count, in milliseconds, more than 0. @default 10_000 */
  readonly windowMs?: number;
}

/** What a budget has come to in its window. */
export interface RetryBudgetStatistics {
  /** Calls, without their retries. */
  readonly calls: number;
  /** Retries made. */
  readonly retries: number;
  /** Retries that are left, not rounded. */
  readonly left: number;
}

/** The window moves on by this part of itself. */
const slices = 10;

/** What happened in one part of the window. */
interface Slice {
  calls: number;
  retries: number;
}

/**
 * How many retries many calls may make together: a ratio of the calls, and a few a second besides. So what is down is
 * not kept down by those who try again.
 *
 * One for each thing that is called. After Finagle's and Linkerd's retry budgets, whose defaults these are.
 *
 * @example
 * ```ts
 * import { RetryBudget, retry } from "taskwright";
 *
 * const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0 });
 * let calls = 0;
 * for (let n = 0; n < 10; n++) {
 *   await retry(() => Promise.reject(new Error(`down ${++calls}`)), { backoff: () => 0, budget }).catch(() => {});
 * }
 * console.log(calls); // => 12
 * ```
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #sliceMs: number;
  /** The window, newest last: never more than {@link slices}. */
  #window: Slice[] = [];
  /** Which slice of all time the newest is. */
  #newest = 0;
  /** The clock that says so. */
  #clock: Clock | undefined;

  constructor(options: RetryBudgetOptions = {}) {
    const { ratio = 0.2, minPerSecond = 10, windowMs = 10_000 } = options;
    expectAtLeast0("ratio", ratio);
    expectAtLeast0("minPerSecond", minPerSecond);
    if (!(windowMs > 0 && windowMs < Infinity)) {
      throw new RangeError(
        `Expected \`windowMs\` to be a number of milliseconds, more than 0, got \`${windowMs}\` (${typeof windowMs})`,
      );
    }
    this.#ratio = ratio;
    this.#reserve = (minPerSecond * windowMs) / 1_000;
    this.#sliceMs = windowMs / slices;
  }

  /** Counts a call, of which retries may be made. `retry` does so by itself. */
  call(): void {
    this.#slice().calls++;
  }

  /** Takes one retry from what is left, and says whether it could. `retry` does so by itself. */
  tryRetry(): boolean {
    const slice = this.#slice();
    // 29 hundredths of 100 calls are a little less than 29, in binary.
    if (this.#left() < 1 - 1e-9) return false;
    slice.retries++;
    return true;
  }

  /** What the window holds now. */
  statistics(): RetryBudgetStatistics {
    this.#slice();
    return Object.freeze({ calls: this.#sum("calls"), retries: this.#sum("retries"), left: this.#left() });
  }

  #left(): number {
    return this.#reserve + this.#ratio * this.#sum("calls") - this.#sum("retries");
  }

  #sum(what: keyof Slice): number {
    return this.#window.reduce((sum, slice) => sum + slice[what], 0);
  }

  /** The slice of this moment. Drops those that have left the window. */
  #slice(): Slice {
    const { clock } = currentScope().tree;
    const now = Math.floor(clock.now() / this.#sliceMs);
    // What was counted by another clock says nothing here.
    const passed = clock === this.#clock ? Math.min(now - this.#newest, slices) : slices;
    this.#clock = clock;
    for (let count = 0; count < passed; count++) this.#window.push({ calls: 0, retries: 0 });
    if (passed > 0) this.#window = this.#window.slice(-slices);
    this.#newest = now;
    return this.#window.at(-1)!;
  }
}

function expectAtLeast0(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < Infinity) return;
  throw new RangeError(`Expected \`${name}\` to be a number of 0 or more, got \`${String(value)}\` (${typeof value})`);
}
