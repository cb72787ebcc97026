import { currentScope, openScope } from "./current.ts";
import { type Cancelled, TimeoutError } from "./errors.ts";
import { expectMs } from "./expect.ts";
import type { Scope, ScopeNode } from "./scope.ts";
import { within } from "./within.ts";

/** What a scope's function may be. */
export type ScopeFunction<T> = (scope: Scope) => T | PromiseLike<T>;

/** Now, in milliseconds of the clock that deadlines are on. Starts anywhere; never goes backwards; virtual in tests. */
export function now(): number {
  return currentScope().tree.clock.now();
}

/**
 * Runs `fn`, and cancels it when `ms` milliseconds have passed.
 *
 * It waits for `fn` to end before it throws: nothing of `fn` still runs afterwards. A result that arrives all the same
 * is returned, and an ordinary error of `fn` wins over the TimeoutError.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @param ms - milliseconds from now; 0 or less cancels at the first checkpoint; `Infinity` never
 * @throws {TimeoutError} TIMEOUT
 *
 * @example
 * ```ts
 * import { sleep, timeout } from "taskwright";
 *
 * const answer = await timeout(1_000, async () => {
 *   await sleep(5);
 *   return 42;
 * });
 * console.log(answer); // => 42
 * ```
 */
export async function timeout<T>(ms: number, fn: ScopeFunction<T>): Promise<T> {
  expectMs("ms", ms);
  const startedMs = now();
  return within(openUntil("timeout", startedMs + ms), fn, timedOut("timeout", startedMs));
}

/**
 * Runs `fn`, and cancels it when {@link now} reaches `atMs`. Otherwise as {@link timeout}.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @param atMs - milliseconds of `now()`; in the past cancels at the first checkpoint; `Infinity` never
 * @throws {TimeoutError} TIMEOUT
 */
export async function deadlineAt<T>(atMs: number, fn: ScopeFunction<T>): Promise<T> {
  expectMs("atMs", atMs);
  const startedMs = now();
  return within(openUntil("deadline", atMs), fn, timedOut("deadline", startedMs));
}

/**
 * Runs `fn` for at most `ms` milliseconds. As {@link timeout}, but returns undefined when the time is up.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @param ms - milliseconds from now
 */
export async function moveOnAfter<T>(ms: number, fn: ScopeFunction<T>): Promise<T | undefined> {
  expectMs("ms", ms);
  return within<T | undefined>(openUntil("moveOnAfter", now() + ms), fn, nothing);
}

/**
 * Runs `fn` in a scope of its own, which `scope.cancel()` ends without failing anything.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @returns what `fn` returns, or undefined if `scope.cancel()` cut it short
 */
export async function cancelScope<T>(
  fn: ScopeFunction<T>,
  options: { readonly name?: string } = {},
): Promise<T | undefined> {
  return within<T | undefined>(openScope(options.name ?? "cancelScope"), fn, nothing);
}

/** The nearest deadline around the running code, up to the next shield, in milliseconds of `now()`. */
export function effectiveDeadline(): number {
  let nearest = Infinity;
  const here = currentScope();
  for (let scope: ScopeNode | null = here; scope !== null; scope = scope.isShield ? null : scope.parent) {
    // Times of another clock, as around a tree under virtual time, say nothing here.
    if (scope.tree.clock === here.tree.clock) nearest = Math.min(nearest, scope.deadline);
  }
  return nearest;
}

function openUntil(name: string, atMs: number): ScopeNode {
  const scope = openScope(name);
  scope.deadline = atMs;
  return scope;
}

/**
 * Says that the time was up, and how much it was: the deadline that has passed may not be the one that was set first.
 * Or lets a `scope.cancel()` through, for which there is no value to return either.
 */
export function timedOut(what: string, startedMs: number): (own: Cancelled) => never {
  return (own) => {
    if (own.reason.kind !== "deadline") throw own;
    // Sums of times have digits that nobody has asked for.
    const allowedMs = Math.round((own.reason.deadline - startedMs) * 1_000) / 1_000;
    throw new TimeoutError(what, Math.max(0, allowedMs));
  };
}

function nothing(): undefined {}
