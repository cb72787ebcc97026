import {
  type ScopeNode,
  type Waiter,
  drawTree,
  formatMs,
  hasWaits,
  pendingWaits,
  realClock,
} from "../../core/index.ts";
import { DeadlockError } from "../errors.ts";
import type { ResourceWatch } from "./resources.ts";

const none: readonly Waiter<unknown>[] = [];

/** What is counted of the time between two looks, in milliseconds: about twice what it takes where nothing is in the way. */
const mostBetweenLooksMs = 40;

/** How patient to be, in milliseconds of real time. */
export interface PatienceOptions {
  /** How long everything may wait before it is a deadlock. @default 1_000 */
  readonly deadlockMs?: number;
  /** How long time may be held before somebody should know. @default 3_000 */
  readonly heldMs?: number;
  /**
   * Told then, also where nobody waits for time to pass.
   * @default a process warning where somebody does
   */
  readonly onHeld?: (what: string) => void;
}

/**
 * Tells when a tree under virtual time will not go on by itself.
 *
 * What comes from outside cannot be seen coming. So nothing is a deadlock before some real time has passed without any
 * change, nor while the process has timers, sockets or the like that it did not have when the tree was opened.
 */
export class Patience {
  readonly #resources: ResourceWatch;
  #lookedAtMs: number | undefined;
  #waitedMs = 0;
  #waits: readonly Waiter<unknown>[] = none;
  readonly #deadlockMs: number;
  readonly #heldMs: number;
  readonly #onHeld: PatienceOptions["onHeld"];
  #hasTold = false;
  #isDead = false;

  constructor(resources: ResourceWatch, options: PatienceOptions = {}) {
    this.#resources = resources;
    this.#deadlockMs = options.deadlockMs ?? 1_000;
    this.#heldMs = options.heldMs ?? 3_000;
    this.#onHeld = options.onHeld;
  }

  /** Something has happened. */
  renew(): void {
    this.#lookedAtMs = undefined;
    this.#waitedMs = 0;
    this.#waits = none;
  }

  /** The tasks `busy` hold the time. `isTimed`: somebody waits for it to pass. */
  hold(busy: readonly ScopeNode[], isTimed: boolean): void {
    this.#waits = none;
    if (!isTimed && this.#onHeld === undefined) return this.renew();
    if (this.#look() < this.#heldMs) return;
    this.#tell(
      `virtual time has been held for ${formatMs(this.#heldMs)} by tasks that compute, or wait for something foreign:\n` +
        busy.map(drawTree).join("\n"),
    );
  }

  /** Everything below `root` waits, and nothing is timed. */
  rest(root: ScopeNode): void {
    if (this.#isDead) return cancelShields(root);
    const waits = pendingWaits(root);
    if (!isSame(waits, this.#waits)) this.renew();
    this.#waits = waits;
    const waitedMs = this.#look();
    if (waitedMs < this.#deadlockMs) return;
    if (this.#resources.grown().length === 0 && !hasWaits(root, (wait) => wait.isEndless)) return this.#end(root);
    if (waitedMs < this.#heldMs) return;
    this.#tell(`everything has waited for ${formatMs(this.#heldMs)}, for something from outside:\n${drawTree(root)}`);
  }

  /** How long it has waited, to be called at each look. While the process stood still, nothing could have come. */
  #look(): number {
    const nowMs = realClock.now();
    this.#waitedMs += Math.min(nowMs - (this.#lookedAtMs ?? nowMs), mostBetweenLooksMs);
    this.#lookedAtMs = nowMs;
    return this.#waitedMs;
  }

  #end(root: ScopeNode): void {
    this.#isDead = true;
    root.crew?.owner?.taskFailed("a deadlock", new DeadlockError(drawTree(root)));
  }

  #tell(what: string): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    if (this.#onHeld !== undefined) return this.#onHeld(what);
    process.emitWarning(what, { type: "TaskwrightWarning", code: "TASKWRIGHT_TIME_HELD" });
  }
}

/** What a cancellation does not reach waits for ever, too. */
function cancelShields(root: ScopeNode): void {
  const scopes = [root];
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    if (scope.stop === undefined) scope.cancel("a deadlock");
    for (let child = scope.firstChild; child !== null; child = child.nextSibling) scopes.push(child);
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, place) => item === b[place]);
}
