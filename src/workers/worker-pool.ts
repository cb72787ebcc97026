import { availableParallelism } from "node:os";
import {
  Kept,
  arrive,
  currentFrame,
  currentScope,
  expectInteger,
  expectMs,
  isProgram,
  refuse,
  toItsEnd,
  travellingOf,
} from "../core/index.ts";
import { BlockItems, type ResultStream, type Source, map, mapStream } from "../flow/index.ts";
import { type AnyTask, type ModuleTask, type WorkerTask, onProgressOf, placeOf } from "./define-task.ts";
import { PoolClosedError } from "./errors.ts";
import { Call, type ItemSink, WorkerFailure } from "./internal/call.ts";
import { chunksOf } from "./internal/chunks.ts";
import { Dispatcher } from "./internal/dispatcher.ts";
import { decodeError } from "./internal/error-codec.ts";
import type { StartWorker, WorkerLink } from "./internal/link.ts";
import { unpacked } from "./internal/packed.ts";
import { type Calling, calling } from "./internal/protocol.ts";
import { ProgressListener } from "./internal/progress-listener.ts";
import { copyOf } from "./internal/serialize.ts";
import { TaskStream } from "./internal/task-stream.ts";
import { type AnyFunction, workerState } from "./internal/worker-state.ts";
import { transfersOfAll } from "./transfer.ts";

/** Settings of a pool, of threads or of processes. */
export interface WorkerPoolOptions {
  /** For messages and the names of its workers. @default "thread pool" or "process pool" */
  readonly name?: string;
  /** Workers at most; they are made as they are needed. 1 or more. @default the processors of this machine less one */
  readonly size?: number;
  /** So many calls may wait for a worker before `tryRun` refuses; `run` waits. 0 or more. @default Infinity */
  readonly maxQueue?: number;
  /** A worker that has had nothing to do for so long is ended, in milliseconds. @default 10_000 */
  readonly idleMs?: number;
  /**
   * How long a task that was cancelled may take to end, in milliseconds; then its worker is ended.
   * @default 100
   */
  readonly graceMs?: number;
  /**
   * How long a task may run, in milliseconds from when it has begun: time in the queue does not count. Then it is
   * stopped, and its caller gets a TimeoutError. @default Infinity
   */
  readonly timeoutMs?: number;
  /**
   * How long a worker may take until it can run tasks, with the modules that it loads and `init`, in milliseconds. Then
   * it is ended, and a call that waits for one gets a WorkerCrashedError. @default 60_000
   */
  readonly startMs?: number;
  /** Called in each worker before its first task. */
  readonly init?: (() => unknown) | ModuleTask<[]>;
}

/** The same, checked and complete. */
export interface PoolSettings {
  readonly kind: WorkerLink["kind"];
  readonly name: string;
  readonly size: number;
  readonly maxQueue: number;
  readonly idleMs: number;
  readonly graceMs: number;
  readonly timeoutMs: number;
  readonly startMs: number;
}

/** @throws {RangeError | TypeError} */
export function expectPoolOptions(kind: WorkerLink["kind"], options: WorkerPoolOptions): PoolSettings {
  const { name = `${kind} pool`, size = defaultSize(), maxQueue = Infinity } = options;
  const { idleMs = 10_000, graceMs = 100, timeoutMs = Infinity, startMs = 60_000 } = options;
  expectInteger("size", size, 1);
  expectInteger("maxQueue", maxQueue, 0);
  expectMs("idleMs", idleMs, 0);
  expectMs("graceMs", graceMs, 0);
  expectMs("timeoutMs", timeoutMs, 0);
  expectMs("startMs", startMs, 0);
  return { kind, name, size, maxQueue, idleMs, graceMs, timeoutMs, startMs };
}

/** Settings of `map` of a pool. */
export interface WorkerMapOptions {
  /**
   * How many items go to a thread at once: 1 or more, or `"auto"`, as many as take some milliseconds, by what the first
   * ones took. @default "auto"
   */
  readonly chunkSize?: number | "auto";
}

/** Settings of `mapStream` of a pool. */
export interface WorkerMapStreamOptions extends WorkerMapOptions {
  /** Results in the order of the items; `false`: chunk by chunk as they come. @default true */
  readonly ordered?: boolean;
}

/** The results of `mapStream` of a pool, or the items of `stream`. To be read once. */
export type WorkerItems<R> = AsyncIterableIterator<R, undefined> & AsyncDisposable;

