import {
  type Clock,
  type Conductor,
  type ScopeNode,
  type Timed,
  Timer,
  TimerQueue,
  afterThisTurn,
  busyTasks,
  realClock,
} from "../../core/index.ts";
import type { Order, Ready } from "./order.ts";
import type { Patience } from "./patience.ts";

/** How often a tree that waits for something foreign is looked at before the looking slows down. */
const eagerLooks = 100;

/** How long until the next look, in milliseconds of real time: at one whose time could pass, and at any other. */
const nextLookMs = { timed: 1, untimed: 20 };

/**
 * A clock that stands still while anything works, and jumps to the next deadline when everything waits.
 *
 * With an `order` it is the conductor of its tree, too: of the waits that are over and the timers that are due, one at a
 * time goes on, and what it does comes to rest before the next does.
 */
export class VirtualClock implements Clock, Conductor {
  /** Steps taken so far, if there is an order. */
  steps = 0;
  /** No time beyond this is reached: what would, is told to `onEndless`. */
  limitMs: number = Infinity;
  limitSteps: number = Infinity;
  onEndless: ((what: string) => void) | undefined;
  /** A wait is over; its code has not gone on yet. Only with an order. */
  onWake: (() => void) | undefined;
  readonly #order: Order | undefined;
  #patience: Patience | undefined;
  readonly #timers = new TimerQueue(() => {});
  readonly #lookLater: Timer = new Timer(() => this.#lookSoon());
  #root: ScopeNode | undefined;
  #nowMs = 0;
  /** Whether a look follows this turn of the loop. Two would be two steps with nothing coming to rest in between. */
  #isTurnAsked = false;
  #fruitlessLooks = 0;
  #ready: Ready[] = [];
  #isStopped = false;

  constructor(order?: Order) {
    this.#order = order;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** From now on, until the tree below `root` has ended. */
  watch(root: ScopeNode, patience: Patience): void {
    this.#root = root;
    this.#patience = patience;
    this.#lookSoon();
  }

  /** Nothing goes on any more, and no time passes. */
  stop(): void {
    this.#isStopped = true;
    this.#lookLater.cancel();
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(atMs: number, timer: Timed): void {
    if (atMs === Infinity) return;
    this.#timers.add(atMs, timer);
    this.#lookSoon();
  }

  wake(scope: ScopeNode, goOn: () => void): void {
    this.#ready.push({ scope, goOn });
    this.onWake?.();
    this.#lookSoon();
  }

  /** Something has happened: the next look is due with the next turn. */
  #lookSoon(): void {
    if (this.#isTurnAsked) return;
    this.#lookLater.cancel();
    this.#isTurnAsked = true;
    afterThisTurn(this);
  }

  /** The loop has turned: whatever could run without time passing has run. */
  resume(): void {
    this.#isTurnAsked = false;
    const root = this.#root!;
    if (this.#isStopped || root.isClosed) return;
    if (this.#order !== undefined && this.#step(this.#order)) return this.#lookSoon();
    const busy = busyTasks(root, (wait) => !wait.isExternal);
    const dueMs = this.#timers.nextDueMs();
    if (busy.length > 0) this.#hold(busy, dueMs !== undefined);
    else if (dueMs === undefined) this.#rest(root);
    else this.#jump(dueMs);
  }

  /** Lets one of what could go on do so, and says whether there was any. */
  #step(order: Order): boolean {
    const dueMs = this.#timers.nextDueMs();
    const hasDue = dueMs !== undefined && dueMs <= this.#nowMs;
    const ready = this.#ready;
    if (ready.length === 0 && !hasDue) return false;
    this.#patience?.renew();
    if (++this.steps > this.limitSteps) {
      this.onEndless?.(`it took ${this.limitSteps} steps`);
      return true;
    }
    const chosen = order.next(ready, hasDue);
    if (chosen === ready.length) this.#timers.fireOne((count) => order.timer(count));
    else ready.splice(chosen, 1)[0]!.goOn();
    return true;
  }

  #jump(dueMs: number): void {
    this.#fruitlessLooks = 0;
    this.#patience?.renew();
    if (dueMs > this.limitMs) return this.onEndless?.(`it reached ${this.limitMs} ms of virtual time`);
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    if (this.#order === undefined) this.#timers.fireDue(this.#nowMs);
    // Firing is a step of its own: others may be due, too.
    this.#lookSoon();
  }

  #hold(busy: ScopeNode[], isTimed: boolean): void {
    this.#patience!.hold(busy, isTimed);
    if (++this.#fruitlessLooks < eagerLooks) return this.#lookSoon();
    this.#lookIn(isTimed ? nextLookMs.timed : nextLookMs.untimed);
  }

  /** Everything waits, and no time that passes would change that. */
  #rest(root: ScopeNode): void {
    this.#fruitlessLooks = 0;
    this.#patience!.rest(root);
    this.#lookIn(nextLookMs.untimed);
  }

  #lookIn(ms: number): void {
    realClock.schedule(realClock.now() + ms, this.#lookLater);
  }
}
