import type { Cancelled } from "./errors.ts";
import type { ScopeNode } from "./scope.ts";
import { watchForStuckTasks } from "./stuck.ts";
import { guardUnhandled } from "./unhandled.ts";
import type { Waiter } from "./waiter.ts";

/**
 * Carries a cancellation from `origin` into everything below it that no shield protects.
 *
 * In two steps: first the whole tree is marked, and only then are waits ended and signals aborted, because their
 * listeners may open and close scopes, and must already see every scope of the tree cancelled.
 */
export function cutOff(origin: ScopeNode, error: Cancelled): void {
  guardUnhandled();
  if (origin.stop === undefined) deliver(origin, error);
  watchForStuckTasks(origin);
}

function deliver(origin: ScopeNode, error: Cancelled): void {
  const waiters: Waiter<unknown>[] = [];
  const signalled: ScopeNode[] = [];
  for (let scope: ScopeNode | null = origin; scope !== null;) {
    const isReached = scope.stop === undefined && (scope === origin || !scope.isShield);
    if (isReached) {
      scope.stop = error;
      if (scope.hasSignal) signalled.push(scope);
      for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) waiters.push(wait);
    }
    scope = next(scope, origin, isReached);
  }
  for (const scope of signalled) scope.abortSignal(error);
  // Scopes list what is newest first; who has waited longest goes on first.
  for (let waiter = waiters.pop(); waiter !== undefined; waiter = waiters.pop()) waiter.cut(error);
}

/** The scope after `scope` on a walk through the tree below `origin`, depth first. */
function next(scope: ScopeNode, origin: ScopeNode, descend: boolean): ScopeNode | null {
  if (descend && scope.firstChild !== null) return scope.firstChild;
  for (let at = scope; at !== origin; at = at.parent!) {
    if (at.nextSibling !== null) return at.nextSibling;
  }
  return null;
}
