import { type AsyncHook, createHook } from "node:async_hooks";
import { type ScopeNode, currentFrame } from "../../core/index.ts";

/**
 * Sees which timers of the platform code below a root sets.
 *
 * Counting all timers of the process would not do: a test runner has its own, which come and go. Node tells of each as
 * it is made, in the context of who made it. Promises are left out, or watching would cost their whole speed.
 */
export class TimerWatch implements Disposable {
  readonly #root: ScopeNode;
  readonly #set = new Map<number, NodeJS.Timeout>();
  readonly #hook: AsyncHook;

  constructor(root: ScopeNode) {
    this.#root = root;
    this.#hook = createHook({
      init: (id, type, _trigger, resource) => {
        if (type === "Timeout" && this.#isBelowRoot()) this.#set.set(id, resource as NodeJS.Timeout);
      },
      destroy: (id) => void this.#set.delete(id),
      trackPromises: false,
    });
    this.#hook.enable();
  }

  /** Timers that are set and keep the process alive. */
  get count(): number {
    let count = 0;
    for (const timer of this.#set.values()) if (timer.hasRef()) count++;
    return count;
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }

  #isBelowRoot(): boolean {
    let scope: ScopeNode | null = currentFrame()?.scope ?? null;
    while (scope !== null && scope !== this.#root) scope = scope.parent;
    return scope !== null;
  }
}
