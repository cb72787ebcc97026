import { type Limiter, now } from "../core/index.ts";

/** Runs `fn` with a permit of `limiter`, reports how it went, and releases. */
export async function runWithPermit<T>(limiter: Limiter, fn: () => T | PromiseLike<T>): Promise<T> {
  using permit = await limiter.acquire();
  const startedMs = now();
  let ok = false;
  try {
    const value = await fn();
    ok = true;
    return value;
  } finally {
    permit.report({ ok, ms: now() - startedMs });
  }
}
