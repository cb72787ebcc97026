/**
 * @module
 * The core: scopes, tasks, cancellation and time. This is the door for the other modules of the package; what users
 * import is chosen in `src/index.ts`.
 */
export { currentFrame, enter, outside } from "./ambient.ts";
export { background, bindToRoot } from "./background.ts";
export { callSite } from "./call-site.ts";
export { callerModule } from "./caller-module.ts";
export { type Clock, afterThisTurn, realClock } from "./clock.ts";
export { BoundFrame, ContextVar, type ContextVarOptions } from "./context-var.ts";
export { Crew, type TaskOwner } from "./crew.ts";
export { arrive, checkedScope, currentScope, isProgram, openScope, refuse } from "./current.ts";
export { Deque } from "./deque.ts";
export { DrivenStream } from "./driven-stream.ts";
export {
  Cancelled,
  GroupClosedError,
  ScopeClosedError,
  TaskCancelledError,
  TaskwrightError,
  TimeoutError,
  formatMs,
  isCancelled,
  isTaskwrightError,
  looksCancelled,
} from "./errors.ts";
export { expectInteger, expectMs } from "./expect.ts";
export { Failures, type WithSuppressed } from "./failures.ts";
export { busyTasks, hasWaits, pendingWaits } from "./flows.ts";
export { grant } from "./grant.ts";
export { type StartFunction, type TaskGroup, type TaskGroupOptions, taskGroup } from "./group.ts";
export { interruptible } from "./interruptible.ts";
export { letGo } from "./keep-alive.ts";
export { Kept } from "./kept.ts";
export type { Limiter, Permit, PermitReport } from "./limiter.ts";
export { Link, LinkedList } from "./linked-list.ts";
export { QueuedWaiter, takeAll, takeFirst } from "./queued-waiter.ts";
export type { CancelReason } from "./reason.ts";
export { drawTree } from "./report.ts";
export { type RunOptions, openTree, run, runTree } from "./run.ts";
export { type Scope, ScopeNode, stopError } from "./scope.ts";
export { type ShieldOptions, shield } from "./shield.ts";
export { breathe, checkpoint, sleep } from "./sleep.ts";
export { siblingModule } from "./sibling-module.ts";
export { type SpawnOptions, type Task, type TaskFunction, type TaskState, spawn } from "./task.ts";
export {
  type ScopeFunction,
  cancelScope,
  deadlineAt,
  effectiveDeadline,
  moveOnAfter,
  now,
  timeout,
} from "./timeout.ts";
export { type Timed, Timer, TimerQueue, unschedule } from "./timer-queue.ts";
export { toItsEnd } from "./to-its-end.ts";
export { type Travelling, travellingOf, variableKeys } from "./travelling.ts";
export type { Conductor, Shared, Probe, Tree } from "./tree.ts";
export { Waiter } from "./waiter.ts";
export { within } from "./within.ts";
export { withoutWarnings } from "./without-warnings.ts";
