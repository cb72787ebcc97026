import { openScope } from "./current.ts";
import { TimeoutError } from "./errors.ts";
import type { ScopeFunction } from "./timeout.ts";
import { within } from "./within.ts";

/** Settings of {@link shield}. */
export interface ShieldOptions {
  /** How long `fn` may take, in milliseconds. Cleanup that hangs would hold up everything. @default Infinity */
  readonly timeoutMs?: number;
}

/**
 * Runs `fn` to its end although the scope around it is cancelled, or gets cancelled meanwhile: for cleanup that waits.
 *
 * Cancel: has no effect on `fn`; the next checkpoint after it throws.
 *
 * @throws {TimeoutError} TIMEOUT, `fn` was cancelled after `timeoutMs`, and nothing around it is cancelled
 * @throws {Cancelled} the same, and the scope around it is cancelled
 */
export async function shield<T>(fn: ScopeFunction<T>, options: ShieldOptions = {}): Promise<T> {
  const scope = openScope("shield", true);
  const { timeoutMs = Infinity } = options;
  if (timeoutMs !== Infinity) scope.deadline = scope.tree.clock.now() + timeoutMs;
  try {
    return await within(scope, fn);
  } catch (error) {
    if (scope.own === undefined || error !== scope.own) throw error;
    const { parent } = scope;
    const around = parent === null ? undefined : (parent.outerCancellation ?? parent.own);
    if (around !== undefined) throw around;
    throw scope.own.reason.kind === "deadline" ? new TimeoutError("shield", timeoutMs) : error;
  }
}
