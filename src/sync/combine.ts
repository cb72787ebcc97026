import type { Limiter, Permit, PermitReport } from "../core/index.ts";
import { OncePermit, discard } from "./internal/once-permit.ts";
import { runWithPermit } from "./run-with-permit.ts";

/**
 * One limiter out of several: a permit of it is a permit of each, all or none.
 *
 * They are asked in the order given, and what one gave is held while the next is waited for. So a limit of how much runs
 * at once comes first, and what must hold when the work starts comes last: a rate, then a circuit breaker. Limiters that
 * are combined more than once are given in the same order each time, or two callers may wait for each other.
 *
 * Permits are released in reverse order, and hand on reports to each. Where the last of them is not to be had, because
 * the wait was cancelled or a circuit is open, the others are given back as if they had not been taken: a rate limiter
 * too is told that nothing passed.
 *
 * @param limiters - one or more; each must take whatever weight is asked for
 * @throws {TypeError} there are none
 *
 * @example
 * ```ts
 * import { RateLimiter, Semaphore, combine } from "taskwright";
 *
 * const connections = new Semaphore(10);
 * const polite = combine(connections, new RateLimiter({ limit: 100, perMs: 1_000 }));
 * await polite.run(() => console.log(connections.statistics().inUse)); // => 1
 * ```
 */
export function combine(...limiters: readonly Limiter[]): Limiter {
  if (limiters.length === 0) throw new TypeError("Expected `limiters` to be one limiter or more, got none");
  return new Combined(limiters);
}

class Combined implements Limiter {
  readonly #limiters: readonly Limiter[];

  constructor(limiters: readonly Limiter[]) {
    this.#limiters = limiters;
  }

  async acquire(n?: number): Promise<Permit> {
    using taken = new Taken();
    for (const limiter of this.#limiters) taken.add(await limiter.acquire(n));
    return taken.keep();
  }

  tryAcquire(n?: number): Permit | undefined {
    using taken = new Taken();
    for (const limiter of this.#limiters) {
      const permit = limiter.tryAcquire(n);
      if (permit === undefined) return undefined;
      taken.add(permit);
    }
    return taken.keep();
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  get isIdle(): boolean {
    return this.#limiters.every((limiter) => limiter.isIdle ?? true);
  }
}

/** Permits taken so far. Gives them back unless they are kept. */
class Taken implements Disposable {
  #permits: Permit[] = [];

  add(permit: Permit): void {
    this.#permits.push(permit);
  }

  keep(): Permit {
    const permits = this.#permits;
    this.#permits = [];
    return new CombinedPermit(permits);
  }

  [Symbol.dispose](): void {
    forEachBackwards(this.#permits, discard);
  }
}

class CombinedPermit extends OncePermit {
  readonly #permits: readonly Permit[];

  constructor(permits: readonly Permit[]) {
    super();
    this.#permits = permits;
  }

  override report(report: PermitReport): void {
    for (const permit of this.#permits) permit.report(report);
  }

  protected override giveBack(): void {
    forEachBackwards(this.#permits, (permit) => permit.release());
  }

  protected override giveBackUnused(): void {
    forEachBackwards(this.#permits, discard);
  }
}

/** All of them, whichever throws. */
function forEachBackwards(permits: readonly Permit[], give: (permit: Permit) => void): void {
  using stack = new DisposableStack();
  for (const permit of permits) stack.adopt(permit, give);
}