/** What a pool is doing. */
export interface WorkerPoolStatistics {
  /** Workers at most. */
  readonly size: number;
  /** Workers that there are: those that begin and end included. */
  readonly workers: number;
  /** Calls that wait for a worker. */
  readonly waiting: number;
  /** Calls that are with a worker: running, or next in line there. */
  readonly inFlight: number;
  /** Calls that have come to an end in a worker, however they ended. */
  readonly completed: number;
  /**
   * Of each worker, the share of its time in which it was busy, from 0 to 1: of a thread, its event loop; of a process,
   * with a task.
   */
  readonly utilization: readonly number[];
  /** Workers that have ended by themselves, under a task or before their first, or could not be started. */
  readonly crashed: number;
}

/** Threads or processes that run functions. Made by `openThreadPool` and `openProcessPool`. */
export class WorkerPool implements AsyncDisposable {
  readonly #dispatcher: Dispatcher;
  readonly #maxQueue: number;
  /** In the scope in which the pool was opened; undefined where that is the program. */
  readonly #kept: Kept | undefined;
  /** A copy as it would arrive. */
  readonly #copyOf: (value: object) => unknown;

  /** @internal */
  constructor(settings: PoolSettings, start: StartWorker) {
    this.#maxQueue = settings.maxQueue;
    this.#copyOf = copyOf[settings.kind];
    this.#dispatcher = new Dispatcher({ ...settings, start });
    const scope = currentScope();
    this.#kept = isProgram(scope) ? undefined : new Kept(scope, settings.name, (isAsked) => this.#close(isAsked));
  }

  /**
   * Calls a function in a worker.
   *
   * What goes over is copied when it is sent, as by `structuredClone`; see {@link transfer}. The task runs in a scope of
   * its own there, so its checkpoints and its `scope.signal` know when it is cancelled, and `throwIfCancelled` does where
   * it never waits. Context variables go along where their values are data.
   *
   * Cancel: takes the call out of the queue. A task that has begun is told, and waited for; when it has not ended after
   * `graceMs`, its worker is ended. Native code in a thread cannot be stopped: it is not waited for, but its thread remains taken.
   *
   * @returns what the task returns
   * @throws what the task throws, with its name, message, code, fields, cause and stack
   * @throws {WorkerCrashedError} WORKER_CRASHED
   * @throws {NotCloneableError} WORKER_NOT_CLONEABLE
   * @throws {TaskNotFoundError} WORKER_TASK_NOT_FOUND
   * @throws {PoolClosedError} WORKER_POOL_CLOSED
   * @throws {TimeoutError} TIMEOUT, it ran longer than `timeoutMs`
   */
  run<A extends readonly unknown[], R>(task: WorkerTask<A, R>, ...args: A): Promise<Awaited<R>> {
    return this.#call(calling.once, task as AnyFunction, args) as Promise<Awaited<R>>;
  }

  /**
   * Calls a function in a worker unless `maxQueue` calls wait for one: then it returns undefined, and does nothing.
   *
   * Cancel: as {@link WorkerPool.run}.
   */
  tryRun<A extends readonly unknown[], R>(task: WorkerTask<A, R>, ...args: A): Promise<Awaited<R>> | undefined {
    const { waiting, freeWorkers } = this.#dispatcher;
    return waiting >= this.#maxQueue + freeWorkers ? undefined : this.run(task, ...args);
  }

  /**
   * Calls a function in workers for each item, many items at a time, and returns the results in the order of the items.
   *
   * Cancel: as {@link WorkerPool.run}, of all of them. Between items of a chunk a task need not look.
   *
   * @param items - any sync or async iterable; it is read as workers come for more
   * @throws the first error of the task; the other calls are cancelled
   *
   * @example
   * ```ts fragment
   * const hashes = await pool.map(passwords, hash);
   * ```
   */
  async map<T, R>(
    items: Source<T>,
    task: WorkerTask<[item: T], R>,
    options: WorkerMapOptions = {},
  ): Promise<Awaited<R>[]> {
    const { chunks, each, concurrency } = this.#inChunks<T, R>(items, task as AnyFunction, options);
    return joined(await map(chunks, each, { concurrency }));
  }

  /**
   * The same as a stream, in constant memory for any number of items: the source is read as results are.
   *
   * Cancel: as {@link WorkerPool.run}, of all that are under way. Leaving the loop does so too.
   *
   * @throws the first error of the task, after the results that were ready
   */
  mapStream<T, R>(
    items: Source<T>,
    task: WorkerTask<[item: T], R>,
    options: WorkerMapStreamOptions = {},
  ): WorkerItems<Awaited<R>> {
    const { ordered = true } = options;
    const { chunks, each, concurrency } = this.#inChunks<T, R>(items, task as AnyFunction, options);
    return new BlockItems(mapStream(chunks, each, { concurrency, ordered }));
  }

