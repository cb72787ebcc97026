import type { Clock } from "./clock.ts";
import type { ScopeNode } from "./scope.ts";

/** Decides in which order waits that are ready go on. Only under test: otherwise they go on as they become ready. */
export interface Conductor {
  wake(goOn: () => void): void;
}

/** A foreign promise that a cancelled scope stopped waiting for. */
export interface Straggler {
  /** The scope that waited. */
  readonly scope: string;
  /** When it was given up, in milliseconds of the tree's clock. */
  readonly sinceMs: number;
}

/** What all scopes of one tree share. */
export class Tree {
  readonly clock: Clock;
  /** The outermost scope. Set once, right after construction. */
  root!: ScopeNode;
  /** Foreign promises nobody waits for any more, until they settle. */
  readonly stragglers: Set<Straggler> = new Set();
  /** Set while schedules are explored. */
  conductor: Conductor | undefined = undefined;
  /** Called at every checkpoint, while cancellation is swept. */
  probe: ((scope: ScopeNode) => void) | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }
}
