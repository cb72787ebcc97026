/** How long to wait after attempt number `attempt` has failed, in milliseconds. Attempts count from 1. */
export type Backoff = (attempt: number) => number;

/** Settings of {@link exponential}. */
export interface ExponentialOptions {
  /** The wait after the first failure, before jitter, in milliseconds. @default 100 */
  readonly baseMs?: number;
  /** What each further wait is multiplied by, 1 or more. @default 2 */
  readonly factor?: number;
  /** The longest wait, in milliseconds. @default 30_000 */
  readonly maxMs?: number;
  /**
   * `"full"`: anywhere between 0 and the wait, so that many who failed together do not come back together. Of the
   * variants compared by Brooker it makes the fewest calls, and needs to remember nothing.
   * `"none"`: exactly the wait.
   * @default "full"
   */
  readonly jitter?: "full" | "none";
  /** Where jitter comes from: a number from 0 to below 1. @default Math.random */
  readonly random?: () => number;
}

/**
 * Waits that double, or grow by another factor, with jitter.
 *
 * After M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @throws {RangeError} an option is out of its range
 *
 * @example
 * ```ts
 * import { exponential } from "taskwright";
 *
 * const backoff = exponential({ baseMs: 100, maxMs: 500, jitter: "none" });
 * console.log([1, 2, 3, 4].map(backoff)); // => [ 100, 200, 400, 500 ]
 * ```
 */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const { baseMs = 100, factor = 2, maxMs = 30_000, jitter = "full", random = Math.random } = options;
  if (!(baseMs >= 0)) throw new RangeError(`Expected \`baseMs\` to be 0 or more, got \`${baseMs}\` (${typeof baseMs})`);
  if (!(factor >= 1)) throw new RangeError(`Expected \`factor\` to be 1 or more, got \`${factor}\` (${typeof factor})`);
  if (!(maxMs >= 0)) throw new RangeError(`Expected \`maxMs\` to be 0 or more, got \`${maxMs}\` (${typeof maxMs})`);
  return (attempt) => {
    // After many attempts the power is Infinity, and 0 times that is no number.
    const ceilingMs = baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** (attempt - 1));
    return jitter === "full" ? random() * ceilingMs : ceilingMs;
  };
}
