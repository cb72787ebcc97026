import { enter } from "./ambient.ts";
import { Crew, type TaskOwner } from "./crew.ts";
import { arrive, openScope, refuse } from "./current.ts";
import { GroupClosedError } from "./errors.ts";
import { Failures } from "./failures.ts";
import type { CancelReason } from "./reason.ts";
import type { Scope, ScopeNode } from "./scope.ts";
import { Started } from "./started.ts";
import { type SpawnOptions, type Task, type TaskFunction, spawn } from "./task.ts";

/** A task function that says when it has started. */
export type StartFunction<V> = (started: (value: V) => void, scope: Scope) => unknown;

/** Tasks that end together: see {@link taskGroup}. */
export interface TaskGroup {
  /** The scope of body and tasks. */
  readonly scope: Scope;
  /**
   * Starts `fn` as a task: at once, up to its first await.
   *
   * In a cancelled group it runs to its first checkpoint.
   *
   * @throws {GroupClosedError} GROUP_CLOSED, the group has ended
   */
  spawn<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T>;
  /**
   * Starts `fn` as a task and waits until it calls `started(value)`: until the server listens, the worker is ready.
   * The task then goes on in the group. If it fails before, only this call rejects, and the group goes on.
   *
   * Cancel: cancels the task.
   *
   * @returns the value passed to `started`
   * @throws {GroupClosedError} GROUP_CLOSED, the group has ended
   */
  start<V = void>(fn: StartFunction<V>, options?: SpawnOptions): Promise<V>;
  /** Cancels body and tasks. The group then resolves with the body's value, or undefined if that was cut short. */
  cancel(reason?: string | CancelReason): void;
}

/** Settings of a task group. */
export interface TaskGroupOptions {
  /** What it is called in messages. @default "group" */
  readonly name?: string;
  /**
   * `true`: the first failure cancels the others and is thrown. `false`: all run to their end, and the failures are
   * thrown together as an AggregateError.
   * @default true
   */
  readonly failFast?: boolean;
}

export class GroupNode implements TaskGroup, TaskOwner {
  readonly scope: ScopeNode;
  readonly #failFast: boolean;
  readonly #failures = new Failures();
  #spawned = 0;
  /** Whether work is missing because a scope around the group was cancelled. */
  #isCutFromAround = false;

  constructor(scope: ScopeNode, failFast: boolean) {
    this.scope = scope;
    this.#failFast = failFast;
    scope.crew = new Crew(scope, this);
  }

  spawn<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T> {
    if (this.scope.isClosed) throw new GroupClosedError(this.scope.name, options?.name ?? (fn.name || "task"));
    this.#spawned++;
    return spawn(this.scope, fn, options);
  }

  start<V>(fn: StartFunction<V>, options?: SpawnOptions): Promise<V> {
    const name = options?.name ?? (fn.name || "task");
    if (this.scope.isClosed) return Promise.reject(new GroupClosedError(this.scope.name, name));
    const caller = arrive();
    if (caller.stop !== undefined) return refuse(caller);
    const started = new Started<V>(caller, name);
    started.follow(this.spawn((scope) => started.run(fn, scope), { ...options, name }));
    return started.promise;
  }

  cancel(reason?: string | CancelReason): void {
    this.scope.cancel(reason);
  }

  taskFailed(name: string, error: unknown): void {
    this.#failures.add(error);
    if (this.#failFast) this.scope.cancel({ kind: "sibling-failed", task: name, error });
  }

  taskCancelled(): void {
    this.#isCutFromAround = true;
  }

  /** Runs the body, waits for all tasks, ends the scope, and says how it went: the value, or what to throw. */
  async run<T>(body: () => T | PromiseLike<T>): Promise<T | undefined> {
    const { scope } = this;
    let value: T | undefined;
    try {
      value = await enter(scope, body, undefined, undefined);
    } catch (error) {
      this.#bodyFailed(error);
    }
    while (scope.hasTasks) await scope.crew!.drain();
    const outer = scope.outerCancellation;
    scope.close();
    if (this.#failures.count > 0) throw this.#failFast ? this.#failures.first() : this.#failures.all(this.#spawned);
    if (outer !== undefined && this.#isCutFromAround) throw outer;
    return value;
  }

  #bodyFailed(error: unknown): void {
    if (this.scope.cancellationBehind(error) !== undefined) {
      this.#isCutFromAround ||= this.scope.outerCancellation !== undefined;
      return;
    }
    this.#spawned++;
    this.taskFailed(`the body of ${this.scope.name}`, error);
  }
}

/**
 * Runs `body`, which may spawn tasks, and returns its value when all of them have ended. No task outlives the call.
 *
 * The first failure cancels the rest; when all have ended that error itself is thrown, with errors that came after it
 * in its `suppressed` array. With `failFast: false` nobody is cancelled, and all failures are thrown together.
 *
 * Cancel: body and tasks are cancelled and waited for.
 *
 * @returns the body's value; undefined, which the type does not say, if {@link Scope.cancel} cut it short
 * @throws the first failure, or an AggregateError where it cannot carry the others, or of all with `failFast: false`
 *
 * @example
 * ```ts
 * import { sleep, taskGroup } from "taskwright";
 *
 * const total = await taskGroup(async (group) => {
 *   const one = group.spawn(async () => (await sleep(20), 1));
 *   const two = group.spawn(async () => (await sleep(10), 2));
 *   return (await one.join()) + (await two.join());
 * });
 * console.log(total); // => 3
 * ```
 */
export async function taskGroup<T>(
  body: (group: TaskGroup, scope: Scope) => T | PromiseLike<T>,
  options: TaskGroupOptions = {},
): Promise<T> {
  const scope = openScope(options.name ?? "group");
  const group = new GroupNode(scope, options.failFast ?? true);
  return group.run(() => body(group, scope)) as Promise<T>;
}
