import { getEventListeners } from "node:events";
import { type Probe, ScopeNode, type Shared, type Waiter, enter } from "../../core/index.ts";
import { HeldBefore } from "./held.ts";

/** Sees what a tree uses, and says afterwards what has not come back. */
export class LeakWatch implements Probe {
  readonly #around: Probe | undefined;
  readonly #held = new HeldBefore();
  readonly #signals: { readonly scope: string; readonly signal: AbortSignal }[] = [];
  readonly #leftBehind: string[] = [];
  readonly #leftScopes = new WeakSet<ScopeNode>();

  /** @param around - that of the tree around, which goes on seeing what this one sees */
  constructor(around?: Probe) {
    this.#around = around;
  }

  arrived(scope: ScopeNode, at: Shared | undefined): void {
    if (at !== undefined) this.#held.touch(at);
    this.#around?.arrived(scope, at);
  }

  signalMade(scope: ScopeNode, signal: AbortSignal): void {
    this.#signals.push({ scope: scope.name, signal });
    this.#around?.signalMade(scope, signal);
  }

  leftBehind(scope: ScopeNode, what: ScopeNode | Waiter<unknown>): void {
    // What is in a scope that was left behind is told with that.
    if (!this.#leftScopes.has(scope)) {
      const name = what instanceof ScopeNode ? what.name : `a wait for ${what.describe()}`;
      this.#leftBehind.push(`${name} in ${scope.name}, which nobody awaits`);
    }
    if (what instanceof ScopeNode) this.#leftScopes.add(what);
    this.#around?.leftBehind(scope, what);
  }

  /** Waits and scopes that nobody awaited, and what is held of shared things; on the clock of `root`, which has ended. */
  left(root: ScopeNode): string[] {
    return [...this.#leftBehind, ...enter(root, () => this.#held.more(), undefined, undefined)];
  }

  /** Listeners on signals that have not aborted, of scopes that have ended. */
  listeners(): string[] {
    const counts = this.#signals
      .filter(({ signal }) => !signal.aborted)
      .map(({ scope, signal }) => ({ scope, count: getEventListeners(signal, "abort").length }));
    return counts
      .filter(({ count }) => count > 0)
      .map(({ scope, count }) => `${count} ${count === 1 ? "listener" : "listeners"} on the signal of ${scope}`);
  }
}
