import { LinkedList, QueuedWaiter, arrive, grant, refuse, takeAll } from "../core/index.ts";

/** What an event is doing. */
export interface EventStatistics {
  /** Whether it is set now. */
  readonly isSet: boolean;
  /** Callers waiting. */
  readonly waiting: number;
}

class EventWaiter extends QueuedWaiter<void> {
  describe(): string {
    return "Event to be set";
  }
}

/**
 * A flag that tasks wait for. Not the DOM's Event.
 *
 * @example
 * ```ts
 * import { Event, taskGroup } from "taskwright";
 *
 * const ready = new Event();
 * await taskGroup(async (group) => {
 *   group.spawn(async () => {
 *     await ready.wait();
 *     console.log("go"); // => go
 *   });
 *   ready.set();
 * });
 * ```
 */
export class Event {
  readonly #waiting = new LinkedList<EventWaiter>();
  #isSet = false;

  /** Whether it is set now. */
  get isSet(): boolean {
    return this.#isSet;
  }

  /** Sets the flag and wakes everybody who waits for it. */
  set(): void {
    this.#isSet = true;
    for (const waiter of takeAll(this.#waiting)) waiter.resolve();
  }

  /** Takes the flag back. Whoever was woken stays woken. */
  clear(): void {
    this.#isSet = false;
  }

  /**
   * Waits until the flag is set; not at all if it is.
   *
   * Cancel: stops waiting.
   */
  wait(): Promise<void> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isSet) return grant(scope, undefined);
    const waiter = new EventWaiter(scope);
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** What the event is doing right now. */
  statistics(): EventStatistics {
    return Object.freeze({ isSet: this.#isSet, waiting: this.#waiting.size });
  }
}
