/**
 * A place in a {@link LinkedList}. Waits and timers extend it, so that joining a queue allocates nothing and leaving
 * one costs the same wherever in it they stand.
 */
export abstract class Link {
  /** The list this link stands in, or null. Only the list itself writes these three. */
  list: LinkedList<this> | null = null;
  before: this | null = null;
  after: this | null = null;
}

/** A doubly linked list through its own items: push, shift and remove are O(1). */
export class LinkedList<T extends Link> {
  head: T | null = null;
  tail: T | null = null;
  size = 0;

  push(link: T): void {
    link.list = this as unknown as LinkedList<typeof link>;
    link.before = this.tail;
    if (this.tail === null) this.head = link;
    else this.tail.after = link as T & null;
    this.tail = link;
    this.size++;
  }

  shift(): T | undefined {
    const first = this.head;
    if (first === null) return undefined;
    this.remove(first);
    return first;
  }

  remove(link: T): void {
    const { before, after } = link as { before: T | null; after: T | null };
    if (before === null) this.head = after;
    else (before as { after: T | null }).after = after;
    if (after === null) this.tail = before;
    else (after as { before: T | null }).before = before;
    link.list = null;
    link.before = null;
    link.after = null;
    this.size--;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let link = this.head; link !== null; link = link.after) yield link;
  }
}
