import { type Scope, type TaskFunction, looksCancelled } from "../core/index.ts";

/** How one function ended. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Runs `fn` and tells how it ended. Throws only the trace of its scope's cancellation, which is no outcome. */
export async function outcomeOf<T>(fn: TaskFunction<T>, scope: Scope): Promise<Outcome<Awaited<T>>> {
  try {
    return { ok: true, value: await fn(scope) };
  } catch (error) {
    if (scope.cancelled !== undefined && looksCancelled(error)) throw error;
    return { ok: false, error };
  }
}
