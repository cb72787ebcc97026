import { Waiter } from "./waiter.ts";

/** A wait in a queue of its primitive, which it leaves by itself when it is cancelled. */
export abstract class QueuedWaiter<T> extends Waiter<T> {
  protected override leave(): void {
    this.list?.remove(this);
  }
}
