import { constants } from "node:os";
import { realClock } from "./clock.ts";
import { formatMs } from "./errors.ts";
import { drawTree } from "./report.ts";
import type { ScopeNode } from "./scope.ts";
import { Timer } from "./timer-queue.ts";

type StopSignal = "SIGINT" | "SIGTERM";
const stopSignals = ["SIGINT", "SIGTERM"] as const;

/** The roots that signals cancel, each with its patience in milliseconds. */
const roots = new Map<ScopeNode, number>();
/** The signal that came first. From then on the process is on its way out. */
let received: StopSignal | undefined;
const grace: Timer = new Timer(giveUp);

/**
 * Has SIGINT and SIGTERM cancel the tree of `root`. When all such trees have ended, the process exits 130 or 143;
 * at a second signal, or `graceMs` after the first, it does so at once, and prints what would not stop.
 *
 * @returns to be called when the tree has ended, with the error it ended with
 */
export function cancelOnSignal(root: ScopeNode, graceMs: number): (error?: unknown) => void {
  // A run inside another is cancelled with that; if a shield protects it, it is there to clean up.
  for (let around = root.parent; around !== null; around = around.parent) if (roots.has(around)) return () => {};
  if (roots.size === 0) for (const signal of stopSignals) process.on(signal, onSignal);
  roots.set(root, graceMs);
  if (received !== undefined) root.cancel({ kind: "signal", signal: received });
  return (error) => {
    roots.delete(root);
    if (received !== undefined && error !== undefined) console.error(error);
    if (roots.size > 0) return;
    for (const signal of stopSignals) process.off(signal, onSignal);
    if (received !== undefined) exit(received);
  };
}

/** The roots that signals cancel. */
export function rootsWithSignals(): Iterable<ScopeNode> {
  return roots.keys();
}

function onSignal(signal: StopSignal): void {
  if (received !== undefined) return giveUp();
  received = signal;
  realClock.schedule(realClock.now() + Math.max(...roots.values()), grace);
  for (const root of roots.keys()) root.cancel({ kind: "signal", signal });
}

function giveUp(): void {
  const trees = [...roots.keys()].map(drawTree).join("\n");
  const patience = formatMs(Math.max(...roots.values()));
  console.error(
    `Stopped by ${received}, but these tasks did not end within ${patience} or before a second signal:\n${trees}`,
  );
  exit(received!);
}

function exit(signal: StopSignal): never {
  process.exit(128 + constants.signals[signal]);
}
