import { enter, keepStores } from "./ambient.ts";
import { BoundFrame } from "./context-var.ts";
import { currentScope } from "./current.ts";
import { stopError } from "./scope.ts";
import { type SpawnOptions, type Task, type TaskFunction, spawn } from "./task.ts";

/**
 * Starts `fn` as a task of the root: fire and forget, but not lost.
 *
 * It is waited for when the rest of the run has ended, and cancelled only if that failed or a signal came. Its error
 * ends the run, or outside any run is an uncaught exception.
 *
 * @throws {ScopeClosedError} SCOPE_CLOSED, the run has ended
 */
export function background<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T> {
  const { root } = currentScope().tree;
  if (root.isClosed) throw stopError(root);
  return spawn(root, fn, options);
}

/**
 * Makes a callback that belongs to the root, for emitters and intervals that live longer than the scope that set them.
 *
 * Without it, checkpoints in the callback meet a ScopeClosedError once that scope has ended. The callback sees the
 * context variables that were bound where it was made.
 *
 * Cancel: what the callback does is cancelled with the root only.
 *
 * @returns `fn`, to be called from anywhere
 */
export function bindToRoot<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const frame = new BoundFrame(currentScope().tree.root);
  const call = (self: unknown, args: A): R => Reflect.apply(fn, self, args);
  return keepStores(function (this: unknown, ...args: A): R {
    return enter(frame, call, this, args);
  });
}
