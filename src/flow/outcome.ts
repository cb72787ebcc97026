import { type Scope, type ScopeNode, TaskCancelledError, type TaskFunction } from "../core/index.ts";

/** How one function ended. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Runs `fn` as the body of `task`, and tells how it ended. Throws only the trace of a cancellation from around. */
export async function outcomeOf<T>(fn: TaskFunction<T>, task: Scope): Promise<Outcome<Awaited<T>>> {
  try {
    return { ok: true, value: await fn(task) };
  } catch (error) {
    return { ok: false, error: failureOf(task, error) };
  }
}

/**
 * What `error`, thrown by the body of `task`, is for who needs its result: a TaskCancelledError if the task has
 * cancelled itself. Throws the trace of a cancellation from around, which is no failure.
 */
export function failureOf(task: Scope, error: unknown): unknown {
  const scope = task as ScopeNode;
  const cancellation = scope.cancellationBehind(error);
  if (cancellation !== undefined && cancellation !== scope.own) throw error;
  return ownFailure(scope, error);
}

/** As {@link failureOf}, but returns the trace of a cancellation from around. */
export function ownFailure(task: ScopeNode, error: unknown): unknown {
  const { own } = task;
  if (own === undefined || task.cancellationBehind(error) !== own) return error;
  return new TaskCancelledError(task.name, own.reason);
}
