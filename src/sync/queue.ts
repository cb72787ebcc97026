import {
  Deque,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  expectInteger,
  grant,
  refuse,
  takeAll,
  takeFirst,
} from "../core/index.ts";
import { QueueShutDownError } from "./errors.ts";
import type { Store } from "./internal/store.ts";

/** Settings of a {@link Queue}. */
export interface QueueOptions {
  /** How many items it holds before `put` waits, 1 or more. @default Infinity */
  readonly maxSize?: number;
  /** For messages. */
  readonly name?: string;
}

/** What a queue is doing. */
export interface QueueStatistics {
  /** Items in it. */
  readonly size: number;
  /** How many it holds at most. */
  readonly maxSize: number;
  /** Callers of `put` waiting for room. */
  readonly putting: number;
  /** Callers of `get` waiting for an item. */
  readonly getting: number;
  /** Callers of `join` waiting for the work to be done. */
  readonly joining: number;
  /** Items put and not yet reported by `taskDone`. */
  readonly unfinished: number;
  /** Whether nothing more can be put. */
  readonly isShutDown: boolean;
}

/** What makes a queue one of its kind. */
interface QueueKind<T> {
  /** For messages. */
  readonly name: string;
  readonly store: Store<T>;
  /** Refuses, by throwing, an item that the store could not take. */
  readonly check?: (item: T) => void;
}

/**
 * Items on their way from producers to consumers, first in, first out; each is received exactly once. An item that is
 * a promise is received awaited, as is everything that an async function returns.
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
  readonly #items: Store<T>;
  readonly #check: ((item: T) => void) | undefined;
  readonly #putters = new LinkedList<Putter<T>>();
  readonly #getters = new LinkedList<Getter<T>>();
  readonly #joiners = new LinkedList<Joiner>();
  readonly #maxSize: number;
  readonly #name: string;
  #unfinished = 0;
  #isShutDown = false;

  constructor(options?: QueueOptions);
  /** @internal */
  constructor(options: QueueOptions, kind: QueueKind<T>);
  constructor(options: QueueOptions = {}, kind: QueueKind<T> = { name: "Queue", store: new Deque() }) {
    this.#maxSize = options.maxSize ?? Infinity;
    expectInteger("maxSize", this.#maxSize, 1);
    this.#name = options.name === undefined ? kind.name : `${kind.name} "${options.name}"`;
    this.#items = kind.store;
    this.#check = kind.check;
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
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    try {
      if (this.#accept(item)) return grant(scope, undefined);
    } catch (error) {
      return Promise.reject(error);
    }
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
    return this.#accept(item);
  }

  /**
   * Takes the next item; waits while there is none.
   *
   * Cancel: no item has been taken. One handed over before is returned, and the next checkpoint throws.
   *
   * @throws {QueueShutDownError} QUEUE_SHUT_DOWN, and nothing is left
   */
  get(): Promise<T> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#items.size > 0) {
      try {
        return grant(scope, this.#take());
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#isShutDown) return Promise.reject(new QueueShutDownError());
    const getter = new Getter<T>(scope, `an item in ${this.#name}`);
    this.#getters.push(getter);
    return getter.promise;
  }

  /** Takes the next item, or returns undefined. Never waits. */
  tryGet(): T | undefined {
    return this.#items.size > 0 ? this.#take() : undefined;
  }

  /**
   * Says that the work on one item that was taken is done; see {@link join}.
   *
   * @throws {Error} more often than items were taken
   */
  taskDone(): void {
    if (this.#unfinished <= this.#items.size) {
      throw new Error("taskDone() was called more often than items were taken");
    }
    this.#unfinished--;
    this.#tellJoinersIfDone();
  }

  /**
   * Waits until `taskDone` was called for every item put.
   *
   * Cancel: stops waiting.
   */
  join(): Promise<void> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#unfinished === 0) return grant(scope, undefined);
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
    for (const putter of takeAll(this.#putters)) putter.reject(new QueueShutDownError());
    for (const getter of takeAll(this.#getters)) getter.reject(new QueueShutDownError());
    // Last, because it may compare items, which may fail: nobody is left waiting then.
    const removed = options.immediate === true ? this.#items.takeAll() : [];
    this.#unfinished -= removed.length;
    this.#tellJoinersIfDone();
    return removed;
  }

  /** @internal */
  get label(): string {
    return this.#name;
  }

  /** What the queue is doing right now. */
  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.#items.size,
      maxSize: this.#maxSize,
      putting: this.#putters.size,
      getting: this.#getters.size,
      joining: this.#joiners.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
    });
  }

  /**
   * Takes items until the queue is shut down and empty. Several may iterate: each item goes to one of them.
   *
   * Cancel: as {@link get}.
   */
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
    if (this.#isShutDown) throw new QueueShutDownError();
    if (this.#check !== undefined) this.#check(item);
    const getter = this.#getters.head === null ? undefined : takeFirst(this.#getters);
    if (getter !== undefined) {
      this.#unfinished++;
      getter.resolve(item);
      return true;
    }
    if (this.#items.size >= this.#maxSize) return false;
    this.#items.push(item);
    this.#unfinished++;
    return true;
  }

  #take(): T {
    const item = this.#items.shift();
    if (this.#putters.head !== null) this.#letIn();
    return item;
  }

  /** There is room for one: who waited longest puts. Whose item cannot be compared is told so, and the next one puts. */
  #letIn(): void {
    for (let putter = takeFirst(this.#putters); putter !== undefined; putter = takeFirst(this.#putters)) {
      try {
        this.#items.push(putter.item);
      } catch (error) {
        putter.reject(error);
        continue;
      }
      this.#unfinished++;
      return putter.resolve();
    }
  }

  #tellJoinersIfDone(): void {
    if (this.#unfinished > 0) return;
    for (const joiner of takeAll(this.#joiners)) joiner.resolve();
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
