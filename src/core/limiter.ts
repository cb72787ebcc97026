/** How a piece of work went, for limiters that learn from it. */
export interface PermitReport {
  /** Whether it succeeded. */
  readonly ok: boolean;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** The right to do something, until it is released. `using permit = await limiter.acquire()` releases it by itself. */
export interface Permit extends Disposable {
  /**
   * Gives it back.
   *
   * @throws {Error} it was released before
   */
  release(): void;
  /**
   * Tells how the work went, before the release; the last report counts. Limiters that do not learn ignore it. Work of
   * which nothing can be told, because it was cancelled, is best not reported on.
   */
  report(report: PermitReport): void;
}

/** What everything that runs work takes: a semaphore, a rate limiter, or any other. */
export interface Limiter {
  /**
   * Waits for a permit.
   *
   * Cancel: leaves the queue. A permit granted before is returned, and the next checkpoint throws.
   *
   * @param n - weight: how much of the limit it takes, 1 or more; default 1
   */
  acquire(n?: number): Promise<Permit>;
  /** A permit if there is one now, or undefined. Never waits, and never overtakes somebody who does. */
  tryAcquire(n?: number): Permit | undefined;
  /**
   * Runs `fn` with a permit, reports how it went, and releases.
   *
   * Cancel: leaves the queue; `fn` meets the cancellation at its next checkpoint.
   */
  run<T>(fn: () => T | PromiseLike<T>): Promise<T>;
  /** Whether forgetting it and making a new one would change nothing, as a KeyedLimiter does. @default true */
  readonly isIdle?: boolean;
}
