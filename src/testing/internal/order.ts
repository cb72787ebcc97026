import type { ScopeNode } from "../../core/index.ts";
import { Random } from "./random.ts";

/** A wait that is over, and whose code has not gone on yet. */
export interface Ready {
  readonly scope: ScopeNode;
  goOn(): void;
}

/** Which of several that could go on does so next. */
export interface Order {
  /**
   * @param ready - those that could, in the order in which they became ready
   * @param hasDue - whether a timer is due, too
   * @returns the place in `ready`; `ready.length` for the timer
   */
  next(ready: readonly Ready[], hasDue: boolean): number;
  /** Which of `count` timers of one millisecond fires first. */
  timer(count: number): number;
}

/** As they come: timers last, so that what one has woken goes on before the next fires. */
export const inOrder: Order = {
  next: () => 0,
  timer: () => 0,
};

/** How often a task that is ahead falls behind, where tasks have ranks: once in so many steps. */
const stepsInRank = 20;

/**
 * An order that follows from a seed.
 *
 * Seeds take turns at two ways of choosing. Odd ones choose any. Even ones give each task a rank and choose the highest,
 * so that some tasks get far ahead of others, which a fair choice at each step all but never does.
 */
export class SeededOrder implements Order {
  readonly #random: Random;
  readonly #isRanked: boolean;
  readonly #ranks = new WeakMap<ScopeNode, number>();
  #timerRank: number;
  /** Of all choices so far: equal for equal orders. */
  trace = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#isRanked = seed % 2 === 0;
    this.#timerRank = this.#random.fraction();
  }

  next(ready: readonly Ready[], hasDue: boolean): number {
    const count = ready.length + (hasDue ? 1 : 0);
    if (count === 1) return 0;
    const chosen = this.#isRanked ? this.#highest(ready, hasDue) : this.#random.below(count);
    this.#note(chosen, count);
    return chosen;
  }

  timer(count: number): number {
    if (count === 1) return 0;
    const chosen = this.#random.below(count);
    this.#note(chosen, count);
    return chosen;
  }

  #highest(ready: readonly Ready[], hasDue: boolean): number {
    let best = hasDue ? ready.length : 0;
    let bestRank = hasDue ? this.#timerRank : -1;
    for (const [place, { scope }] of ready.entries()) {
      const rank = this.#rankOf(taskOf(scope));
      if (rank > bestRank) [best, bestRank] = [place, rank];
    }
    if (this.#random.below(stepsInRank) === 0) this.#fallBehind(ready[best]?.scope);
    return best;
  }

  #rankOf(task: ScopeNode): number {
    let rank = this.#ranks.get(task);
    if (rank === undefined) this.#ranks.set(task, (rank = this.#random.fraction()));
    return rank;
  }

  #fallBehind(scope: ScopeNode | undefined): void {
    const rank = this.#random.fraction() / 10;
    if (scope === undefined) this.#timerRank = rank;
    else this.#ranks.set(taskOf(scope), rank);
  }

  #note(chosen: number, count: number): void {
    this.trace = (Math.imul(this.trace ^ (chosen * 64 + count), 0x01000193) + 1) >>> 0;
  }
}

/** The task that the code of `scope` belongs to; the root for code outside any. */
export function taskOf(scope: ScopeNode): ScopeNode {
  let task = scope;
  while (!task.isTask && task.parent !== null) task = task.parent;
  return task;
}
