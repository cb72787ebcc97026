import { enter } from "./ambient.ts";
import type { Cancelled } from "./errors.ts";
import type { Scope, ScopeNode } from "./scope.ts";

/**
 * Runs `fn` in `scope` to its end, and ends the scope: daemons still in it are cancelled and waited for.
 *
 * An ordinary error is thrown as it is. The trace of a cancellation belongs to the outermost cancelled scope: if that
 * is around this one its Cancelled is thrown; if it is this one, `onCut` says what comes instead of a value.
 */
export async function within<T>(
  scope: ScopeNode,
  fn: (scope: Scope) => T | PromiseLike<T>,
  onCut: (own: Cancelled) => T,
): Promise<T> {
  try {
    const value = await enter(scope, fn, scope, undefined);
    while (scope.hasTasks) await scope.crew!.drain();
    return value;
  } catch (error) {
    while (scope.hasTasks) await scope.crew!.drain();
    const cancellation = scope.cancellationBehind(error);
    if (cancellation === undefined) throw error;
    if (cancellation !== scope.own) throw cancellation;
    return onCut(cancellation);
  } finally {
    scope.close();
  }
}
