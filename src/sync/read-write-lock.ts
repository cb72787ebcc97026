import type { Permit } from "../core/index.ts";
import { Semaphore } from "./semaphore.ts";

/** What a read-write lock is doing. */
export interface ReadWriteLockStatistics {
  /** Readers that are in. */
  readonly readers: number;
  /** Whether a writer is in. */
  readonly isWriting: boolean;
  /** Callers waiting, for either. */
  readonly waiting: number;
}

/** A writer takes the whole limit of the semaphore underneath, a reader one of it. */
const all = 2 ** 31;

/**
 * Lets many readers in at a time, or one writer. First come, first served: a reader does not overtake a writer that
 * waits, so neither kind starves the other.
 *
 * @example
 * ```ts
 * import { ReadWriteLock } from "taskwright";
 *
 * const settings = new Map([["colour", "red"]]);
 * const lock = new ReadWriteLock();
 * await lock.runWrite(() => settings.set("colour", "blue"));
 * console.log(await lock.runRead(() => settings.get("colour"))); // => blue
 * ```
 */
export class ReadWriteLock {
  readonly #semaphore: Semaphore;

  /** @param options - `name`: for messages, what is locked */
  constructor(options: { readonly name?: string } = {}) {
    this.#semaphore = new Semaphore(all, { ...options, kind: "ReadWriteLock" });
  }

  /**
   * Waits until nobody writes.
   *
   * Cancel: leaves the queue.
   */
  acquireRead(): Promise<Permit> {
    return this.#semaphore.acquire();
  }

  /**
   * Waits until nobody reads or writes.
   *
   * Cancel: leaves the queue; readers behind it may go in.
   */
  acquireWrite(): Promise<Permit> {
    return this.#semaphore.acquire(all);
  }

  /**
   * Runs `fn` while nobody writes.
   *
   * Cancel: leaves the queue; `fn` meets the cancellation at its next checkpoint.
   */
  async runRead<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return holding(await this.acquireRead(), fn);
  }

  /**
   * Runs `fn` while nobody else reads or writes.
   *
   * Cancel: leaves the queue; `fn` meets the cancellation at its next checkpoint.
   */
  async runWrite<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return holding(await this.acquireWrite(), fn);
  }

  /** What the lock is doing right now. */
  statistics(): ReadWriteLockStatistics {
    const { inUse, waiting } = this.#semaphore.statistics();
    const isWriting = inUse === all;
    return Object.freeze({ readers: isWriting ? 0 : inUse, isWriting, waiting });
  }
}

async function holding<T>(permit: Permit, fn: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await fn();
  } finally {
    permit.release();
  }
}
