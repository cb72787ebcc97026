import { type ScopeNode, Timer, Waiter, afterThisTurn, arrive, busyTasks, realClock, refuse } from "../core/index.ts";

/** How often a busy tree is looked at in each turn of the loop before the looking slows down. */
const eagerLooks = 100;

/**
 * Waits until every other task of the tree waits: at a checkpoint, asleep, or for a promise made `interruptible`.
 *
 * In place of a sleep that is hoped to be long enough. Virtual time stands still meanwhile. A task that awaits a foreign
 * promise as it is cannot be told from one that computes, and is waited for.
 *
 * Costs a walk through the tree for each turn of the loop.
 *
 * Cancel: rejects at once.
 *
 * @example
 * ```ts
 * import { Semaphore, taskGroup } from "taskwright";
 * import { waitUntilAllBlocked } from "taskwright/testing";
 *
 * const semaphore = new Semaphore(1);
 * await taskGroup(async (group) => {
 *   using _permit = await semaphore.acquire();
 *   const second = group.spawn(() => semaphore.run(() => {}));
 *   await waitUntilAllBlocked();
 *   console.log(second.state, semaphore.statistics().waiting); // => running 1
 * });
 * ```
 */
export function waitUntilAllBlocked(): Promise<void> {
  const scope = arrive();
  return scope.stop === undefined ? new AllBlocked(scope).promise : refuse(scope);
}

class AllBlocked extends Waiter<void> {
  readonly #root: ScopeNode;
  readonly #lookLater = new Timer(() => afterThisTurn(this));
  #looks = 0;

  constructor(scope: ScopeNode) {
    super(scope);
    this.#root = scope.tree.root;
    afterThisTurn(this);
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "all other tasks to wait";
  }

  resume(): void {
    if (!this.isPending) return;
    if (busyTasks(this.#root, (wait) => !wait.isYielding).length === 0) this.resolve();
    else if (++this.#looks < eagerLooks) afterThisTurn(this);
    else realClock.schedule(realClock.now() + 1, this.#lookLater);
  }

  protected override leave(): void {
    this.#lookLater.cancel();
  }
}
