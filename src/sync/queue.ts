import { Deque, LinkedList, QueuedWaiter, type ScopeNode, arrive, expectInteger, refuse } from "../core/index.ts";
import { QueueShutDownError } from "./errors.ts";

/** Settings of a {@link Queue}. */
export interface QueueOptions {
  /** How many items it holds before `put` waits, 1 or more. @default Infinity */
  readonly maxSize?: number;
  /** For messages. */
  readonly name?: string;
}

/** What a queue is doing. */
export interface QueueStatistics {
  readonly size: number;
  readonly maxSize: number;
  /** Callers of `put` waiting for room. */
  readonly putting: number;
  /** Callers of `get` waiting for an item. */
  readonly getting: number;
  /** Items put and not yet reported by `taskDone`. */
  readonly unfinished: number;
  readonly isShutDown: boolean;
}

/**
 * Items on their way from producers to consumers, first in, first out; each is received exactly once.
 *
 *     open ── shutdown() ──> draining ── the last item taken, or shutdown({ immediate: true }) ──> empty
 *
 * @example
 * ```ts
 * import { Queue, taskGroup } from "taskwright";
 *
 * const jobs = new Queue<number>({ maxSize: 2 });
 * const done: number[] = [];
 * await taskGroup(async (group) => {
 *   group.spawn(async () => {
 *     for await (const job of jobs) done.push(job);
 *   });
 *   for (const job of [1, 2, 3, 4]) await jobs.put(job);
 *   jobs.shutdown();
 * });
 * console.log(done.join()); // => 1,2,3,4
 * ```
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items = new Deque<T>();
  readonly #putters = new LinkedList<Putter<T>>();
  readonly #getters = new LinkedList<Getter<T>>();
  readonly #joiners = new LinkedList<Joiner>();
  readonly #maxSize: number;
  readonly #name: string;
  #unfinished = 0;
  #isShutDown = false;

  constructor(options: QueueOptions = {}) {
    this.#maxSize = options.maxSize ?? Infinity;
    expectInteger("maxSize", this.#maxSize, 1);
    this.#name = options.name === undefined ? "Queue" : `Queue "${options.name}"`;
  }

  /** Items in it. */
  get size(): number {
    return this.#items.size;
  }

  /**
   * Adds an item; waits while the queue is full.
   *
   * Cancel: the item has not been added.
   *
   * @throws {QueueShutDownError} QUEUE_SHUT_DOWN
   */
  put(item: T): Promise<void> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isShutDown) return Promise.reject(new QueueShutDownError());
    if (this.#accept(item)) return Promise.resolve();
    const putter = new Putter(scope, `room in ${this.#name}`, item);
    this.#putters.push(putter);
    return putter.promise;
  }

  /**
   * Adds an item if there is room, and says whether there was.
   *
   * @throws {QueueShutDownError} QUEUE_SHUT_DOWN
   */
  tryPut(item: T): boolean {
    if (this.#isShutDown) throw new QueueShutDownError();
    return this.#accept(item);
  }

  /**
   * Takes the oldest item; waits while there is none.
   *
   * Cancel: no item has been taken. One handed over before is returned, and the next checkpoint throws.
   *
   * @throws {QueueShutDownError} QUEUE_SHUT_DOWN, and nothing is left
   */
  get(): Promise<T> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#items.size > 0) return Promise.resolve(this.#take());
    if (this.#isShutDown) return Promise.reject(new QueueShutDownError());
    const getter = new Getter<T>(scope, `an item in ${this.#name}`);
    this.#getters.push(getter);
    return getter.promise;
  }

  /** Takes the oldest item, or returns undefined. Never waits. */
  tryGet(): T | undefined {
    return this.#items.size > 0 ? this.#take() : undefined;
  }

  /**
   * Says that the work on one item that was taken is done; see {@link join}.
   *
   * @throws {Error} more often than items were put
   */
  taskDone(): void {
    if (this.#unfinished === 0) throw new Error("taskDone() was called more often than items were put");
    if (--this.#unfinished === 0) this.#tellJoiners();
  }

  /**
   * Waits until `taskDone` was called for every item put.
   *
   * Cancel: stops waiting.
   */
  join(): Promise<void> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#unfinished === 0) return Promise.resolve();
    const joiner = new Joiner(scope, `all items of ${this.#name} to be done`);
    this.#joiners.push(joiner);
    return joiner.promise;
  }

  /**
   * Ends the queue: nothing more can be put, and who waits to put is refused. What is in it can still be taken;
   * afterwards `get` is refused, and iterating ends.
   *
   * @param options - `immediate`: take everything out now and count it as done
   * @returns the items that `immediate` took out
   */
  shutdown(options: { readonly immediate?: boolean } = {}): T[] {
    this.#isShutDown = true;
    const removed: T[] = [];
    if (options.immediate === true) while (this.#items.size > 0) removed.push(this.#items.shift());
    for (let putter = this.#putters.shift(); putter !== undefined; putter = this.#putters.shift()) {
      putter.reject(new QueueShutDownError());
    }
    for (let getter = this.#getters.shift(); getter !== undefined; getter = this.#getters.shift()) {
      getter.reject(new QueueShutDownError());
    }
    this.#unfinished -= removed.length;
    if (this.#unfinished === 0) this.#tellJoiners();
    return removed;
  }

  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.#items.size,
      maxSize: this.#maxSize,
      putting: this.#putters.size,
      getting: this.#getters.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
    });
  }

  /** Takes items until the queue is shut down and empty. Several may iterate: each item goes to one of them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (this.#items.size > 0 || !this.#isShutDown) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof QueueShutDownError) return;
        throw error;
      }
      yield item;
    }
  }

  /** Hands the item to who waits for one, or keeps it, if there is room. */
  #accept(item: T): boolean {
    const getter = this.#getters.shift();
    if (getter === undefined && this.#items.size >= this.#maxSize) return false;
    this.#unfinished++;
    if (getter === undefined) this.#items.push(item);
    else getter.resolve(item);
    return true;
  }

  #take(): T {
    const item = this.#items.shift();
    const putter = this.#putters.shift();
    if (putter !== undefined) {
      this.#unfinished++;
      this.#items.push(putter.item);
      putter.resolve();
    }
    return item;
  }

  #tellJoiners(): void {
    for (let joiner = this.#joiners.shift(); joiner !== undefined; joiner = this.#joiners.shift()) joiner.resolve();
  }
}

abstract class QueueWaiter<T> extends QueuedWaiter<T> {
  readonly #what: string;

  constructor(scope: ScopeNode, what: string) {
    super(scope);
    this.#what = what;
  }

  describe(): string {
    return this.#what;
  }
}

class Putter<T> extends QueueWaiter<void> {
  readonly item: T;

  constructor(scope: ScopeNode, what: string, item: T) {
    super(scope, what);
    this.item = item;
  }
}

class Getter<T> extends QueueWaiter<T> {}

class Joiner extends QueueWaiter<void> {}
