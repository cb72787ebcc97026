/**
 * @module
 * Structured concurrency: tasks that cannot outlive the block that started them, and cancellation that reaches every
 * wait.
 *
 * @example
 * ```ts
 * import { map, run, sleep, timeout } from "taskwright";
 *
 * const squares = await run(() =>
 *   timeout(5_000, () =>
 *     map([1, 2, 3, 4], async (n) => (await sleep(5), n * n), { concurrency: 2 }),
 *   ),
 * );
 * console.log(squares.join()); // => 1,4,9,16
 * ```
 */

// Tasks and scopes
export {
  type RunOptions,
  type Scope,
  type ScopeFunction,
  type ShieldOptions,
  type SpawnOptions,
  type StartFunction,
  type Task,
  type TaskFunction,
  type TaskGroup,
  type TaskGroupOptions,
  type TaskState,
  background,
  bindToRoot,
  cancelScope,
  interruptible,
  run,
  shield,
  taskGroup,
} from "./core/index.ts";

// Time
export { breathe, checkpoint, deadlineAt, effectiveDeadline, moveOnAfter, now, sleep, timeout } from "./core/index.ts";

// Context variables
export { ContextVar, type ContextVarOptions } from "./core/index.ts";

// Errors
export {
  type CancelReason,
  Cancelled,
  GroupClosedError,
  ScopeClosedError,
  TaskCancelledError,
  TaskwrightError,
  TimeoutError,
  type WithSuppressed,
  isCancelled,
  isTaskwrightError,
} from "./core/index.ts";

// Coordination
export type { Limiter, Permit, PermitReport } from "./core/index.ts";
export * from "./sync/index.ts";

// Flow
export * from "./flow/index.ts";