  /**
   * Reads what a task yields, a generator for instance, as it yields it. When 16 items are unread, the task waits.
   *
   * The task has its worker to itself until it has ended. It begins with the first item that is asked for.
   *
   * Cancel: stops the task, as {@link WorkerPool.run} does, and so does leaving the loop; its `finally` runs.
   *
   * @throws what {@link WorkerPool.run} throws, after the items before
   *
   * @example
   * ```ts fragment
   * for await (const row of pool.stream(parseRows, path)) console.log(row);
   * ```
   */
  stream<A extends readonly unknown[], T>(
    task: WorkerTask<A, Iterable<T> | AsyncIterable<T>>,
    ...args: A
  ): ResultStream<T> {
    const { name } = placeOf(task as AnyFunction);
    return new TaskStream<T>(name, (sink) => this.#call(calling.stream, task as AnyFunction, args, sink));
  }

  /** What the pool is doing right now. */
  statistics(): WorkerPoolStatistics {
    const { size, workers, waiting, inFlight, completed, crashed, utilization } = this.#dispatcher;
    return Object.freeze({ size, workers, waiting, inFlight, completed, crashed, utilization });
  }

  /**
   * Ends all workers, whatever they do. Who still waits for a task gets a PoolClosedError. A pool that was opened in a
   * scope is closed when that ends, if it was not before; then tasks that were cancelled have `graceMs` first.
   *
   * Cancel: closes all the same, and returns when no worker is left: native code is waited for.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#kept !== undefined) return this.#kept.close();
    await toItsEnd(`close ${this.#dispatcher.name}`, () => this.#close(true));
  }

  async #close(isAsked: boolean): Promise<void> {
    // What the scope has started was cancelled with it, and may take its time.
    if (!isAsked) await this.#dispatcher.drain();
    await this.#dispatcher.close();
  }

  #inChunks<T, R>(
    items: Source<T>,
    task: AnyTask,
    { chunkSize = "auto" }: WorkerMapOptions,
  ): {
    readonly chunks: Source<T[]>;
    readonly each: (chunk: T[]) => Promise<Awaited<R>[]>;
    readonly concurrency: number;
  } {
    if (chunkSize !== "auto") expectInteger("chunkSize", chunkSize, 1);
    const dispatcher = this.#dispatcher;
    const known = dispatcher.taskFor(task);
    const { size } = dispatcher;
    const wanted = chunkSize === "auto" ? undefined : chunkSize;
    return {
      chunks: chunksOf(items, wanted, size, () => known.averageMs),
      each: async (chunk) => unpacked((await this.#call(calling.each, task, chunk)) as unknown[]) as Awaited<R>[],
      // One that is done, and one that waits for it, so that no worker waits for the next.
      concurrency: size * 2,
    };
  }

  /** Not an async function: for each that is on the way of a short call, all calls take half as long again. */
  #call(how: Calling, task: AnyTask, args: readonly unknown[], sink?: ItemSink): Promise<unknown> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    try {
      checkNotLoading();
      const dispatcher = this.#dispatcher;
      const known = dispatcher.taskFor(task);
      if (dispatcher.isClosed) throw new PoolClosedError(dispatcher.name, known.name);
      const onProgress = onProgressOf(task);
      const listener = onProgress === undefined ? undefined : new ProgressListener(onProgress);
      const variables = travellingOf(currentFrame()?.bindings, this.#copyOf);
      const call = new Call(scope, how, known, args, transfersOfAll(args), variables, listener, sink);
      dispatcher.add(call);
      return call.promise.catch(decodeHere);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** An error that is made where a promise has failed has the stack of who waits for it. */
function decodeHere(error: unknown): never {
  throw error instanceof WorkerFailure ? decodeError(error.encoded, new Error("here").stack) : error;
}

/** `flat` takes five times as long, which is felt with very many results; but a call takes only so many arguments. */
function joined<R>(chunks: R[][]): R[] {
  return chunks.length <= 1_000 ? new Array<R>().concat(...chunks) : chunks.flat();
}

function defaultSize(): number {
  return Math.max(1, availableParallelism() - 1);
}

/** Otherwise each worker would make workers of its own, without end. */
function checkNotLoading(): void {
  const { loading } = workerState;
  if (loading === undefined) return;
  throw new Error(
    `A worker has loaded ${loading} to find a task in it, and that called a task. Put what the program does into \`if (import.meta.main) { ... }\``,
  );
}
