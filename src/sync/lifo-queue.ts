import type { Store } from "./internal/store.ts";
import { Queue, type QueueOptions } from "./queue.ts";

/**
 * A {@link Queue} whose newest item is taken first: for work that is worth more the fresher it is, or for walking a
 * tree depth first without keeping much of it.
 *
 * Callers that wait are still served in the order of arrival. When a `get` makes room, the item of who has waited
 * longest to put enters, and is the newest.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "taskwright";
 *
 * const pages = new LifoQueue<string>();
 * for (const page of ["first", "second", "third"]) await pages.put(page);
 * console.log(await pages.get(), await pages.get()); // => third second
 * ```
 */
export class LifoQueue<T> extends Queue<T> {
  constructor(options: QueueOptions = {}) {
    super(options, { name: "LifoQueue", store: new Stack<T>() });
  }
}

class Stack<T> implements Store<T> {
  size = 0;
  #items: T[] = [];

  push(item: T): void {
    this.size = this.#items.push(item);
  }

  shift(): T {
    this.size--;
    return this.#items.pop() as T;
  }

  takeAll(): T[] {
    const items = this.#items;
    this.#items = [];
    this.size = 0;
    return items.reverse();
  }
}
