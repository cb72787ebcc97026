import { TaskCancelledError, looksCancelled } from "./errors.ts";
import type { Scope, ScopeNode } from "./scope.ts";
import type { Task } from "./task.ts";
import { Waiter } from "./waiter.ts";

/**
 * The wait of `group.start()`: for a task to say that it has started.
 *
 * Until then the caller owns the task's failure; from then on the group does.
 */
export class Started<V> extends Waiter<V> {
  readonly #name: string;
  #task: Task<unknown> | undefined = undefined;
  #hasStarted = false;

  constructor(caller: ScopeNode, name: string) {
    super(caller);
    this.#name = name;
  }

  describe(): string {
    return `task ${this.#name} to start`;
  }

  protected override leave(): void {
    this.#task?.cancel({ kind: "unneeded", why: "the caller of start() was cancelled" });
  }

  /** Says which task to cancel with the caller. */
  follow(task: Task<unknown>): void {
    this.#task = task;
    if (!this.isPending && !this.#hasStarted) this.leave();
  }

  /** The body of the task. */
  async run(fn: (started: (value: V) => void, scope: Scope) => unknown, scope: Scope): Promise<void> {
    try {
      await fn((value) => this.#start(value), scope);
      if (this.isPending) this.reject(new Error(`task ${this.#name} ended without calling started()`));
    } catch (error) {
      const isMine = this.isPending;
      const isCut = scope.cancelled !== undefined && looksCancelled(error);
      if (isMine) this.reject(isCut ? new TaskCancelledError(this.#name, scope.cancelled) : error);
      if (isCut || !isMine) throw error;
    }
  }

  #start(value: V): void {
    if (this.#hasStarted) throw new Error(`task ${this.#name} called started() twice`);
    this.#hasStarted = true;
    this.resolve(value);
  }
}
