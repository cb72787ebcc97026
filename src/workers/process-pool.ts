import { placeOf } from "./define-task.ts";
import { ProcessLink, processModule } from "./internal/process-link.ts";
import { WorkerPool, type WorkerPoolOptions, expectPoolOptions } from "./worker-pool.ts";

/** Settings of {@link openProcessPool}. */
export interface ProcessPoolOptions extends WorkerPoolOptions {
  /** Flags of Node, such as `--max-old-space-size=512`. @default those of this process */
  readonly execArgv?: readonly string[];
  /** Environment variables, besides those of this process; undefined takes one out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens a pool of processes: for native code that may crash, or that must be stopped while it runs.
 *
 * It does what a pool of threads does, with these differences. Whatever ends a process ends nothing else. What is
 * cancelled and does not stop is killed, native code and the programs it has started included, so nobody goes on without
 * it. Everything is copied, and slower: a call takes some 100 µs, a process 100 to 200 ms to start and 70 MB. There is no shared
 * memory, and `transfer` of arguments is refused.
 *
 * Processes end with the one that opened the pool, whatever ends that. Signals of the terminal do not reach them.
 *
 * @throws {RangeError | TypeError} what is set makes no sense
 *
 * @example
 * ```ts fragment
 * import { defineTask, openProcessPool } from "taskwright/workers";
 *
 * const thumbnail = defineTask(function thumbnail(path: string) {
 *   return nativeLibrary.resize(path, { width: 200 });
 * });
 *
 * if (import.meta.main) {
 *   await using pool = openProcessPool({ size: 2, timeoutMs: 10_000 });
 *   console.log(await pool.run(thumbnail, "photo.jpg"));
 * }
 * ```
 */
export function openProcessPool(options: ProcessPoolOptions = {}): WorkerPool {
  const settings = expectPoolOptions("process", options);
  const init = options.init === undefined ? undefined : placeOf(options.init);
  const { idleMs } = settings;
  const { execArgv, env } = options;
  const processes = { module: processModule(), idleMs, init, execArgv, env };
  return new WorkerPool(settings, (_name, listener) => new ProcessLink(processes, listener));
}
