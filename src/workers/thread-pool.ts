import type { ResourceLimits } from "node:worker_threads";
import { availableParallelism } from "node:os";
import { arrive, expectInteger, expectMs, refuse, toItsEnd } from "../core/index.ts";
import { BlockItems, type ResultStream, type Source, map, mapStream } from "../flow/index.ts";
import { type ModuleTask, type ThreadTask, placeOf } from "./define-task.ts";
import { PoolClosedError } from "./errors.ts";
import { Call, type ItemSink, ThreadFailure } from "./internal/call.ts";
import { chunksOf } from "./internal/chunks.ts";
import { Dispatcher } from "./internal/dispatcher.ts";
import { decodeError } from "./internal/error-codec.ts";
import { type Calling, calling } from "./internal/protocol.ts";
import { ThreadStream } from "./internal/thread-stream.ts";
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

/** Settings of `map` of a pool. */
export interface ThreadMapOptions {
  /**
   * How many items go to a thread at once: 1 or more, or `"auto"`, as many as take some milliseconds, by what the first
   * ones took. @default "auto"
   */
  readonly chunkSize?: number | "auto";
}

/** Settings of `mapStream` of a pool. */
export interface ThreadMapStreamOptions extends ThreadMapOptions {
  /** Results in the order of the items; `false`: chunk by chunk as they come. @default true */
  readonly ordered?: boolean;
}

/** The results of `mapStream` of a pool, or the items of `stream`. To be read once. */
export type ThreadItems<R> = AsyncIterableIterator<R, undefined> & AsyncDisposable;

/** What a pool is doing. */
export interface ThreadPoolStatistics {
  /** Threads at most. */
  readonly size: number;
  /** Threads that there are: those that begin and end included. */
  readonly threads: number;
  /** Calls that wait for a thread. */
  readonly waiting: number;
  /** Calls that are with a thread: running, or next in line there. */
  readonly inFlight: number;
  /** Calls that have come to an end in a thread, however they ended. */
  readonly completed: number;
  /** Threads that have ended by themselves, under a task or before their first. */
  readonly crashed: number;
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
    const { waiting, freeThreads } = this.#dispatcher;
    return waiting >= this.#maxQueue + freeThreads ? undefined : this.run(task, ...args);
  }

  /**
   * Calls a function in threads for each item, many items at a time, and returns the results in the order of the items.
   *
   * Cancel: as {@link ThreadPool.run}, of all of them. Between items of a chunk a task need not look.
   *
   * @param items - any sync or async iterable; it is read as threads come for more
   * @throws the first error of the task; the other calls are cancelled
   *
   * @example
   * ```ts fragment
   * const hashes = await pool.map(passwords, hash);
   * ```
   */
  async map<T, R>(
    items: Source<T>,
    task: ThreadTask<[item: T], R>,
    options: ThreadMapOptions = {},
  ): Promise<Awaited<R>[]> {
    const { chunks, each, concurrency } = this.#inChunks<T, R>(items, task as AnyFunction, options);
    return (await map(chunks, each, { concurrency })).flat();
  }

  /**
   * The same as a stream, in constant memory for any number of items: the source is read as results are.
   *
   * Cancel: as {@link ThreadPool.run}, of all that are under way. Leaving the loop does so too.
   *
   * @throws the first error of the task, after the results that were ready
   */
  mapStream<T, R>(
    items: Source<T>,
    task: ThreadTask<[item: T], R>,
    options: ThreadMapStreamOptions = {},
  ): ThreadItems<Awaited<R>> {
    const { ordered = true } = options;
    const { chunks, each, concurrency } = this.#inChunks<T, R>(items, task as AnyFunction, options);
    return new BlockItems(mapStream(chunks, each, { concurrency, ordered }));
  }

  /**
   * Reads what a task yields, a generator for instance, as it yields it. When 16 items are unread, the task waits.
   *
   * The task has its thread to itself until it has ended. It begins with the first item that is asked for.
   *
   * Cancel: stops the task, as {@link ThreadPool.run} does, and so does leaving the loop; its `finally` runs.
   *
   * @throws what {@link ThreadPool.run} throws, after the items before
   *
   * @example
   * ```ts fragment
   * for await (const row of pool.stream(parseRows, path)) console.log(row);
   * ```
   */
  stream<A extends readonly unknown[], T>(
    task: ThreadTask<A, Iterable<T> | AsyncIterable<T>>,
    ...args: A
  ): ResultStream<T> {
    const { name } = placeOf(task as AnyFunction);
    return new ThreadStream<T>(name, (sink) => this.#call(calling.stream, task as AnyFunction, args, sink));
  }

  /** What the pool is doing right now. */
  statistics(): ThreadPoolStatistics {
    const { size, threads, waiting, inFlight, completed, crashed } = this.#dispatcher;
    return Object.freeze({ size, threads, waiting, inFlight, completed, crashed });
  }

  /**
   * Ends all threads, whatever they do. Who still waits for a task gets a PoolClosedError.
   *
   * Cancel: closes all the same, and returns when no thread is left: native code is waited for.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { name } = this.#dispatcher;
    await toItsEnd(`the end of the threads of ${name}`, () => {
      const ended = Promise.withResolvers<void>();
      this.#dispatcher.close(ended.resolve);
      return ended.promise;
    });
  }

  #inChunks<T, R>(
    items: Source<T>,
    task: AnyFunction | ModuleTask,
    { chunkSize = "auto" }: ThreadMapOptions,
  ): {
    readonly chunks: AsyncIterable<T[]>;
    readonly each: (chunk: T[]) => Promise<Awaited<R>[]>;
    readonly concurrency: number;
  } {
    if (chunkSize !== "auto") expectInteger("chunkSize", chunkSize, 1);
    const dispatcher = this.#dispatcher;
    const known = dispatcher.taskAt(placeOf(task));
    const { size } = dispatcher;
    const wanted = chunkSize === "auto" ? undefined : chunkSize;
    return {
      chunks: chunksOf(items, wanted, size, () => dispatcher.averageMs(known)),
      each: async (chunk) => (await this.#call(calling.each, task, chunk)) as Awaited<R>[],
      // One that is done, and one that waits for it, so that no thread waits for the next.
      concurrency: size * 2,
    };
  }

  async #call(
    how: Calling,
    task: AnyFunction | ModuleTask,
    args: readonly unknown[],
    sink?: ItemSink,
  ): Promise<unknown> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    checkNotLoading();
    const place = placeOf(task);
    const dispatcher = this.#dispatcher;
    if (dispatcher.isClosed) throw new PoolClosedError(dispatcher.name, place.name);
    const call = new Call(scope, how, dispatcher.taskAt(place), args, transfersOfAll(args), sink);
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
