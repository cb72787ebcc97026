import type { LinkedList } from "./linked-list.ts";
import { Waiter } from "./waiter.ts";

/** A wait in a queue of its primitive, which it leaves by itself when it is cancelled. */
export abstract class QueuedWaiter<T> extends Waiter<T> {
  /**
   * Whether its scope has just been stopped, and will cut it off within this turn: what it were given now would come
   * after its cancellation. Seen only by what a cancellation calls on its way, such as an abort listener.
   */
  get isLeaving(): boolean {
    return this.scope === null || this.scope.stop !== undefined;
  }

  protected override leave(): void {
    this.list?.remove(this);
  }
}

/** Takes the waiter out of `queue` that has waited longest, of those that something may be given to. */
export function takeFirst<W extends QueuedWaiter<unknown>>(queue: LinkedList<W>): W | undefined {
  let waiter = queue.head;
  while (waiter?.isLeaving === true) waiter = waiter.after;
  if (waiter === null) return undefined;
  queue.remove(waiter);
  return waiter;
}

/** Takes all waiters out of `queue` that something may be given to, longest waiting first, or `count` of them. */
export function takeAll<W extends QueuedWaiter<unknown>>(queue: LinkedList<W>, count: number = Infinity): W[] {
  const taken: W[] = [];
  for (let waiter = queue.head; waiter !== null && taken.length < count;) {
    const next = waiter.after;
    if (!waiter.isLeaving) {
      queue.remove(waiter);
      taken.push(waiter);
    }
    waiter = next;
  }
  return taken;
}
