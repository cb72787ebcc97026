import { openScope } from "./current.ts";
import { expectMs } from "./expect.ts";
import { type ScopeFunction, timedOut } from "./timeout.ts";
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
  const { timeoutMs = Infinity } = options;
  expectMs("timeoutMs", timeoutMs);
  const scope = openScope("shield", true);
  const startedMs = scope.tree.clock.now();
  if (timeoutMs !== Infinity) scope.deadline = startedMs + timeoutMs;
  const onTime = timedOut("shield", startedMs);
  return within(scope, fn, (own) => {
    const around = scope.parent!.outerCancellation ?? scope.parent!.own;
    if (around !== undefined) throw around;
    return onTime(own);
  });
}
