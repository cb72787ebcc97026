import {
  LinkedList,
  type Limiter,
  type Permit,
  QueuedWaiter,
  type ScopeNode,
  Timer,
  arrive,
  expectInteger,
  expectMs,
  grant,
  now,
  refuse,
} from "../core/index.ts";
import { OncePermit } from "./internal/once-permit.ts";
import type { RateAlgorithm } from "./internal/rate-algorithm.ts";
import { SlidingWindow } from "./internal/sliding-window.ts";
import { TokenBucket } from "./internal/token-bucket.ts";
import { runWithPermit } from "./run-with-permit.ts";

/** Settings of a {@link RateLimiter}. */
export interface RateLimiterOptions {
  /** The weight let through in each `perMs`; 1 or more, `Infinity` for no limit. */
  readonly limit: number;
  /** The time that `limit` is for, in milliseconds; 1 or more. */
  readonly perMs: number;
  /**
   * For the token bucket: the weight that may go at once after a pause; 1 or more. With 1 permits come evenly, and as
   * timers are a little late, a little less often than allowed: above some hundred a second, leave some room.
   * @default limit
   */
  readonly burst?: number;
  /**
   * `"token-bucket"`: what may pass grows evenly, up to `burst`; in any time of `t` at most `burst` and what grows in `t`.
   * `"sliding-window"`: at most `limit` in any `perMs`, as strict services count.
   * @default "token-bucket"
   */
  readonly algorithm?: "token-bucket" | "sliding-window";
  /** For messages: what is limited. */
  readonly name?: string;
}

/** What a rate limiter is doing. */
export interface RateLimiterStatistics {
  /** The weight let through in each `perMs`. */
  readonly limit: number;
  /** The time that `limit` is for, in milliseconds. */
  readonly perMs: number;
  /** The weight that could pass now, if nobody waited. */
  readonly available: number;
  /** Callers waiting. */
  readonly waiting: number;
  /** How long it is paused for, in milliseconds; 0 if it is not. */
  readonly pausedMs: number;
}

/**
 * Lets so much through in a time, first come, first served. A permit is used up when it is given: releasing it gives
 * nothing back.
 *
 * @example
 * ```ts
 * import { RateLimiter, map, now } from "taskwright";
 * import { withVirtualTime } from "taskwright/testing";
 *
 * const times = await withVirtualTime(() => {
 *   const limiter = new RateLimiter({ limit: 2, perMs: 1_000, burst: 1 });
 *   return map([1, 2, 3], () => now(), { limiter });
 * });
 * console.log(times.join()); // => 0,500,1000
 * ```
 */
export class RateLimiter implements Limiter {
  readonly #perMs: number;
  readonly #initialLimit: number;
  readonly #label: string;
  readonly #algorithm: RateAlgorithm;
  readonly #waiting = new LinkedList<RateWaiter>();
  /** Fires when the first in the queue may pass. */
  readonly #timer: Timer = new Timer(() => this.#letIn());
  #limit: number;
  #pausedUntilMs = -Infinity;

  constructor(options: RateLimiterOptions) {
    const { limit, perMs, burst, algorithm = "token-bucket", name } = options;
    expectInteger("limit", limit, 1);
    expectMs("perMs", perMs, 1);
    if (perMs === Infinity) throw new RangeError("Expected `perMs` to be finite, got `Infinity` (number)");
    if (burst !== undefined) expectInteger("burst", burst, 1);
    this.#limit = limit;
    this.#initialLimit = limit;
    this.#perMs = perMs;
    this.#label = name === undefined ? "RateLimiter" : `RateLimiter "${name}"`;
    this.#algorithm = makeAlgorithm(algorithm, limit, perMs, burst);
  }

  /** The weight let through in each `perMs`. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Holds from now on, for those who wait too. One of them whose weight is more than may now ever pass at once goes
   * alone, when all that counted before it does so no more.
   */
  set limit(limit: number) {
    expectInteger("limit", limit, 1);
    this.#limit = limit;
    this.#algorithm.setLimit(limit, now());
    this.#letIn();
  }

  /**
   * Waits for a permit.
   *
   * Cancel: leaves the queue, and nothing is used up. A permit granted before is returned, and the next checkpoint
   * throws.
   *
   * @param n - weight: how much of the limit it takes, 1 or more; default 1
   * @throws {RangeError} `n` is more than can ever pass at once: `burst`, or the limit of the window
   */
  acquire(n = 1): Promise<Permit> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    try {
      this.#checkWeight(n);
    } catch (error) {
      return Promise.reject(error);
    }
    const { clock } = scope.tree;
    const permit = this.#takeNow(n, clock.now());
    if (permit !== undefined) return grant(scope, permit);
    const waiter = new RateWaiter(scope, this, n);
    this.#waiting.push(waiter);
    if (this.#waiting.head === waiter) this.#letIn();
    return waiter.promise;
  }

