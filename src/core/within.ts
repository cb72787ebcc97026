import { enter } from "./ambient.ts";
import type { Scope, ScopeNode } from "./scope.ts";

/**
 * Runs `fn` in `scope` to its end, and ends the scope: daemons still in it are cancelled and waited for.
 *
 * Rejects with the error that counts: an ordinary one as it is; a trace of cancellation as the Cancelled of the
 * outermost cancelled scope, so that `error === scope.own` says "this scope's own cancellation has arrived here".
 */
export async function within<T>(scope: ScopeNode, fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  try {
    const value = await enter(scope, fn, scope, undefined);
    if (scope.crew !== undefined) await scope.crew.drain();
    return value;
  } catch (error) {
    if (scope.crew !== undefined) await scope.crew.drain();
    throw scope.cancellationBehind(error) ?? error;
  } finally {
    scope.close();
  }
}
