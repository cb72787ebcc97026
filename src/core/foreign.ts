import { outside } from "./ambient.ts";
import { looksCancelled } from "./errors.ts";
import { LinkedList } from "./linked-list.ts";
import { nativePromise } from "./native-promise.ts";
import type { ScopeNode } from "./scope.ts";
import type { Straggler, Tree } from "./tree.ts";
import { Waiter } from "./waiter.ts";

/** Promises that are waited for, or were, and have not settled. */
const pending = new WeakMap<object, ForeignPromise<unknown>>();

/** What we know of `promise`, or of what a function or a hand-made thenable gave in its place. */
export function foreignPromise<T>(promise: PromiseLike<T>): ForeignPromise<T> {
  // A thenable may do something else each time it is asked, so each time counts for itself.
  const key = promise instanceof Promise ? promise : nativePromise(promise);
  return (pending.get(key) as ForeignPromise<T> | undefined) ?? new ForeignPromise<T>(key);
}

/**
 * A promise that no scope can stop, with all who wait for it.
 *
 * It is listened to once, however often it is waited for and given up: what is attached to a promise cannot be taken
 * back, so a handler for each wait would stay as long as the promise.
 */
export class ForeignPromise<T> extends LinkedList<ForeignWaiter<T>> {
  readonly #key: Promise<T>;
  /** The scope that gave it up first. */
  #givenUpIn: string | undefined = undefined;
  /** In each tree that gave it up and has not ended, its entry among the stragglers. */
  #entries: Map<Tree, Straggler> | undefined = undefined;

  constructor(key: Promise<T>) {
    super();
    this.#key = key;
    // Handlers keep the context in which they were attached: of the first who waits, as long as the promise lives.
    outside(() => this.#listen(nativePromise(key)));
    pending.set(key, this);
  }

  /** Lists it, until it settles, as what `scope` has stopped waiting for. */
  giveUp(scope: ScopeNode): void {
    const { tree } = scope;
    this.#givenUpIn ??= scope.name;
    const entries = (this.#entries ??= new Map<Tree, Straggler>());
    if (tree.hasEnded || entries.has(tree)) return;
    const entry = { scope: scope.name, sinceMs: tree.clock.now(), release: () => void entries.delete(tree) };
    entries.set(tree, entry);
    tree.stragglers.add(entry);
  }

  #listen(promise: Promise<T>): void {
    promise.then(
      (value) => this.#fulfilled(value),
      (error: unknown) => this.#rejected(error),
    );
  }

  #fulfilled(value: T): void {
    this.#settled();
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.resolve(value);
  }

  #rejected(error: unknown): void {
    this.#settled();
    // Where somebody waits again the error is not late.
    if (this.#givenUpIn !== undefined && this.size === 0 && !looksCancelled(error)) reportLate(this.#givenUpIn, error);
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) waiter.reject(error);
  }

  #settled(): void {
    pending.delete(this.#key);
    if (this.#entries !== undefined) for (const [tree, entry] of this.#entries) tree.stragglers.delete(entry);
  }
}

function reportLate(scope: string, error: unknown): void {
  const warning = new Error(`A promise that ${scope} had stopped waiting for failed later`, { cause: error });
  warning.name = "TaskwrightLateError";
  process.emitWarning(warning);
}

/** One wait for a foreign promise. */
export class ForeignWaiter<T> extends Waiter<T> {
  readonly #foreign: ForeignPromise<T>;
  readonly #controller: AbortController | undefined;

  /** @param controller - of the function whose promise it is, to be told when nobody waits any more */
  constructor(scope: ScopeNode, foreign: ForeignPromise<T>, controller: AbortController | undefined) {
    super(scope);
    this.#foreign = foreign;
    this.#controller = controller;
    foreign.push(this);
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "a foreign promise";
  }

  protected override leave(error: Error): void {
    this.#foreign.remove(this);
    this.#foreign.giveUp(this.scope!);
    this.#controller?.abort(error);
  }
}
