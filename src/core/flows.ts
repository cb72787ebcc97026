/**
 * Telling a tree that waits from one that works.
 *
 * Nobody can ask an async function what it awaits. But each scope counts the async functions started in it (`flows`),
 * and lists the waits of ours in it. Where a task has more flows than waits, something in it computes or awaits a
 * foreign promise. A task that awaits several of our waits at once may hide one foreign wait from this count.
 */
import type { ScopeNode } from "./scope.ts";
import type { Waiter } from "./waiter.ts";

/** The tasks below and including `top` in which something is not in one of our waits. */
export function busyTasks(top: ScopeNode, doesWaitCount: (wait: Waiter<unknown>) => boolean): ScopeNode[] {
  const busy: ScopeNode[] = [];
  const tasks = [top];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    // A scope that is no task has a flow passing through it, which its task counts.
    let flows = task.isTask || task.parent === null ? 0 : 1;
    const scopes = [task];
    for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
      flows += scope.flows;
      for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) if (doesWaitCount(wait)) flows--;
      for (let child = scope.firstChild; child !== null; child = child.nextSibling) {
        (child.isTask ? tasks : scopes).push(child);
      }
    }
    if (flows > 0) busy.push(task);
  }
  return busy;
}

/** The waits of ours that are pending below `top`. */
export function pendingWaits(top: ScopeNode): Waiter<unknown>[] {
  const waits: Waiter<unknown>[] = [];
  const scopes = [top];
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) waits.push(wait);
    for (let child = scope.firstChild; child !== null; child = child.nextSibling) scopes.push(child);
  }
  return waits;
}

/** Whether a wait of ours, of any kind or of that which is sought, is pending below `top`, other than those of daemons. */
export function hasWaits(top: ScopeNode, isSought: (wait: Waiter<unknown>) => boolean = () => true): boolean {
  const scopes = [top];
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) if (isSought(wait)) return true;
    for (let child = scope.firstChild; child !== null; child = child.nextSibling) {
      if (!child.isDaemon) scopes.push(child);
    }
  }
  return false;
}
