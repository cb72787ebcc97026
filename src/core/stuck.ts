import { callSite } from "./call-site.ts";
import { afterThisTurn } from "./clock.ts";
import { formatMs } from "./errors.ts";
import { busyTasks } from "./flows.ts";
import { describeReason } from "./reason.ts";
import { drawTreeAs, pathOf } from "./report.ts";
import type { ScopeNode } from "./scope.ts";
import type { TaskNode } from "./task.ts";

/** How long a cancelled scope may take before somebody should know. */
const patienceMs = 1_000;

/** More tasks than this say nothing new. */
const maxTasks = 10;

/** Warns once if `scope`, just cancelled, has not ended after a second and something in it does not wait in ours. */
export function watchForStuckTasks(scope: ScopeNode): void {
  const { clock } = scope.tree;
  const sinceMs = clock.now();
  const look = (): void => {
    const stuck = scope.isClosed ? [] : busyTasks(scope, () => true);
    if (stuck.length > 0) warn(scope, clock.now() - sinceMs, stuck);
  };
  // A turn later: what woke up at the same time has gone on by then.
  scope.watch(patienceMs, () => afterThisTurn({ resume: look }));
}

function warn(scope: ScopeNode, ms: number, stuck: readonly ScopeNode[]): void {
  process.emitWarning(
    `${scope.name} was cancelled ${formatMs(ms)} ago ${whyAndWhere(scope)} and has not ended. ` +
      `What it awaits cannot be cancelled; wrap such promises in interruptible(). It holds:\n` +
      listTasks(stuck),
    { type: "TaskwrightWarning", code: "TASKWRIGHT_STUCK" },
  );
}

function whyAndWhere(scope: ScopeNode): string {
  const own = scope.own!;
  const site = callSite(own);
  return `(${describeReason(own.reason)}${site === undefined ? "" : `, by ${site}`})`;
}

function listTasks(tasks: readonly ScopeNode[]): string {
  const drawn = tasks.slice(0, maxTasks).map((task) => drawTreeAs(titleOf(task), task));
  const hidden = tasks.length - drawn.length;
  return (hidden > 0 ? [...drawn, `... and ${hidden} more tasks`] : drawn).join("\n");
}

/** Where it stands, and its number: many tasks may have one name. */
function titleOf(task: ScopeNode): string {
  return task.isTask ? `${pathOf(task)} (task ${(task as TaskNode<unknown>).id})` : pathOf(task);
}