  tryAcquire(n = 1): Permit | undefined {
    this.#checkWeight(n);
    return this.#takeNow(n, now());
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  /**
   * Lets nothing through for a while: what a server asks for with `Retry-After`. A pause that lasts longer stays. What
   * may pass afterwards goes on growing meanwhile.
   *
   * @param ms - milliseconds from now, 0 or more
   */
  pause(ms: number): void {
    expectMs("ms", ms, 0);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now() + ms);
    this.#letIn();
  }

  /** Whether nobody waits, and all that may ever pass at once may pass now. */
  get isIdle(): boolean {
    if (this.#waiting.size > 0 || this.#limit !== this.#initialLimit) return false;
    const nowMs = now();
    return this.#pausedUntilMs <= nowMs && this.#algorithm.available(nowMs) === this.#algorithm.largest;
  }

  /** What the limiter is doing right now. */
  statistics(): RateLimiterStatistics {
    const nowMs = now();
    const pausedMs = Math.max(0, this.#pausedUntilMs - nowMs);
    return Object.freeze({
      limit: this.#limit,
      perMs: this.#perMs,
      available: pausedMs > 0 ? 0 : this.#algorithm.available(nowMs),
      waiting: this.#waiting.size,
      pausedMs,
    });
  }

  /** @internal A waiter was cancelled: the ones behind it may now pass. */
  withdraw(waiter: RateWaiter): void {
    const wasFirst = this.#waiting.head === waiter;
    this.#waiting.remove(waiter);
    if (wasFirst) this.#letIn();
  }

  /** @internal */
  describeWait(waiter: RateWaiter): string {
    const place = [...this.#waiting].indexOf(waiter) + 1;
    return `${this.#label}, place ${place} of ${this.#waiting.size}`;
  }

  #takeNow(n: number, nowMs: number): Permit | undefined {
    return this.#waiting.head === null && this.#readyAtMs(n, nowMs) <= nowMs ? this.#take(n, nowMs) : undefined;
  }

  #letIn(): void {
    this.#timer.cancel();
    for (let first = this.#waiting.head; first !== null; first = this.#waiting.head) {
      // It withdraws within this turn, and calls here again.
      if (first.isLeaving) return;
      const nowMs = first.clock.now();
      const readyAtMs = this.#readyAtMs(first.n, nowMs);
      if (readyAtMs > nowMs) return first.clock.schedule(readyAtMs, this.#timer);
      this.#waiting.remove(first);
      first.resolve(this.#take(first.n, nowMs));
    }
  }

  #readyAtMs(n: number, nowMs: number): number {
    return Math.max(this.#pausedUntilMs, this.#algorithm.readyAtMs(n, nowMs));
  }

  #take(n: number, nowMs: number): Permit {
    const undo = this.#algorithm.take(n, nowMs);
    return new RatePermit(() => {
      undo(now());
      this.#letIn();
    });
  }

  #checkWeight(n: number): void {
    expectInteger("n", n, 1);
    if (n === Infinity) throw new RangeError("Expected `n` to be finite, got `Infinity` (number)");
    const { largest } = this.#algorithm;
    if (n > largest) {
      throw new RangeError(`Expected \`n\` to be at most ${largest}, got \`${n}\` (number): it would wait for ever`);
    }
  }
}

function makeAlgorithm(
  algorithm: "token-bucket" | "sliding-window",
  limit: number,
  perMs: number,
  burst: number | undefined,
): RateAlgorithm {
  switch (algorithm) {
    case "token-bucket":
      return new TokenBucket(limit, perMs, burst);
    case "sliding-window":
      if (burst !== undefined) throw new TypeError("`burst` is for the token bucket: a sliding window has none");
      return new SlidingWindow(limit, perMs);
    default:
      algorithm satisfies never;
      throw new TypeError(
        `Expected \`algorithm\` to be "token-bucket" or "sliding-window", got \`${String(algorithm)}\` (${typeof algorithm})`,
      );
  }
}

class RateWaiter extends QueuedWaiter<Permit> {
  readonly n: number;
  readonly clock: ScopeNode["tree"]["clock"];
  readonly #limiter: RateLimiter;

  constructor(scope: ScopeNode, limiter: RateLimiter, n: number) {
    super(scope);
    this.n = n;
    this.clock = scope.tree.clock;
    this.#limiter = limiter;
  }

  protected override leave(): void {
    this.#limiter.withdraw(this);
  }

  describe(): string {
    return this.#limiter.describeWait(this);
  }
}

/** Used up when it was given: only if nothing was done with it, there is something to give back. */
class RatePermit extends OncePermit {
  readonly #undo: () => void;

  constructor(undo: () => void) {
    super();
    this.#undo = undo;
  }

  protected override giveBack(): void {}

  protected override giveBackUnused(): void {
    this.#undo();
  }
}
