import { afterThisTurn, realClock, turn } from "./clock.ts";
import { arrive, refuse } from "./current.ts";
import { formatMs } from "./errors.ts";
import { expectMs } from "./expect.ts";
import { grant } from "./grant.ts";
import type { ScopeNode } from "./scope.ts";
import { dueMsOf, unschedule } from "./timer-queue.ts";
import { Waiter } from "./waiter.ts";

class Sleep extends Waiter<void> {
  constructor(scope: ScopeNode, ms: number) {
    super(scope);
    const { clock } = scope.tree;
    clock.schedule(clock.now() + ms, this);
  }

  fire(): void {
    this.resolve();
  }

  override get isEndless(): boolean {
    return dueMsOf(this) === undefined;
  }

  protected override leave(): void {
    unschedule(this);
  }

  describe(): string {
    const dueMs = dueMsOf(this);
    if (dueMs === undefined) return "sleep without end";
    return `sleep, ${formatMs(Math.max(0, dueMs - this.scope!.tree.clock.now()))} left`;
  }
}

class Yield extends Waiter<void> {
  override get isExternal(): boolean {
    return true;
  }

  override get isYielding(): boolean {
    return true;
  }

  resume(): void {
    this.resolve();
  }

  protected override leave(): void {}

  describe(): string {
    return "its turn";
  }
}

/**
 * Waits at least `ms` milliseconds.
 *
 * Cancel: rejects at once; no timer is left behind.
 *
 * @param ms - milliseconds, 0 or more; 0 still lets other tasks run; `Infinity` waits until cancelled
 * @throws {RangeError} `ms` is negative or NaN
 */
export function sleep(ms: number): Promise<void> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  try {
    expectMs("ms", ms, 0);
  } catch (error) {
    return Promise.reject(error);
  }
  return ms === 0 ? yieldTurn(scope) : new Sleep(scope, ms).promise;
}

/**
 * Lets other tasks and I/O run once, and throws if the scope is cancelled.
 *
 * Cancel: rejects at once.
 */
export function checkpoint(): Promise<void> {
  const scope = arrive();
  return scope.stop === undefined ? yieldTurn(scope) : refuse(scope);
}

/** How long computing may hold the loop before `breathe` gives way, in milliseconds. */
const breathAfterMs = 10;

/**
 * For long computations: lets others run if the loop has been held for more than 10 ms, and otherwise costs next to
 * nothing. Measured from the last time one of our waits woke up.
 *
 * Cancel: throws if the scope is cancelled, whether it gives way or not.
 */
export function breathe(): Promise<void> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  if (scope.tree.conductor !== undefined) return grant(scope, undefined);
  if (realClock.now() - turn.startedMs < breathAfterMs) return nothing;
  return yieldTurn(scope);
}

const nothing = Promise.resolve();

function yieldTurn(scope: ScopeNode): Promise<void> {
  const wait = new Yield(scope);
  const { conductor } = scope.tree;
  if (conductor === undefined) afterThisTurn(wait);
  else conductor.wake(scope, () => wait.resume());
  return wait.promise;
}
