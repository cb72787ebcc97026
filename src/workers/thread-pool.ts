import type { ResourceLimits } from "node:worker_threads";
import { placeOf } from "./define-task.ts";
import { ThreadLink, threadModule } from "./internal/thread-link.ts";
import { WorkerPool, type WorkerPoolOptions, expectPoolOptions } from "./worker-pool.ts";

/** Settings of {@link openThreadPool}. */
export interface ThreadPoolOptions extends WorkerPoolOptions {
  /** Limits of memory for each thread, as node:worker_threads has them. What is in Buffers is not limited. */
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Opens a pool of threads, for what would hold up the event loop: work of the processor, and libraries that block.
 *
 * @example
 * ```ts fragment
 * import { defineTask, openThreadPool } from "taskwright/workers";
 *
 * const hash = defineTask(function hash(text: string) {
 *   return createHash("sha256").update(text).digest("hex");
 * });
 *
 * if (import.meta.main) {
 *   await using pool = openThreadPool({ size: 4 });
 *   console.log(await pool.run(hash, "a long text"));
 * }
 * ```
 */
export function openThreadPool(options: ThreadPoolOptions = {}): WorkerPool {
  const settings = expectPoolOptions("thread", options);
  const init = options.init === undefined ? undefined : placeOf(options.init);
  const { idleMs } = settings;
  const { resourceLimits } = options;
  const threads = { module: threadModule(), idleMs, resourceLimits, init };
  return new WorkerPool(settings, (name, listener) => new ThreadLink(name, threads, listener));
}
