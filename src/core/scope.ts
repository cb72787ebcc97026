import { Frame } from "./ambient.ts";
import { cutOff } from "./cancel.ts";
import type { Crew } from "./crew.ts";
import { expectMs } from "./expect.ts";
import { Cancelled, ScopeClosedError, looksCancelled } from "./errors.ts";
import { type CancelReason, expectReason } from "./reason.ts";
import { Timer } from "./timer-queue.ts";
import type { Tree } from "./tree.ts";
import type { Waiter } from "./waiter.ts";

/** A region of code with its own cancellation and deadline. Scopes form one tree. */
export interface Scope {
  /** What it is called in messages and in the tree of tasks. */
  readonly name: string;
  /** Aborts when the scope is cancelled. For platform calls: `fetch(url, { signal: scope.signal })`. Made when read. */
  readonly signal: AbortSignal;
  /** Why the scope was cancelled, by itself or from around it, or undefined. */
  readonly cancelled: CancelReason | undefined;
  /**
   * When the scope is cancelled by itself, in milliseconds of {@link now}; `Infinity` if never. May be moved, also
   * into the past, until the scope is cancelled or has ended.
   */
  deadline: number;
  /**
   * Cancels everything in the scope: each checkpoint in it throws {@link Cancelled} from now on. Only the first call
   * counts.
   *
   * If the function that was given this scope is cut short by it, instead of returning a value all the same or failing,
   * the call that it was given to
   *
   * - resolves with undefined: `cancelScope`, `moveOnAfter`, and also `run` and `taskGroup`, **whose types do not say so**,
   *   because hardly anybody cancels them from within. Who does, or sets a `deadline` on their scope, checks the result;
   * - throws the Cancelled, for it promises a value: `timeout`, `deadlineAt`, `shield`, `map`;
   * - goes on without: a group one of whose tasks was cancelled. Who needs that task's value gets a
   *   {@link TaskCancelledError}, from `join` as from `gather` and `race`.
   *
   * The scope that `retry` passes on is the one around it.
   *
   * @param reason - why, as a sentence or as one of the kinds of {@link CancelReason}
   * @throws {TypeError} `reason` is something else, such as an error; nothing is cancelled
   */
  cancel(reason?: string | CancelReason): void;
}

/** In place of a cancellation, what checkpoints of an ended scope meet. */
export const closed: unique symbol = Symbol("closed");

/**
 * A scope, as the modules of this package see it.
 *
 * It is one object with few fields, and the context frame of its own code, because there is one for each task. Children
 * and waits hang in lists through themselves, so that opening, closing and leaving are O(1).
 *
 *     open ── cancel() or the scope around ──> cancelled ── close() ──> closed
 *       └──────────────────────────── close() ──────────────────────────┘
 */
export class ScopeNode extends Frame implements Scope {
  readonly tree: Tree;
  readonly parent: ScopeNode | null;
  readonly name: string;
  /** Whether cancellation from around stops here. */
  readonly isShield: boolean;

  /** What every checkpoint in here throws: undefined while open, a Cancelled, or {@link closed}. */
  stop: Cancelled | typeof closed | undefined;
  /** This scope's own cancellation, as opposed to one from around it; of an ended scope, the one that reached it. */
  own: Cancelled | undefined = undefined;

  firstChild: ScopeNode | null = null;
  previousSibling: ScopeNode | null = null;
  nextSibling: ScopeNode | null = null;
  firstWaiter: Waiter<unknown> | null = null;

  /** The tasks that live in this scope; undefined until the first. */
  crew: Crew | undefined = undefined;
  /** Async functions started here, less those parked until others of the scope have ended. See flows.ts. */
  flows = 0;
  #deadline: DeadlineTimer | undefined = undefined;
  #watch: Timer | undefined = undefined;
  #controller: AbortController | undefined = undefined;

  constructor(parent: ScopeNode | null, tree: Tree, name: string, isShield = false) {
    super();
    this.tree = tree;
    this.parent = parent;
    this.name = name;
    this.isShield = isShield;
    this.stop = isShield || parent === null || parent.stop === closed ? undefined : parent.stop;
    if (parent !== null) this.#join(parent);
  }

  get scope(): ScopeNode {
    return this;
  }

  get cancelled(): CancelReason | undefined {
    const { stop } = this;
    return stop === undefined || stop === closed ? this.own?.reason : stop.reason;
  }

  /** Whether this is a task, whose flows are counted apart from those of the scope around it. */
  get isTask(): boolean {
    return false;
  }

  /** Whether this is a task that nobody waits for. */
  get isDaemon(): boolean {
    return false;
  }

