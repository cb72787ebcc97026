/** What the tests of the core have in common. */
import { expect } from "vitest";
import type { ScopeNode } from "../../src/core/index.ts";
import type { Scope } from "../../src/index.ts";
import { withVirtualTime } from "../../src/testing/index.ts";

/** A test under virtual time. When its function has returned, no scope, task or wait of it may be left. */
export function virtually(fn: (root: Scope) => unknown): () => Promise<void> {
  return () =>
    withVirtualTime(async (scope) => {
      await fn(scope);
      expect(whatIsLeft(scope)).toEqual([]);
    });
}

/** Names of the scopes and waits that hang in `scope`. */
export function whatIsLeft(scope: Scope): string[] {
  const left: string[] = [];
  const { firstChild, firstWaiter } = scope as ScopeNode;
  for (let child = firstChild; child !== null; child = child.nextSibling) left.push(child.name);
  for (let waiter = firstWaiter; waiter !== null; waiter = waiter.nextInScope) left.push(waiter.describe());
  return left;
}

/** What `promise` rejects with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** Lets everything that is ready run, without any wait of ours. */
export async function loopTurns(count = 1): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * How often a property is tried. Always on the same examples, so that a test run says something of the change it is run
 * for; with another number in PROPERTY_SEED on others.
 */
export function times(numRuns: number): { numRuns: number; seed: number } {
  return { numRuns, seed: Number(process.env["PROPERTY_SEED"] ?? 1) };
}

/** A hand-made promise. */
export function thenable(
  then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
): PromiseLike<unknown> {
  // oxlint-disable-next-line unicorn/no-thenable -- what they can do to us is tested
  return { then } as PromiseLike<unknown>;
}

/** A promise with a `then` of its own, which hands on what it is given. */
export function oddPromise<T>(
  promise: Promise<T>,
  then: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- what they can do to us is tested
  return Object.defineProperty(promise, "then", { value: then });
}

/** An object whose `then` cannot even be read. */
export function brokenThenable(error: unknown): unknown {
  // oxlint-disable-next-line unicorn/no-thenable -- what they can do to us is tested
  return Object.defineProperty({}, "then", {
    get() {
      throw error;
    },
  });
}

/** A promise that never settles, and that no scope can stop. */
export const never: Promise<never> = new Promise(() => {});

/** Passes real time, where a real clock is the thing tested. */
export function realTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Process warnings that are emitted while `fn` runs. They are not printed. */
export async function warningsOf(fn: () => Promise<unknown>): Promise<(Error & { code?: string })[]> {
  const warnings: Error[] = [];
  const usual = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => warnings.push(warning));
  try {
    await fn();
    // Warnings are emitted on the next tick.
    await loopTurns();
  } finally {
    process.removeAllListeners("warning");
    for (const listener of usual) process.on("warning", listener);
  }
  return warnings;
}
