import { realClock } from "./clock.ts";
import { hasWaits } from "./flows.ts";
import { drawTree } from "./report.ts";
import type { ScopeNode } from "./scope.ts";
import { rootsWithSignals } from "./signals.ts";
import { Timer } from "./timer-queue.ts";

/** Trees that keep the process alive until they have ended, or while something in them waits. */
const roots = new Map<ScopeNode, "until it ends" | "while it waits">();
const recheckMs = 1_000;
const recheck: Timer = new Timer(holdIfNeeded);
let isListening = false;

/**
 * Keeps the process alive for the tree of `root`.
 *
 * A pending promise alone does not: when no timer and no I/O is left, Node ends. That moment is also when a tree that
 * still waits is in a deadlock, so it is reported there.
 */
export function keepAlive(root: ScopeNode, how: "until it ends" | "while it waits"): void {
  roots.set(root, how);
  if (isListening) return;
  isListening = true;
  process.on("beforeExit", () => {
    const waiting = waitingRoots();
    if (waiting.length === 0) return;
    const stuck = waiting.filter((tree) => !waitsForSignal(tree));
    if (stuck.length > 0) {
      process.emitWarning(
        `everything waits, and no timer or I/O is pending that could end it. This looks like a deadlock:\n` +
          stuck.map(drawTree).join("\n"),
        { type: "TaskwrightWarning", code: "TASKWRIGHT_DEADLOCK" },
      );
    }
    holdIfNeeded();
  });
}

/** Whether the tree, or one that it is part of or that is part of it, waits in a `sleep(Infinity)` for Ctrl-C. */
function waitsForSignal(root: ScopeNode): boolean {
  return [...rootsWithSignals()].some(
    (signalled) =>
      (root.isWithin(signalled) || signalled.isWithin(root)) &&
      hasWaits(signalled, (wait) => wait.isEndless && isReached(wait.scope!, signalled)),
  );
}

/** Whether a cancellation of `outer` reaches `scope`, which is within it. */
function isReached(scope: ScopeNode, outer: ScopeNode): boolean {
  let around = scope;
  while (around !== outer && !around.isShield) around = around.parent!;
  return around === outer;
}

/** The tree has ended. */
export function letGo(root: ScopeNode): void {
  roots.delete(root);
  // Hardly ever: looking at all of them each time would be felt where very many run at once.
  if (recheck.isScheduled && waitingRoots().length === 0) recheck.cancel();
}

function holdIfNeeded(): void {
  if (waitingRoots().length > 0) realClock.schedule(realClock.now() + recheckMs, recheck);
}

function waitingRoots(): ScopeNode[] {
  return [...roots].filter(([root, how]) => how === "until it ends" || hasWaits(root)).map(([root]) => root);
}
