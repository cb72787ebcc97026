import {
  type Clock,
  type Scope,
  type ScopeNode,
  type Timed,
  Timer,
  TimerQueue,
  afterThisTurn,
  busyTasks,
  isTurnPending,
  openTree,
  realClock,
  runTree,
} from "../core/index.ts";

/** How often a tree that waits for something foreign is looked at before the looking slows down. */
const eagerLooks = 100;

/** A clock that stands still while anything works, and jumps to the next deadline when everything waits. */
class VirtualClock implements Clock {
  root: ScopeNode | undefined;
  readonly #timers = new TimerQueue(() => {});
  readonly #lookLater: Timer = new Timer(() => this.#lookAfterTurn());
  #nowMs = 0;
  #isLooking = false;
  #fruitlessLooks = 0;

  now(): number {
    return this.#nowMs;
  }

  schedule(atMs: number, timer: Timed): void {
    if (atMs === Infinity) return;
    this.#timers.add(atMs, timer);
    if (!this.#isLooking) this.#lookAfterTurn();
  }

  #lookAfterTurn(): void {
    this.#isLooking = true;
    afterThisTurn(this);
  }

  /** The loop has turned: whatever could run without time passing has run. */
  resume(): void {
    this.#isLooking = false;
    const dueMs = this.#timers.nextDueMs();
    if (dueMs === undefined) return;
    if (isTurnPending() || busyTasks(this.root!, (wait) => !wait.isExternal).length > 0) return this.#lookAgain();
    this.#fruitlessLooks = 0;
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    this.#timers.fireDue(this.#nowMs);
    if (this.#timers.size > 0 && !this.#isLooking) this.#lookAfterTurn();
  }

  #lookAgain(): void {
    if (++this.#fruitlessLooks < eagerLooks) return this.#lookAfterTurn();
    this.#isLooking = true;
    realClock.schedule(realClock.now() + 1, this.#lookLater);
  }
}

/**
 * Runs `fn` as a task tree with a clock of its own: time jumps to the next deadline as soon as every task waits.
 *
 * `sleep`, `timeout`, deadlines, retries: one clock rules them all, so an hour takes no time, and always happens in
 * the same order. While a task computes, or waits for something foreign such as a socket, time stands still.
 *
 * @returns what `fn` returns
 *
 * @example
 * ```ts
 * import { now, sleep } from "taskwright";
 * import { withVirtualTime } from "taskwright/testing";
 *
 * const passedMs = await withVirtualTime(async () => {
 *   const startedMs = now();
 *   await sleep(3_600_000);
 *   return now() - startedMs;
 * });
 * console.log(passedMs); // => 3600000
 * ```
 */
export async function withVirtualTime<T>(fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  const clock = new VirtualClock();
  const tree = openTree(clock, "withVirtualTime");
  clock.root = tree.root;
  return runTree(tree, fn);
}
