import { QueuedWaiter, LinkedList, type ScopeNode } from "../../core/index.ts";

/** Where the driver of a stream waits until a reader has made room. */
export class Room {
  readonly #label: string;
  readonly #waiting = new LinkedList<RoomWaiter>();
  #isClosed = false;

  /** @param label - what is waited for, for people */
  constructor(label: string) {
    this.#label = label;
  }

  /** Waits for {@link open} or {@link close}. Undefined if there is nothing to wait for any more. */
  wait(scope: ScopeNode): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    const waiter = new RoomWaiter(scope, this.#label);
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** Lets one that waits go on, if any does. */
  open(): void {
    this.#waiting.shift()?.resolve();
  }

  /** Nobody needs to wait any more. */
  close(): void {
    this.#isClosed = true;
    this.open();
  }
}

class RoomWaiter extends QueuedWaiter<void> {
  readonly #label: string;

  constructor(scope: ScopeNode, label: string) {
    super(scope);
    this.#label = label;
  }

  describe(): string {
    return this.#label;
  }
}
