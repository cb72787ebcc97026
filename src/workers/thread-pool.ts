import type { ResourceLimits } from "node:worker_threads";
import { availableParallelism } from "node:os";
import { arrive, expectInteger, expectMs, openScope, refuse } from "../core/index.ts";
import { type ModuleTask, type ThreadTask, placeOf } from "./define-task.ts";
import { PoolClosedError } from "./errors.ts";
import { Call, ThreadFailure } from "./internal/call.ts";
import { Dispatcher } from "./internal/dispatcher.ts";
import { decodeError } from "./internal/error-codec.ts";
import { ExitWait } from "./internal/exit-wait.ts";
import { type Calling, calling } from "./internal/protocol.ts";
import { type AnyFunction, threadState } from "./internal/thread-state.ts";
import { transfersOfAll } from "./transfer.ts";

/** Settings of {@link openThreadPool}. */
export interface ThreadPoolOptions {
  /** For messages and the names of threads. @default "thread pool" */
  readonly name?: string;
  /** Threads at most; they are made as they are needed. 1 or more. @default the processors of this machine less one */
  readonly size?: number;
  /** So many calls may wait for a thread before `tryRun` refuses; `run` waits. 0 or more. @default Infinity */
  readonly maxQueue?: number;
  /** A thread that has had nothing to do for so long is ended, in milliseconds. @default 10_000 */
  readonly idleMs?: number;
  /**
   * How long a task that was cancelled may take to end, in milliseconds; then its thread is ended.
   * @default 100
   */
  readonly graceMs?: number;
  /**
   * How long a task may run, in milliseconds from when it has begun: time in the queue does not count. Then it is
   * stopped, and its caller gets a TimeoutError. @default Infinity
   */
  readonly timeoutMs?: number;
  /** Limits of memory for each thread, as node:worker_threads has them. What is in Buffers is not limited. */
  readonly resourceLimits?: ResourceLimits;
  /** Called in each thread before its first task. */
  readonly init?: (() => unknown) | ModuleTask<[]>;
}

/** What a pool is doing. */
export interface ThreadPoolStatistics {
  /** Threads at most. */
  readonly size: number;
  /** Threads that there are: those that begin and end included. */
  readonly threads: number;
  /** Calls that wait for a thread. */
  readonly queued: number;
  /** Calls that are with a thread: running, or next in line there. */
  readonly running: number;
  /** Calls that have come to an end in a thread, however they ended. */
  readonly completed: number;
}

/** Threads that run functions. Made by {@link openThreadPool}. */
export class ThreadPool implements AsyncDisposable {
  readonly #dispatcher: Dispatcher;
  readonly #maxQueue: number;

  /** @internal */
  constructor(options: ThreadPoolOptions) {
    const { name = "thread pool", size = defaultSize(), maxQueue = Infinity } = options;
    const { idleMs = 10_000, graceMs = 100, timeoutMs = Infinity, resourceLimits, init } = options;
    expectInteger("size", size, 1);
    expectInteger("maxQueue", maxQueue, 0);
    expectMs("idleMs", idleMs, 0);
    expectMs("graceMs", graceMs, 0);
    expectMs("timeoutMs", timeoutMs, 0);
    const initPlace = init === undefined ? undefined : placeOf(init);
    this.#maxQueue = maxQueue;
    this.#dispatcher = new Dispatcher({ name, size, idleMs, graceMs, timeoutMs, resourceLimits, init: initPlace });
  }

  /**
   * Calls a function in a thread.
   *
   * What goes over is copied when it is sent, as by `structuredClone`; see {@link transfer}. The task runs in a scope of
   * its own there, so its checkpoints and its `scope.signal` know when it is cancelled, and `throwIfCancelled` does where
   * it never waits. Context variables do not go along.
   *
   * Cancel: takes the call out of the queue. A task that has begun is told, and waited for; when it has not ended after
   * `graceMs`, its thread is ended. Native code cannot be stopped: it is not waited for, but its thread remains taken.
   *
   * @returns what the task returns
   * @throws what the task throws, with its name, message, code, fields, cause and stack
   * @throws {WorkerCrashedError} WORKER_CRASHED
   * @throws {NotCloneableError} WORKER_NOT_CLONEABLE
   * @throws {TaskNotFoundError} WORKER_TASK_NOT_FOUND
   * @throws {PoolClosedError} WORKER_POOL_CLOSED
   * @throws {TimeoutError} TIMEOUT, it ran longer than `timeoutMs`
   */
  async run<A extends readonly unknown[], R>(task: ThreadTask<A, R>, ...args: A): Promise<Awaited<R>> {
    return (await this.#call(calling.once, task as AnyFunction, args)) as Awaited<R>;
  }

  /**
   * Calls a function in a thread unless `maxQueue` calls wait for one: then it returns undefined, and does nothing.
   *
   * Cancel: as {@link ThreadPool.run}.
   */
  tryRun<A extends readonly unknown[], R>(task: ThreadTask<A, R>, ...args: A): Promise<Awaited<R>> | undefined {
    const { queued, freeThreads } = this.#dispatcher;
    return queued >= this.#maxQueue + freeThreads ? undefined : this.run(task, ...args);
  }

  /** What the pool is doing right now. */
  statistics(): ThreadPoolStatistics {
    const { size, threads, queued, inThreads, completed } = this.#dispatcher;
    return Object.freeze({ size, threads, queued, running: inThreads, completed });
  }

  /**
   * Ends all threads, whatever they do. Who still waits for a task gets a PoolClosedError.
   *
   * Cancel: closes all the same, and returns when no thread is left: native code is waited for.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { name } = this.#dispatcher;
    const scope = openScope(`close ${name}`, true);
    try {
      const wait = new ExitWait(scope, name);
      this.#dispatcher.close(() => wait.resolve());
      await wait.promise;
    } finally {
      scope.close();
    }
  }

  async #call(
    how: Calling,
    task: AnyFunction | ModuleTask,
    args: readonly unknown[],
    onItem?: (item: unknown) => void,
  ): Promise<unknown> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    checkNotLoading();
    const place = placeOf(task);
    const dispatcher = this.#dispatcher;
    if (dispatcher.isClosed) throw new PoolClosedError(dispatcher.name, place.name);
    const call = new Call(scope, how, dispatcher.taskAt(place), args, transfersOfAll(args), onItem);
    dispatcher.add(call);
    try {
      return await call.promise;
    } catch (error) {
      // Made here, after an await, an error has the stack of who waits.
      throw error instanceof ThreadFailure ? decodeError(error.encoded, new Error("here").stack) : error;
    }
  }
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
export function openThreadPool(options: ThreadPoolOptions = {}): ThreadPool {
  return new ThreadPool(options);
}

function defaultSize(): number {
  return Math.max(1, availableParallelism() - 1);
}

/** Otherwise each thread would make threads of its own, without end. */
function checkNotLoading(): void {
  const { loading } = threadState;
  if (loading === undefined) return;
  throw new Error(
    `A thread has loaded ${loading} to find a task in it, and that called a task. Put what the program does into \`if (import.meta.main) { ... }\``,
  );
}
