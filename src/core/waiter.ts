import { Link } from "./linked-list.ts";
import { type ScopeNode, stopError } from "./scope.ts";

/**
 * One wait: a promise that its scope can end.
 *
 * Pending until it is resolved, rejected or cancelled, whichever comes first. **Value first**: the moment it is
 * resolved it leaves its scope, so a cancellation that comes later does not reach it, and what was granted is received.
 * A subclass is the wait of one primitive: it says how to leave the queue it stands in, and what it waits for.
 */
export abstract class Waiter<T> extends Link {
  /** The scope that can cancel this wait; null once it has ended. */
  scope: ScopeNode | null;
  previousInScope: Waiter<unknown> | null = null;
  nextInScope: Waiter<unknown> | null;
  readonly promise: Promise<T>;
  // Takes a T. Typed `never` so that waits of all types fit into one list.
  readonly #resolve: (value: never) => void;
  readonly #reject: (error: unknown) => void;

  /**
   * @param scope - that of the running code; see {@link arrive}
   * @throws the scope's Cancelled or a ScopeClosedError, if it may not wait any more
   */
  constructor(scope: ScopeNode) {
    super();
    if (scope.stop !== undefined) throw stopError(scope);
    this.promise = new Promise<T>(takeSettlers);
    this.#resolve = resolver;
    this.#reject = rejecter;
    this.scope = scope;
    this.nextInScope = scope.firstWaiter;
    if (scope.firstWaiter !== null) scope.firstWaiter.previousInScope = this;
    scope.firstWaiter = this;
  }

  /** Whether it still waits. */
  get isPending(): boolean {
    return this.scope !== null;
  }

  /** Whether something outside the tree ends this wait, such as I/O. Virtual time stands still meanwhile. */
  get isExternal(): boolean {
    return false;
  }

  /** Whether it ends by itself, with the next turn of the loop: its task does not wait, it lets others run. */
  get isYielding(): boolean {
    return false;
  }

  /** Whether it can only end by being cancelled. */
  get isEndless(): boolean {
    return false;
  }

  /** What it waits for, for people: `Semaphore "db", 3rd of 12`. */
  abstract describe(): string;

  /**
   * Leaves the queue it stands in, or stops the work it waits for. Called once, while still pending, before `error`, a
   * cancellation or the end of the scope, rejects it.
   */
  protected abstract leave(error: Error): void;

  /** Ends the wait with a value. Does nothing if it has ended. */
  resolve(value: T): void {
    const scope = this.scope;
    if (scope === null) return;
    this.#leaveScope(scope);
    const { conductor } = scope.tree;
    if (conductor === undefined) this.#resolve(value as never);
    else conductor.wake(scope, () => this.#resolve(value as never));
  }

  /** Ends the wait with an error. Does nothing if it has ended. */
  reject(error: unknown): void {
    const scope = this.scope;
    if (scope === null) return;
    this.#leaveScope(scope);
    const { conductor } = scope.tree;
    if (conductor === undefined) this.#reject(error);
    else conductor.wake(scope, () => this.#reject(error));
  }

  /** Ends the wait because its scope was cancelled or closed. Does nothing if it has ended. */
  cut(error: Error): void {
    if (this.scope === null) return;
    this.leave(error);
    this.reject(error);
  }

  #leaveScope(scope: ScopeNode): void {
    const { previousInScope, nextInScope } = this;
    if (previousInScope === null) scope.firstWaiter = nextInScope;
    else previousInScope.nextInScope = nextInScope;
    if (nextInScope !== null) nextInScope.previousInScope = previousInScope;
    this.previousInScope = null;
    this.nextInScope = null;
    this.scope = null;
  }
}

// One executor for all promises: a closure for each would double what a wait allocates.
let resolver: (value: never) => void;
let rejecter: (error: unknown) => void;
function takeSettlers(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  resolver = resolve;
  rejecter = reject;
}
