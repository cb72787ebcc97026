import type { Scope } from "../core/index.ts";
import { VirtualRun } from "./internal/virtual-run.ts";

/**
 * Runs `fn` as a task tree with a clock of its own: time jumps to the next deadline as soon as every task waits.
 *
 * `sleep`, `timeout`, deadlines, retries: one clock rules them all, so an hour takes no time, and always happens in
 * the same order. While a task computes, or waits for something foreign such as a socket, time stands still; a process
 * warning says which task that is when it lasts for more than 3 seconds.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @returns what `fn` returns
 * @throws {DeadlockError} DEADLOCK, everything has waited for a second of real time, with no timer set
 *
 * @example
 * ```ts
 * import { now, sleep } from "taskwright";
 * import { withVirtualTime } from "taskwright/testing";
 *
 * const passedMs = await withVirtualTime(async () => {
 *   const startedMs = now();
 *   await sleep(3_600_000);
 *   return now() - startedMs;
 * });
 * console.log(passedMs); // => 3600000
 * ```
 */
export async function withVirtualTime<T>(fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  using virtual = new VirtualRun("withVirtualTime");
  return await virtual.run(fn);
}
