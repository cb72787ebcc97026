import {
  type Limiter,
  type Permit,
  type ScopeNode,
  type Waiter,
  bindToRoot,
  currentScope,
  shield,
} from "../core/index.ts";
import { runWithPermit } from "./run-with-permit.ts";
import { Semaphore } from "./semaphore.ts";

/** Settings of a {@link Lock}. */
export interface LockOptions {
  /** For messages: what is locked. */
  readonly name?: string;
}

/** What a lock is doing. */
export interface LockStatistics {
  /** Whether somebody holds it. */
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
  /** The permit that is out. While a holder waits at a {@link Condition} its permit is not, but another may be. */
  #out: LockPermit | undefined = undefined;

  constructor(options: LockOptions = {}) {
    this.#semaphore = new Semaphore(1, { ...options, kind: "Lock" });
  }

  /** Whether somebody holds it. */
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

  /** What the lock is doing right now. */
  statistics(): LockStatistics {
    const { inUse, waiting } = this.#semaphore.statistics();
    return Object.freeze({ isLocked: inUse > 0, waiting });
  }

  /**
   * For conditions: refuses a wait in code that does not hold the lock. A task may hold it for the tasks in it.
   *
   * @internal
   */
  expectHeld(): void {
    const holder = this.#out && taskOf(this.#out.scope);
    // A permit that has outlived the task that asked for it was handed on.
    if (holder !== undefined && (holder.isClosed || currentScope().isWithin(holder))) return;
    throw new Error("wait() was called without holding the lock: call it inside condition.run()");
  }

  /**
   * For conditions: lets go of the lock until `wait` is over, and has it again before this returns or throws, so that
   * the permit that is out stays good. Taking it back cannot be cancelled.
   *
   * @internal
   */
  async lendDuring(wait: Waiter<void>): Promise<void> {
    const permit = this.#out!;
    this.#out = undefined;
    permit.lend(wait);
    try {
      await wait.promise;
    } finally {
      if (permit.isLent) await this.#takeBack(permit);
    }
  }

  async #takeBack(permit: LockPermit): Promise<void> {
    const inner = await this.#acquireSurely();
    if (permit.isLent) {
      permit.giveBack(inner);
      this.#out = permit;
    } else {
      inner.release();
      throw releasedMeanwhile();
    }
  }

  /** Also for code that outlives its scope: it goes on where it relies on the lock. */
  async #acquireSurely(): Promise<Permit> {
    try {
      return await shield(() => this.#semaphore.acquire());
    } catch {
      return bindToRoot(() => this.#semaphore.acquire())();
    }
  }

  #giveOut(inner: Permit): LockPermit {
    const permit = new LockPermit(inner, currentScope(), () => {
      if (this.#out === permit) this.#out = undefined;
    });
    this.#out = permit;
    return permit;
  }
}

/**
 * The right to hold a lock.
 *
 *     held ── its holder waits at a condition ──> lent ── the wait is over, and the lock is free ──> held
 *       └──────────────── release() ───────────────┴──> released
 */
class LockPermit implements Permit {
  /** The scope that asked for it. */
  readonly scope: ScopeNode;
  readonly #onRelease: () => void;
  /** What the semaphore gave, while held. */
  #inner: Permit | undefined;
  /** What it is lent for, while lent. */
  #wait: Waiter<void> | undefined = undefined;

  constructor(inner: Permit, scope: ScopeNode, onRelease: () => void) {
    this.#inner = inner;
    this.scope = scope;
    this.#onRelease = onRelease;
  }

  get isLent(): boolean {
    return this.#wait !== undefined;
  }

  lend(wait: Waiter<void>): void {
    const inner = this.#inner!;
    this.#inner = undefined;
    this.#wait = wait;
    inner.release();
  }

  giveBack(inner: Permit): void {
    this.#inner = inner;
    this.#wait = undefined;
  }

  release(): void {
    const inner = this.#inner;
    const wait = this.#wait;
    if (inner === undefined && wait === undefined) throw new Error("This permit was released before");
    this.#inner = undefined;
    this.#wait = undefined;
    this.#onRelease();
    inner?.release();
    wait?.cut(releasedMeanwhile());
  }

  report(): void {}

  [Symbol.dispose](): void {
    if (this.#inner !== undefined || this.#wait !== undefined) this.release();
  }
}

function releasedMeanwhile(): Error {
  return new Error("The lock was released while wait() waited: await it, and give up with moveOnAfter() or timeout()");
}

function taskOf(scope: ScopeNode): ScopeNode {
  let at = scope;
  while (!at.isTask && at.parent !== null) at = at.parent;
  return at;
}
