import type { Store } from "./store.ts";

interface Entry<T> {
  readonly item: T;
  /** When it came: decides between items that compare as equal. */
  readonly order: number;
}

/**
 * A binary heap: the smallest item first, equal ones in the order in which they came.
 *
 * `compare` is the user's, and may throw. Everything is compared before anything is moved, so that the heap is then as
 * it was.
 */
export class StableHeap<T> implements Store<T> {
  readonly #compare: (a: T, b: T) => number;
  size = 0;
  #entries: Entry<T>[] = [];
  #pushed = 0;
  #isComparing = false;

  /** @param compare - below 0 if `a` comes before `b`, above 0 if after it, otherwise they are equal */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  push(item: T): void {
    const entry = { item, order: this.#pushed };
    const at = this.#whereToRise(entry);
    const entries = this.#entries;
    this.#pushed++;
    this.size++;
    for (let hole = entries.push(entry) - 1; hole > at; hole = above(hole)) entries[hole] = entries[above(hole)]!;
    entries[at] = entry;
  }

  shift(): T {
    const entries = this.#entries;
    const at = this.#whereToSink();
    let moving = entries.pop()!;
    this.size--;
    if (entries.length === 0) return moving.item;
    // The last one goes to its place, and those on the way from there to the root each move up by one.
    for (let hole = at; hole > 0; hole = above(hole)) {
      const moved = entries[hole]!;
      entries[hole] = moving;
      moving = moved;
    }
    const first = entries[0]!;
    entries[0] = moving;
    return first.item;
  }

  takeAll(): T[] {
    this.#startComparing();
    try {
      const sorted = this.#entries.toSorted((a, b) => (this.#isBefore(a, b) ? -1 : 1));
      this.#entries = [];
      this.size = 0;
      return sorted.map(({ item }) => item);
    } finally {
      this.#isComparing = false;
    }
  }

  /** The place of a new entry. */
  #whereToRise(entry: Entry<T>): number {
    this.#startComparing();
    try {
      let at = this.#entries.length;
      while (at > 0 && this.#isBefore(entry, this.#entries[above(at)]!)) at = above(at);
      return at;
    } finally {
      this.#isComparing = false;
    }
  }

  /** The place of the last entry once it has taken that of the first, and sunk. */
  #whereToSink(): number {
    this.#startComparing();
    try {
      const entries = this.#entries;
      const last = entries.length - 1;
      let at = 0;
      for (let child = 1; child < last; child = 2 * at + 1) {
        if (child + 1 < last && this.#isBefore(entries[child + 1]!, entries[child]!)) child++;
        if (!this.#isBefore(entries[child]!, entries[last]!)) break;
        at = child;
      }
      return at;
    } finally {
      this.#isComparing = false;
    }
  }

  #startComparing(): void {
    if (this.#isComparing) throw new Error("`compare` must not use the queue whose items it compares");
    this.#isComparing = true;
  }

  #isBefore(a: Entry<T>, b: Entry<T>): boolean {
    const result = this.#compare(a.item, b.item);
    return result < 0 || (!(result > 0) && a.order < b.order);
  }
}

/** The place above `place` in the tree. */
function above(place: number): number {
  return (place - 1) >> 1;
}
