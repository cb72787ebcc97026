import { type Limiter, currentScope } from "../core/index.ts";

/**
 * Runs `fn` with a permit of `limiter`, reports how it went, and releases. Cancelled work says nothing of what it was
 * for, neither that it fails nor that it goes well: of that there is no report.
 */
export async function runWithPermit<T>(limiter: Limiter, fn: () => T | PromiseLike<T>): Promise<T> {
  using permit = await limiter.acquire();
  const scope = currentScope();
  const { clock } = scope.tree;
  const startedMs = clock.now();
  let value: T;
  try {
    value = await fn();
  } catch (error) {
    if (scope.cancellationBehind(error) === undefined) permit.report({ ok: false, ms: clock.now() - startedMs });
    throw error;
  }
  permit.report({ ok: true, ms: clock.now() - startedMs });
  return value;
}
