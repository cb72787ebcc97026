import { type Limiter, type Permit, shield } from "../core/index.ts";
import { runWithPermit } from "./run-with-permit.ts";
import { Semaphore } from "./semaphore.ts";

/** Settings of a {@link Lock}. */
export interface LockOptions {
  /** For messages: what is locked. */
  readonly name?: string;
}

/** What a lock is doing. */
export interface LockStatistics {
  readonly isLocked: boolean;
  /** Callers waiting. */
  readonly waiting: number;
}

/**
 * Lets one holder in at a time, first come, first served. Not reentrant: a holder that asks again waits for itself.
 *
 * @example
 * ```ts
 * import { Lock, map, sleep } from "taskwright";
 *
 * const lock = new Lock();
 * let balance = 0;
 * const deposit = (amount: number) =>
 *   lock.run(async () => {
 *     const before = balance;
 *     await sleep(1);
 *     balance = before + amount;
 *   });
 * await map([1, 2, 3], deposit, { concurrency: 3 });
 * console.log(balance); // => 6
 * ```
 */
export class Lock implements Limiter {
  readonly #semaphore: Semaphore;
  /** The permit that is out. A {@link Condition} takes it back for the time of a wait. */
  #out: LockPermit | undefined = undefined;

  constructor(options: LockOptions = {}) {
    this.#semaphore = new Semaphore(1, { ...options, kind: "Lock" });
  }

  get isLocked(): boolean {
    return this.#semaphore.statistics().inUse > 0;
  }

  /**
   * Waits for the lock.
   *
   * Cancel: leaves the queue. A lock granted before is returned, and the next checkpoint throws.
   */
  async acquire(): Promise<Permit> {
    return this.#giveOut(await this.#semaphore.acquire());
  }

  tryAcquire(): Permit | undefined {
    const permit = this.#semaphore.tryAcquire();
    return permit && this.#giveOut(permit);
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  statistics(): LockStatistics {
    const { inUse, waiting } = this.#semaphore.statistics();
    return Object.freeze({ isLocked: inUse > 0, waiting });
  }

  /**
   * For conditions: lets go of the lock while `fn` waits, and has it again before this returns or throws, so that the
   * permit that is out stays good. Taking it back cannot be cancelled.
   *
   * @internal
   */
  async without<T>(fn: () => Promise<T>): Promise<T> {
    const out = this.#out;
    if (out === undefined)
      throw new Error("wait() was called without holding the lock: call it inside condition.run()");
    this.#out = undefined;
    out.inner!.release();
    try {
      return await fn();
    } finally {
      out.inner = await shield(() => this.#semaphore.acquire());
      this.#out = out;
    }
  }

  #giveOut(inner: Permit): LockPermit {
    return (this.#out = new LockPermit(inner, () => {
      this.#out = undefined;
    }));
  }
}

class LockPermit implements Permit {
  inner: Permit | undefined;
  readonly #onRelease: () => void;

  constructor(inner: Permit, onRelease: () => void) {
    this.inner = inner;
    this.#onRelease = onRelease;
  }

  release(): void {
    if (this.inner === undefined) throw new Error("This permit was released before");
    const { inner } = this;
    this.inner = undefined;
    this.#onRelease();
    inner.release();
  }

  report(): void {}

  [Symbol.dispose](): void {
    if (this.inner !== undefined) this.release();
  }
}
