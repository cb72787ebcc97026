import { LinkedList, QueuedWaiter, checkedScope, expectInteger } from "../core/index.ts";
import { Lock } from "./lock.ts";

class ConditionWaiter extends QueuedWaiter<void> {
  describe(): string {
    return "Condition to be notified";
  }
}

/** What a condition is doing. */
export interface ConditionStatistics {
  /** Callers waiting to be notified. */
  readonly waiting: number;
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

  /** Runs `fn` with the lock. */
  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#lock.run(fn);
  }

  /**
   * Lets go of the lock, waits to be notified, and takes the lock back. Only inside {@link run}.
   *
   * Cancel: stops waiting, but takes the lock back first, however long that is. A waiter that had been notified before
   * returns, and the next checkpoint throws: the notification is not lost.
   */
  async wait(): Promise<void> {
    checkedScope();
    await this.#lock.without(() => {
      const waiter = new ConditionWaiter(checkedScope());
      this.#waiting.push(waiter);
      return waiter.promise;
    });
  }

  /**
   * Waits until `predicate` is true; not at all if it is. Only inside {@link run}.
   *
   * Cancel: as {@link wait}.
   */
  async waitFor(predicate: () => boolean): Promise<void> {
    while (!predicate()) await this.wait();
  }

  /** Wakes `n` of those who wait, longest first. Those who were cancelled do not count. */
  notify(n = 1): void {
    expectInteger("n", n, 0);
    for (let count = 0; count < n; count++) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) return;
      waiter.resolve();
    }
  }

  /** Wakes all who wait. */
  notifyAll(): void {
    this.notify(Infinity);
  }

  statistics(): ConditionStatistics {
    return Object.freeze({ waiting: this.#waiting.size, isLocked: this.#lock.isLocked });
  }
}
