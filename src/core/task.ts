import { enter } from "./ambient.ts";
import { Crew } from "./crew.ts";
import { arrive, currentScope, refuse } from "./current.ts";
import { TaskCancelledError } from "./errors.ts";
import { grant } from "./grant.ts";
import { LinkedList } from "./linked-list.ts";
import { nativePromise } from "./native-promise.ts";
import { QueuedWaiter } from "./queued-waiter.ts";
import type { CancelReason } from "./reason.ts";
import { type Scope, ScopeNode } from "./scope.ts";

/** Where a task stands. */
export type TaskState = "running" | "done" | "failed" | "cancelled";

/**
 * One running async function, owned by a group.
 *
 * Not a promise, and not to be awaited: the group waits for it. `join()` is for its value.
 */
export interface Task<T> {
  /** Unique in the process. */
  readonly id: number;
  /** What it is called in messages. */
  readonly name: string;
  /** Where it stands. */
  readonly state: TaskState;
  /**
   * Waits for the task's value.
   *
   * Cancel: stops waiting; the task goes on.
   *
   * @throws {TaskCancelledError} TASK_CANCELLED, the task was cancelled
   * @throws what the task threw; its group fails all the same
   */
  join(): Promise<T>;
  /** Cancels this task alone. Its group goes on. */
  cancel(reason?: string | CancelReason): void;
}

/** Settings of a task. */
export interface SpawnOptions {
  /** What it is called in messages. @default the function's name */
  readonly name?: string;
  /** Cancelled when all other tasks of the group have ended. For what serves them. @default false */
  readonly daemon?: boolean;
}

/** What a task runs: an async function, or one that returns at once. */
export type TaskFunction<T> = (scope: Scope) => T | PromiseLike<T>;

let lastId = 0;

/**
 * A task and its scope, in one object.
 *
 *     running ── returned ──> done
 *        ├────── threw ─────> failed
 *        └────── threw the trace of its cancellation ──> cancelled
 */
export class TaskNode<T> extends ScopeNode implements Task<T> {
  readonly id: number = ++lastId;
  readonly #isDaemon: boolean;
  state: TaskState = "running";
  /** The value when done, the error when failed, the reason when cancelled. */
  #result: unknown = undefined;
  #joiners: LinkedList<JoinWaiter<T>> | undefined = undefined;

  constructor(parent: ScopeNode, name: string, isDaemon: boolean) {
    super(parent, parent.tree, name);
    this.#isDaemon = isDaemon;
    this.flows = 1;
    parent.crew ??= new Crew(parent);
    parent.crew.add(isDaemon);
  }

  /** Runs `fn` as this task's body, up to its first await. */
  start(fn: TaskFunction<T>): void {
    let begun: Begun<T>;
    try {
      begun = enter(this, begin<T>, this, fn);
    } catch (error) {
      return this.failed(error);
    }
    if (begun !== pending) this.returned(begun.value);
  }

  join(): Promise<T> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    switch (this.state) {
      case "running":
        return this.#wait(scope);
      case "done":
        return grant(scope, this.#result as T);
      default:
        return Promise.reject(this.#joinError());
    }
  }

  override get isTask(): boolean {
    return true;
  }

  override get isDaemon(): boolean {
    return this.#isDaemon;
  }

  /** A daemon is told that nobody needs it any more. */
  dismiss(): void {
    this.cancel({ kind: "unneeded", why: "all other tasks of the group have ended" });
  }

  #wait(scope: ScopeNode): Promise<T> {
    if (scope.isWithin(this)) {
      return Promise.reject(new Error(`task ${this.name} joins itself, and would wait for ever`));
    }
    this.#joiners ??= new LinkedList();
    const waiter = new JoinWaiter<T>(scope, this.name);
    this.#joiners.push(waiter);
    return waiter.promise;
  }

  /** The body has returned. */
  returned(value: T): void {
    if (this.hasTasks) void this.crew!.drain().then(() => this.returned(value));
    else this.#end("done", value);
  }

  /** The body has thrown. */
  failed(error: unknown): void {
    if (this.hasTasks) void this.crew!.drain().then(() => this.failed(error));
    else this.#classify(error);
  }

  #classify(error: unknown): void {
    const cancellation = this.cancellationBehind(error);
    if (cancellation === undefined) this.#end("failed", error);
    else this.#end("cancelled", cancellation.reason);
  }

  #end(state: TaskState, result: unknown): void {
    this.state = state;
    this.#result = result;
    this.flows = 0;
    const parent = this.parent!;
    const isCutFromAround = state === "cancelled" && this.outerCancellation !== undefined;
    this.close();
    const crew = parent.crew!;
    if (state === "failed") crew.owner?.taskFailed(this.name, result);
    else if (isCutFromAround && !this.isDaemon) crew.owner?.taskCancelled?.(this.name);
    crew.remove(this.isDaemon);
    this.#tellJoiners();
  }

  #tellJoiners(): void {
    const joiners = this.#joiners;
    if (joiners === undefined) return;
    this.#joiners = undefined;
    for (let joiner = joiners.shift(); joiner !== undefined; joiner = joiners.shift()) {
      if (this.state === "done") joiner.resolve(this.#result as T);
      else joiner.reject(this.#joinError());
    }
  }

  #joinError(): unknown {
    if (this.state === "failed") return this.#result;
    return new TaskCancelledError(this.name, this.#result as CancelReason);
  }
}

class JoinWaiter<T> extends QueuedWaiter<T> {
  readonly #task: string;

  constructor(scope: ScopeNode, task: string) {
    super(scope);
    this.#task = task;
  }

  describe(): string {
    return `task ${this.#task} to end`;
  }
}

/** What came of calling a task's body: a promise, which is seen to, or a value at once. */
type Begun<T> = typeof pending | { readonly value: T };
const pending = "pending";

/**
 * Calls the body of `task`, inside its frame. That is where a promise gets its handlers, too: they find the task by the
 * frame, so one pair of functions serves all tasks, where two closures for each would be a third of what a task weighs.
 */
function begin<T>(task: TaskNode<T>, fn: TaskFunction<T>): Begun<T> {
  const result = fn(task);
  if (!isThenable(result)) return { value: result };
  nativePromise(result).then(bodyReturned, bodyFailed);
  return pending;
}

function bodyReturned(value: unknown): void {
  (currentScope() as TaskNode<unknown>).returned(value);
}

function bodyFailed(error: unknown): void {
  (currentScope() as TaskNode<unknown>).failed(error);
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** Spawns a task into `parent`. */
export function spawn<T>(parent: ScopeNode, fn: TaskFunction<T>, options: SpawnOptions | undefined): TaskNode<T> {
  const task = new TaskNode<T>(parent, options?.name ?? (fn.name || "task"), options?.daemon ?? false);
  task.start(fn);
  return task;
}
