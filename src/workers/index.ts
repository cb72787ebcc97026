/**
 * @module
 * Threads and processes: functions run off the main thread, so that work of the processor does not hold up everything
 * else, and can be cancelled; and native code in processes of its own, which may crash.
 *
 * @example
 * ```ts fragment
 * import { timeout } from "taskwright";
 * import { cpu } from "taskwright/workers";
 *
 * const countPrimes = cpu(function countPrimes(below: number) {
 *   let count = 0;
 *   for (let n = 2; n < below; n++) if (isPrime(n)) count++;
 *   return count;
 * });
 *
 * if (import.meta.main) console.log(await timeout(1_000, () => countPrimes(100_000)));
 * ```
 */
export { configureSharedPool, cpu, toThread } from "./cpu.ts";
export { type ListenedTask, type ModuleTask, type WorkerTask, defineTask } from "./define-task.ts";
export { NotCloneableError, PoolClosedError, TaskNotFoundError, WorkerCrashedError } from "./errors.ts";
export { type ProcessPoolOptions, openProcessPool } from "./process-pool.ts";
export { reportProgress } from "./report-progress.ts";
export { type ThreadPoolOptions, openThreadPool } from "./thread-pool.ts";
export { throwIfCancelled } from "./throw-if-cancelled.ts";
export { transfer } from "./transfer.ts";
export {
  type WorkerItems,
  type WorkerMapOptions,
  type WorkerMapStreamOptions,
  WorkerPool,
  type WorkerPoolOptions,
  type WorkerPoolStatistics,
} from "./worker-pool.ts";
