import type { Probe, ScopeNode, Waiter } from "../../core/index.ts";
import type { CancelPoint } from "../errors.ts";
import { callSite, takeStack } from "./call-site.ts";

/** A checkpoint that was reached. */
export interface Arrival {
  readonly scope: ScopeNode;
  readonly stack: Error;
  /** Whether it waited. */
  didWait: boolean;
  /** What it waited for, if it is the one at which is cancelled. */
  what: string | undefined;
}

/**
 * Counts the checkpoints of a run, and cancels it at one of them.
 *
 * A checkpoint is known when it is reached, before it is known whether it waits. That shows at the next one, or when the
 * code that runs has come to its next await.
 */
export class Cut implements Probe {
  count = 0;
  /** The checkpoint at which it cancels; without a point, all of them. */
  readonly arrivals: Arrival[] = [];
  readonly #point: CancelPoint | undefined;
  readonly #cancel: (scope: ScopeNode) => void;
  #latest: { readonly arrival: Arrival; readonly newest: Waiter<unknown> | null } | undefined;
  #wait: Waiter<unknown> | undefined;
  #isDone = false;

  /** @param cancel - called once, at the point, with the scope of its checkpoint */
  constructor(point: CancelPoint | undefined, cancel: (scope: ScopeNode) => void) {
    this.#point = point;
    this.#cancel = cancel;
  }

  /** Whether the point was reached. */
  get isDone(): boolean {
    return this.#isDone;
  }

  arrived(scope: ScopeNode): void {
    this.#seeWhetherItWaits();
    this.count++;
    if (this.#point !== undefined && this.#point.checkpoint !== this.count) return;
    const arrival: Arrival = { scope, stack: takeStack(), didWait: false, what: undefined };
    this.arrivals.push(arrival);
    if (this.#point?.moment === "before") return this.#cut(scope);
    this.#latest = { arrival, newest: scope.firstWaiter };
    queueMicrotask(() => {
      this.#seeWhetherItWaits();
      if (this.#point?.moment === "while") this.#cut(scope);
    });
  }

  signalMade(): void {}

  leftBehind(): void {}

  /** Some wait is over. If it is that of the point, its code has its value, and gets to know of the cancellation next. */
  woke = (): void => {
    if (this.#wait === undefined || this.#wait.isPending) return;
    const { scope } = this.arrivals[0]!;
    // Nobody cancels in the middle of the call that wakes.
    queueMicrotask(() => this.#cut(scope));
    this.#wait = undefined;
  };

  #seeWhetherItWaits(): void {
    if (this.#latest === undefined) return;
    const { arrival, newest } = this.#latest;
    this.#latest = undefined;
    const wait = arrival.scope.firstWaiter;
    if (wait === null || wait === newest) return;
    arrival.didWait = true;
    if (this.#point === undefined) return;
    arrival.what = wait.describe();
    if (this.#point.moment === "after") this.#wait = wait;
  }

  #cut(scope: ScopeNode): void {
    this.#isDone = true;
    this.#cancel(scope);
  }
}

/** A checkpoint, for people: the scopes around it up to `root`, and the line of code. */
export function describeArrival({ scope, stack }: Arrival, root: ScopeNode): string {
  const names: string[] = [];
  for (let around: ScopeNode | null = scope; around !== null && around !== root; around = around.parent) {
    names.unshift(around.name);
  }
  const site = callSite(stack);
  return `${names.length > 0 ? `in ${names.join(" > ")}, ` : ""}at ${site ?? "a line that is not known"}`;
}