  /** Whether tasks live here. */
  get hasTasks(): boolean {
    return this.crew !== undefined && this.crew.size > 0;
  }

  get isClosed(): boolean {
    return this.stop === closed;
  }

  /** Whether this scope is `outer` or inside it. */
  isWithin(outer: ScopeNode): boolean {
    let around: ScopeNode | null = this;
    while (around !== null && around !== outer) around = around.parent;
    return around !== null;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.stop !== undefined) this.abortSignal(stopError(this));
      this.tree.probe?.signalMade(this, this.#controller.signal);
    }
    return this.#controller.signal;
  }

  /** Whether somebody has asked for the signal. */
  get hasSignal(): boolean {
    return this.#controller !== undefined;
  }

  abortSignal(error: Error): void {
    this.#controller?.abort(error);
  }

  get deadline(): number {
    return this.#deadline?.atMs ?? Infinity;
  }

  set deadline(atMs: number) {
    expectMs("deadline", atMs);
    if (this.own !== undefined || this.isClosed) return;
    this.#deadline?.cancel();
    this.#deadline = atMs === Infinity ? undefined : new DeadlineTimer(this, atMs);
    const { clock } = this.tree;
    if (atMs <= clock.now()) this.#deadline!.fire();
    else if (this.#deadline !== undefined) clock.schedule(atMs, this.#deadline);
  }

  /** Calls `look` in `ms` milliseconds, unless the scope has ended by then. */
  watch(ms: number, look: () => void): void {
    const { clock } = this.tree;
    this.#watch = new Timer(look);
    clock.schedule(clock.now() + ms, this.#watch);
  }

  cancel(reason?: string | CancelReason): void {
    if (this.own !== undefined || this.isClosed) return;
    this.own = new Cancelled(expectReason(reason));
    this.#deadline?.cancel();
    cutOff(this, this.own);
  }

  /** The nearest cancellation around this scope that reaches it, without its own. */
  get outerCancellation(): Cancelled | undefined {
    let outermost: Cancelled | undefined;
    for (let scope: ScopeNode = this; !scope.isShield && scope.parent !== null;) {
      scope = scope.parent;
      if (scope.own !== undefined) outermost = scope.own;
    }
    return outermost;
  }

  /**
   * The cancellation that `error`, arriving at the edge of this scope, is the trace of: that of the outermost
   * cancelled scope. Undefined if it is an error in its own right.
   */
  cancellationBehind(error: unknown): Cancelled | undefined {
    return looksCancelled(error) ? (this.outerCancellation ?? this.own) : undefined;
  }

  /**
   * Ends the scope. Waits and scopes that are left in it belong to code that nobody awaited: they get a
   * ScopeClosedError, now or at their next checkpoint.
   */
  close(): void {
    if (this.stop === closed) return;
    // What `cancelled` has said it still says afterwards.
    if (this.stop !== undefined) this.own = this.stop;
    this.stop = closed;
    this.#deadline?.cancel();
    this.#watch?.cancel();
    if (this.parent !== null) this.#leave(this.parent);
    while (this.firstChild !== null) {
      this.tree.probe?.leftBehind(this, this.firstChild);
      this.firstChild.close();
    }
    while (this.firstWaiter !== null) {
      this.tree.probe?.leftBehind(this, this.firstWaiter);
      this.firstWaiter.cut(stopError(this));
    }
  }

  #join(parent: ScopeNode): void {
    const next = parent.firstChild;
    this.nextSibling = next;
    if (next !== null) next.previousSibling = this;
    parent.firstChild = this;
  }

  #leave(parent: ScopeNode): void {
    const { previousSibling, nextSibling } = this;
    if (previousSibling === null) parent.firstChild = nextSibling;
    else previousSibling.nextSibling = nextSibling;
    if (nextSibling !== null) nextSibling.previousSibling = previousSibling;
    this.previousSibling = null;
    this.nextSibling = null;
  }
}

class DeadlineTimer extends Timer {
  readonly atMs: number;

  constructor(scope: ScopeNode, atMs: number) {
    super(() => scope.cancel({ kind: "deadline", deadline: atMs }));
    this.atMs = atMs;
  }
}

/** What a checkpoint in a stopped scope throws. */
export function stopError(scope: ScopeNode): Error {
  if (scope.stop !== closed && scope.stop !== undefined) return scope.stop;
  return new ScopeClosedError(scope.name, isCancelledAnywhere(scope));
}

/** Whether the scope or one around it was cancelled, shields or not. */
function isCancelledAnywhere(scope: ScopeNode): boolean {
  for (let around: ScopeNode | null = scope; around !== null; around = around.parent) {
    if (around.own !== undefined) return true;
  }
  return false;
}
