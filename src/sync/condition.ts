import { LinkedList, QueuedWaiter, type ScopeNode, arrive, expectInteger, stopError, takeAll } from "../core/index.ts";
import { Lock } from "./lock.ts";

class ConditionWaiter extends QueuedWaiter<void> {
  wasNotified = false;

  describe(): string {
    return "Condition to be notified";
  }
}

/** What a condition is doing. */
export interface ConditionStatistics {
  /** Callers waiting to be notified. */
  readonly waiting: number;
  /** Whether somebody holds the lock. */
  readonly isLocked: boolean;
}

/**
 * A lock, and a place to wait inside it until something has changed.
 *
 * @example
 * ```ts
 * import { Condition, taskGroup } from "taskwright";
 *
 * const changed = new Condition();
 * let stock = 0;
 * await taskGroup((group) => {
 *   group.spawn(() =>
 *     changed.run(async () => {
 *       await changed.waitFor(() => stock >= 2);
 *       console.log(stock); // => 2
 *     }),
 *   );
 *   group.spawn(() =>
 *     changed.run(() => {
 *       stock = 2;
 *       changed.notify();
 *     }),
 *   );
 * });
 * ```
 */
export class Condition {
  readonly #lock: Lock;
  readonly #waiting = new LinkedList<ConditionWaiter>();

  /** @param lock - may be shared by several conditions */
  constructor(lock: Lock = new Lock()) {
    this.#lock = lock;
  }

  /**
   * Runs `fn` with the lock.
   *
   * Cancel: leaves the queue for the lock; `fn` meets the cancellation at its next checkpoint.
   */
  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#lock.run(fn);
  }

  /**
   * Lets go of the lock, waits to be notified, and takes the lock back. Only inside {@link run}.
   *
   * Cancel: stops waiting, but takes the lock back first, however long that is. A waiter that had been notified before
   * returns, and the next checkpoint throws: the notification is not lost.
   *
   * @throws {Error} the running task does not hold the lock, or released it meanwhile
   */
  async wait(): Promise<void> {
    const waiter = new ConditionWaiter(this.#arrive());
    this.#waiting.push(waiter);
    try {
      await this.#lock.lendDuring(waiter);
    } catch (error) {
      // Who cannot have the lock back, because it was released or the run is over, leaves the notification to others.
      if (waiter.wasNotified) this.notify();
      throw error;
    }
  }

  /**
   * Waits until `predicate` is true; not at all if it is. Only inside {@link run}.
   *
   * Cancel: as {@link wait}.
   *
   * @throws {Error} as {@link wait}
   */
  async waitFor(predicate: () => boolean): Promise<void> {
    this.#arrive();
    while (!predicate()) await this.wait();
  }

  /** Wakes `n` of those who wait, longest first. Those who were cancelled do not count. */
  notify(n = 1): void {
    expectInteger("n", n, 0);
    for (const waiter of takeAll(this.#waiting, n)) {
      waiter.wasNotified = true;
      waiter.resolve();
    }
  }

  /** Wakes all who wait. */
  notifyAll(): void {
    this.notify(Infinity);
  }

  /** What the condition is doing right now. */
  statistics(): ConditionStatistics {
    return Object.freeze({ waiting: this.#waiting.size, isLocked: this.#lock.isLocked });
  }

  /** The scope of the running code, which holds the lock and may wait. */
  #arrive(): ScopeNode {
    const scope = arrive(this);
    if (scope.stop !== undefined) throw stopError(scope);
    this.#lock.expectHeld();
    return scope;
  }
}
