import { callerModule, outside } from "../core/index.ts";
import type { WorkerTask } from "./define-task.ts";
import { register, standsFor } from "./define-task.ts";
import { workerState } from "./internal/worker-state.ts";
import { type ThreadPoolOptions, openThreadPool } from "./thread-pool.ts";
import { type WorkerPool, expectPoolOptions } from "./worker-pool.ts";

let shared: WorkerPool | undefined;
let settings: ThreadPoolOptions = {};

/** The pool of those who open none. It belongs to the program, whoever comes first. */
function sharedPool(): WorkerPool {
  return (shared ??= outside(() => openThreadPool({ name: "shared threads", ...settings })));
}

/**
 * Sets how the pool is that `cpu` and `toThread` share: as large as there are processors less one, if nobody says else.
 * Its threads are made as they are needed, end when they are idle, and keep no process alive.
 *
 * @param options - as of `openThreadPool`
 * @throws {Error} the pool is in use already; call this first
 * @throws {RangeError | TypeError} what is set makes no sense
 *
 * @example
 * ```ts fragment
 * import { configureSharedPool } from "taskwright/workers";
 *
 * configureSharedPool({ size: 2, idleMs: 60_000 });
 * ```
 */
export function configureSharedPool(options: ThreadPoolOptions): void {
  expectPoolOptions("thread", options);
  if (shared !== undefined) throw new Error("The shared pool is in use already: call configureSharedPool() first");
  settings = { ...options };
}

/**
 * Makes a function run in a thread: what is returned takes the same arguments, and a promise comes back.
 *
 * All such functions share one pool, see {@link configureSharedPool}. Threads import this module to find the function, as with {@link defineTask}, so call
 * this where the module is loaded, and put what the program does into `if (import.meta.main)`. Within a task of a pool the
 * function is just called.
 *
 * Cancel: as `run` of a pool.
 *
 * @param fn - sync or async; with a name. What it takes and returns must be data, which can be copied
 * @throws {TypeError} `fn` is no function or has no name
 *
 * @example
 * ```ts fragment
 * import { cpu } from "taskwright/workers";
 *
 * const fibonacci = cpu(function fibonacci(n: number): number {
 *   return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
 * });
 *
 * if (import.meta.main) console.log(await fibonacci(40));
 * ```
 */
export function cpu<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => Promise<Awaited<R>> {
  register(fn, callerModule(2));
  // Already off the main thread.
  const offloaded = async (...args: A): Promise<Awaited<R>> =>
    workerState.isWorker && workerState.loading === undefined ? await fn(...args) : await sharedPool().run(fn, ...args);
  standsFor(offloaded, fn);
  return offloaded;
}

/**
 * Calls a function in a thread of the pool that all share who open none.
 *
 * Cancel: as `run` of a pool.
 *
 * @param task - from {@link defineTask} or {@link cpu}, or an export of a module
 * @throws what `run` of a pool throws
 */
export function toThread<A extends readonly unknown[], R>(task: WorkerTask<A, R>, ...args: A): Promise<Awaited<R>> {
  return sharedPool().run(task, ...args);
}
