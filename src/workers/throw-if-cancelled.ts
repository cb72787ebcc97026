import { currentScope, stopError } from "../core/index.ts";
import { workerState } from "./internal/worker-state.ts";

/**
 * Throws if the caller of this task has been cancelled: for loops that compute for long and never wait.
 *
 * In a worker nothing else can reach such a loop. It reads a word of shared memory, 20 ns. Elsewhere it asks the scope of
 * the running code.
 *
 * Cancel: throws the Cancelled of the scope.
 *
 * @throws {Cancelled} the task was cancelled
 *
 * @example
 * ```ts
 * import { throwIfCancelled } from "taskwright/workers";
 *
 * function sumOfSquares(n: number): number {
 *   let sum = 0;
 *   for (let i = 1; i <= n; i++) {
 *     if (i % 10_000 === 0) throwIfCancelled();
 *     sum += i * i;
 *   }
 *   return sum;
 * }
 * console.log(sumOfSquares(20_000)); // => 2666866670000
 * ```
 */
export function throwIfCancelled(): void {
  const { running } = workerState;
  // The message that says why cannot come in before the loop has ended.
  if (running?.slots.isCancelled(running.call) === true) running.scope.cancel("the caller was cancelled");
  const scope = currentScope();
  if (scope.stop !== undefined) throw stopError(scope);
}
