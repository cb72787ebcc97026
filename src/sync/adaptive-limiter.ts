import { type Limiter, type Permit, expectInteger, now } from "../core/index.ts";
import { Aimd } from "./internal/aimd.ts";
import { Gradient } from "./internal/gradient.ts";
import type { LimitAlgorithm, LimitRange } from "./internal/limit-algorithm.ts";
import { ReportedPermit } from "./internal/reported-permit.ts";
import { runWithPermit } from "./run-with-permit.ts";
import { Semaphore } from "./semaphore.ts";

/** Settings of an {@link AdaptiveLimiter}. */
export interface AdaptiveLimiterOptions {
  /** The limit to start from, an integer from `min` to `max`. @default 10, or what of `min` and `max` is nearest to it */
  readonly initial?: number;
  /** The lowest limit, 1 or more. @default 1 */
  readonly min?: number;
  /** The highest limit, an integer of `min` or more. @default 1_000 */
  readonly max?: number;
  /**
   * `"gradient"` learns from how long work takes: for services that get slower when they have too much to do. Failures
   * count as work the service had no room for.
   * `"aimd"` learns from failures alone: for services that refuse what is too much. Each may be any failure, so let only
   * those be reported that are the service's.
   * @default "gradient"
   */
  readonly algorithm?: "gradient" | "aimd";
  /** For messages: what is limited. */
  readonly name?: string;
}

/** What an adaptive limiter is doing. */
export interface AdaptiveLimiterStatistics {
  /** The limit of the moment. */
  readonly limit: number;
  /** Weight of all permits out. May exceed a limit that was lowered meanwhile. */
  readonly inUse: number;
  /** Callers waiting. */
  readonly waiting: number;
  /** How long work takes that nothing holds up, in milliseconds; undefined if that is not known, or not asked for. */
  readonly baseMs: number | undefined;
}

/** After so long without use, what was learned is not worth keeping. */
const worthKeepingMs = 600_000;

/**
 * A semaphore that finds its own limit, from what its permits report: `run` and `map` report by themselves.
 *
 * The gradient finds the limit from which on more at once only takes longer, and finds it again when the service has
 * become slower, faster, smaller or larger. AIMD goes up by one for each round trip that went well, and down by a tenth
 * when something failed. Neither changes a limit that is not in use.
 *
 * A weight above the limit of the moment goes alone.
 *
 * @example
 * ```ts
 * import { AdaptiveLimiter, Semaphore, map, sleep } from "taskwright";
 * import { withVirtualTime } from "taskwright/testing";
 *
 * // A service that works on 40 requests at once, and lets more wait.
 * const workers = new Semaphore(40);
 * const request = () => workers.run(() => sleep(50));
 *
 * const limiter = new AdaptiveLimiter();
 * await withVirtualTime(() => map(Array(4_000).keys(), request, { limiter }));
 * console.log(Math.abs(limiter.statistics().limit - 40) < 15); // => true
 * ```
 */
export class AdaptiveLimiter implements Limiter {
  readonly #semaphore: Semaphore;
  readonly #algorithm: LimitAlgorithm;
  /** When something was last learned, in milliseconds of `now()`. */
  #learnedAtMs = -Infinity;

  constructor(options: AdaptiveLimiterOptions = {}) {
    const { min = 1, max = 1_000, name } = options;
    const { initial = Math.min(Math.max(10, min), max) } = options;
    expectInteger("min", min, 1);
    expectInteger("max", max, min);
    expectInteger("initial", initial, min);
    if (initial > max) {
      throw new RangeError(`Expected \`initial\` to be at most \`max\`, ${max}, got \`${initial}\` (number)`);
    }
    if (initial === Infinity) throw new RangeError("Expected `initial` to be finite, got `Infinity` (number)");
    this.#algorithm = makeAlgorithm(options.algorithm ?? "gradient", initial, { min, max });
    this.#semaphore = new Semaphore(initial, {
      kind: "AdaptiveLimiter",
      ...(name === undefined ? {} : { name }),
      maxWeight: max,
      wrap: (permit, inUse) => this.#wrap(permit, inUse),
    });
  }

  /** The limit of the moment. */
  get limit(): number {
    return this.#algorithm.limit;
  }

  /**
   * Waits for a permit.
   *
   * Cancel: leaves the queue. A permit granted before is returned, and the next checkpoint throws.
   *
   * @param n - weight: how much of the limit it takes, from 1 to `max`; default 1
   * @throws {RangeError} `n` is out of this range
   */
  acquire(n = 1): Promise<Permit> {
    return this.#semaphore.acquire(n);
  }

  tryAcquire(n = 1): Permit | undefined {
    return this.#semaphore.tryAcquire(n);
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  /** Whether nothing is in use, nobody waits, and nothing was learned, or nothing in the last ten minutes. */
  get isIdle(): boolean {
    const { inUse, waiting } = this.#semaphore.statistics();
    return inUse === 0 && waiting === 0 && now() - this.#learnedAtMs >= worthKeepingMs;
  }

  /** What the limiter is doing right now. */
  statistics(): AdaptiveLimiterStatistics {
    return Object.freeze({ ...this.#semaphore.statistics(), baseMs: this.#algorithm.baseMs });
  }

  #wrap(permit: Permit, inUse: number): Permit {
    const learn = this.#algorithm.granted(inUse);
    return new ReportedPermit((report) => {
      if (report !== undefined) this.#learnedAtMs = now();
      learn(report);
      // Before the permit is free: or it might be given to somebody for whom a lower limit has no room.
      if (this.#algorithm.limit !== this.#semaphore.limit) this.#semaphore.limit = this.#algorithm.limit;
      permit.release();
    });
  }
}

function makeAlgorithm(algorithm: "gradient" | "aimd", initial: number, range: LimitRange): LimitAlgorithm {
  switch (algorithm) {
    case "gradient":
      return new Gradient(initial, range);
    case "aimd":
      return new Aimd(initial, range);
    default:
      algorithm satisfies never;
      throw new TypeError(
        `Expected \`algorithm\` to be "gradient" or "aimd", got \`${String(algorithm)}\` (${typeof algorithm})`,
      );
  }
}
