import type { Clock } from "./clock.ts";
import type { ScopeNode } from "./scope.ts";
import type { Waiter } from "./waiter.ts";

/** Decides in which order waits that are over go on. Only under test: otherwise they go on as they come. */
export interface Conductor {
  /** A wait in `scope` is over, or there was no need to wait. Calls `goOn` when it is its turn. */
  wake(scope: ScopeNode, goOn: () => void): void;
}

/** Something that tasks share, and that says what it is doing: a semaphore, a queue. */
export interface Shared {
  /** What it is called in messages, if it is not the name of its class. */
  readonly label?: string;
  statistics(): object;
}

/** Sees what happens in a tree. Only under test. */
export interface Probe {
  /** A checkpoint is reached: before it is asked whether the scope may wait. `at`: what may be waited for. */
  arrived(scope: ScopeNode, at: Shared | undefined): void;
  /** Somebody has asked for the signal of a scope. */
  signalMade(scope: ScopeNode, signal: AbortSignal): void;
  /** A scope ends while something is left in it that nobody awaits: a wait, or a scope. */
  leftBehind(scope: ScopeNode, what: ScopeNode | Waiter<unknown>): void;
}

/** A foreign promise that a cancelled scope stopped waiting for. */
export interface Straggler {
  /** The scope that waited. */
  readonly scope: string;
  /** When it was given up, in milliseconds of the tree's clock. */
  readonly sinceMs: number;
  /** The tree has ended, and wants to hear no more of it. */
  release(): void;
}

/** What all scopes of one tree share. */
export class Tree {
  readonly clock: Clock;
  /** The outermost scope. Set once, right after construction. */
  root!: ScopeNode;
  /** Foreign promises nobody waits for any more, until they settle or the tree ends. */
  readonly stragglers: Set<Straggler> = new Set();
  hasEnded = false;
  /** Set while schedules are explored. */
  conductor: Conductor | undefined = undefined;
  /** Set while cancellation is swept, or leaks are looked for. */
  probe: Probe | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Lets go of what outlives it. */
  end(): void {
    this.hasEnded = true;
    for (const straggler of this.stragglers) straggler.release();
    this.stragglers.clear();
  }
}
