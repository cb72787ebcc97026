import { formatMs } from "./errors.ts";
import { busyTasks } from "./flows.ts";
import { describeReason } from "./reason.ts";
import { drawTree } from "./report.ts";
import type { ScopeNode } from "./scope.ts";

/** How long a cancelled scope may take before somebody should know. */
const patienceMs = 1_000;

/** Warns once if `scope`, just cancelled, has not ended after a second and something in it does not wait in ours. */
export function watchForStuckTasks(scope: ScopeNode): void {
  scope.watch(patienceMs, () => {
    const stuck = busyTasks(scope, () => true);
    if (stuck.length === 0) return;
    process.emitWarning(
      `${scope.name} was cancelled ${formatMs(patienceMs)} ago (${describeReason(scope.own!.reason)}) and has not ` +
        `ended. What it awaits cannot be cancelled; wrap such promises in interruptible(). It holds:\n` +
        stuck.map(drawTree).join("\n"),
      { type: "TaskwrightWarning", code: "TASKWRIGHT_STUCK" },
    );
  });
}
