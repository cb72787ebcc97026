import { type Clock, currentScope } from "../core/index.ts";
import { RetryWindow } from "./internal/retry-window.ts";

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
  readonly #make: () => RetryWindow;
  #window: RetryWindow;
  /** The clock of what is counted there. */
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
    this.#make = () => new RetryWindow(ratio, minPerSecond, windowMs);
    this.#window = this.#make();
  }

  /** Counts a call, of which retries may be made. `retry` does so by itself. */
  call(): void {
    const { clock } = currentScope().tree;
    this.#windowOf(clock).call(clock.now());
  }

  /** Takes one retry from what is left, and says whether it could. `retry` does so by itself. */
  tryRetry(): boolean {
    const { clock } = currentScope().tree;
    return this.#windowOf(clock).tryRetry(clock.now());
  }

  /** What the window holds now. */
  statistics(): RetryBudgetStatistics {
    const { clock } = currentScope().tree;
    return Object.freeze(this.#windowOf(clock).statistics(clock.now()));
  }

  /** What was counted by another clock says nothing to this one. */
  #windowOf(clock: Clock): RetryWindow {
    if (clock !== this.#clock) this.#window = this.#make();
    this.#clock = clock;
    return this.#window;
  }
}

function expectAtLeast0(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < Infinity) return;
  throw new RangeError(`Expected \`${name}\` to be a number of 0 or more, got \`${String(value)}\` (${typeof value})`);
}
