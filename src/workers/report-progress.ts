import { currentScope } from "../core/index.ts";
import { workerState } from "./internal/worker-state.ts";

/**
 * In a task: says how far it is, to the `onProgress` of whoever has called it. Where nobody listens, and outside of workers, it
 * does nothing.
 *
 * It may be called at any rate: of what comes within 50 ms the newest is sent. What was reported last is there before the
 * result.
 *
 * @param value - data, which can be copied
 * @throws {NotCloneableError} WORKER_NOT_CLONEABLE
 *
 * @example
 * ```ts fragment
 * import { defineTask, openThreadPool, reportProgress } from "taskwright/workers";
 *
 * const hashAll = defineTask(function hashAll(paths: string[]) {
 *   return paths.map((path, i) => {
 *     reportProgress(i / paths.length);
 *     return hash(path);
 *   });
 * });
 *
 * if (import.meta.main) {
 *   await using pool = openThreadPool();
 *   const show = (share: number) => console.log(`${Math.round(share * 100)} %`);
 *   await pool.run({ task: hashAll, onProgress: show }, ["a", "b"]);
 * }
 * ```
 */
export function reportProgress(value: unknown): void {
  const progress = workerState.running?.progress;
  // What a task has left behind may run while another does, and that has another caller.
  if (progress !== undefined && !currentScope().isClosed) progress.report(value);
}
