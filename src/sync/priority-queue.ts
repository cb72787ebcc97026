import { naturalOrder } from "./internal/natural-order.ts";
import { StableHeap } from "./internal/stable-heap.ts";
import { Queue, type QueueOptions } from "./queue.ts";

/** Settings of a {@link PriorityQueue}. */
export interface PriorityQueueOptions<T> extends QueueOptions {
  /**
   * Below 0 if `a` comes before `b`, above 0 if after it, 0 if they are equal. It must always say the same of the same
   * two items. What it throws, `put` or `get` throws, and nothing is lost.
   *
   * @default the order of numbers, bigints, strings (by code units) or dates; other items are refused
   */
  readonly compare?: (a: T, b: T) => number;
}

/**
 * A {@link Queue} whose smallest item is taken first; equal ones in order of arrival.
 *
 * Callers that wait are still served in the order of arrival: when a `get` makes room, it has taken the smallest of
 * what was in the queue, and then the item of who has waited longest to put enters.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "taskwright";
 *
 * const jobs = new PriorityQueue<{ urgency: number; name: string }>({ compare: (a, b) => b.urgency - a.urgency });
 * await jobs.put({ urgency: 1, name: "report" });
 * await jobs.put({ urgency: 9, name: "alarm" });
 * console.log((await jobs.get()).name); // => alarm
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {
  /** @throws {TypeError} `compare` is no function */
  constructor(options: PriorityQueueOptions<T> = {}) {
    const { compare } = options;
    if (compare === undefined) {
      const { check, compare: natural } = naturalOrder();
      super(options, { name: "PriorityQueue", store: new StableHeap<T>(natural), check });
    } else {
      if (typeof compare !== "function") {
        throw new TypeError(`Expected \`compare\` to be a function, got \`${String(compare)}\` (${typeof compare})`);
      }
      super(options, { name: "PriorityQueue", store: new StableHeap(compare) });
    }
  }
}
