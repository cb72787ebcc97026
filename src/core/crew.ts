import { grant } from "./grant.ts";
import type { ScopeNode } from "./scope.ts";
import type { TaskNode } from "./task.ts";

/** Hears how the tasks of a scope end. A task group is one. */
export interface TaskOwner {
  taskFailed(name: string, error: unknown): void;
  /** The task is missing because a scope around its own was cancelled; left out where that cannot be. */
  taskCancelled?(name: string): void;
}

/** The tasks that live in a scope. Most scopes have none, so it is made with the first. */
export class Crew {
  readonly owner: TaskOwner | undefined;
  /** All of them, the daemons included. */
  size = 0;
  readonly #scope: ScopeNode;
  #daemons = 0;
  #drained: (() => void) | undefined = undefined;
  /** The number of the newest daemon that has been dismissed. */
  #dismissedUpTo = 0;

  constructor(scope: ScopeNode, owner?: TaskOwner) {
    this.#scope = scope;
    this.owner = owner;
  }

  add(isDaemon: boolean): void {
    this.size++;
    if (isDaemon) this.#daemons++;
  }

  remove(isDaemon: boolean): void {
    this.size--;
    if (isDaemon) this.#daemons--;
    if (this.#drained !== undefined) this.#checkDrained(this.#drained);
  }

  /**
   * Waits until no task is left. As soon as only daemons are, they are cancelled. Cannot be cancelled itself.
   *
   * Before whoever calls it goes on, somebody who joined the last task may have spawned another: look again.
   */
  async drain(): Promise<void> {
    this.#scope.flows--;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      this.#checkDrained(resolve);
    });
    this.#drained = undefined;
    this.#scope.flows++;
    // The end of the last task is where others may go on first, like the end of a wait.
    if (this.#scope.tree.conductor !== undefined) await grant(this.#scope, undefined);
  }

  #checkDrained(drained: () => void): void {
    if (this.size === 0) drained();
    else if (this.size === this.#daemons) this.#dismissDaemons();
  }

  /** Each is dismissed once: this is called again as each of them ends, and they may be very many. */
  #dismissDaemons(): void {
    const before = this.#dismissedUpTo;
    // Newest first.
    for (let child = this.#scope.firstChild; child !== null; child = child.nextSibling) {
      if (!child.isDaemon) continue;
      const daemon = child as TaskNode<unknown>;
      if (daemon.id <= before) return;
      // Set before whoever hears of it spawns more of them.
      this.#dismissedUpTo = Math.max(this.#dismissedUpTo, daemon.id);
      daemon.dismiss();
    }
  }
}
