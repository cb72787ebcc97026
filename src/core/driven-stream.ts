import { arrive } from "./current.ts";
import { LinkedList } from "./linked-list.ts";
import { QueuedWaiter } from "./queued-waiter.ts";
import { type ScopeNode, stopError } from "./scope.ts";
import { type TaskNode, spawn } from "./task.ts";

/**
 * An async iterator whose values come from a task of its own, the driver.
 *
 *     idle ── first next() ──> driven ── the driver is through ──> ended
 *       └────────────── return() ───────────────────────────────────┘
 *
 * The driver is a daemon of the scope of the first `next()`. When the reader leaves, or its `next()` fails, the driver is
 * cancelled and waited for before the reader goes on.
 */
export abstract class DrivenStream<R> implements AsyncGenerator<R, void, void> {
  readonly #name: string;
  readonly #readers = new LinkedList<ReadWaiter<R>>();
  readonly #ended = Promise.withResolvers<void>();
  #driver: TaskNode<void> | undefined;
  #isEnded = false;

  /** @param name - what it is called in the tree and in messages */
  constructor(name: string) {
    this.#name = name;
  }

  /** The driver's body. Throws nothing: what went wrong is told by {@link last}. */
  protected abstract drive(scope: ScopeNode): Promise<void>;
  /** Whether a value can be taken. */
  protected abstract get hasReady(): boolean;
  /** Takes the next value. Only called while there is one. */
  protected abstract take(): R;
  /** What an ended stream says: throws its error, once; returns when there is none. */
  protected abstract last(): void;
  /** The reader has left: lets go of errors and values that nobody will see. */
  protected abstract forget(): Promise<void>;

  protected get driver(): TaskNode<void> | undefined {
    return this.#driver;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<R, void>> {
    const scope = arrive();
    try {
      if (scope.stop !== undefined) throw stopError(scope);
      if (this.#driver === undefined && !this.#isEnded) this.#open(scope);
      if (this.#readers.head === null && this.hasReady) return { done: false, value: this.take() };
      if (this.#isEnded) return this.#lastResult();
      const reader = new ReadWaiter<R>(scope, this.#name);
      this.#readers.push(reader);
      return await reader.promise;
    } catch (error) {
      await this.#tearDown(scope);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<R, void>> {
    await this.#tearDown(arrive());
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.#tearDown(arrive());
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Hands `value` to a reader that waits, and says whether there was one. */
  protected handOver(value: R): boolean {
    const reader = this.#readers.shift();
    reader?.resolve({ done: false, value });
    return reader !== undefined;
  }

  /** Gives what is ready to those who wait. */
  protected deliver(): void {
    while (this.#readers.head !== null && this.hasReady) this.handOver(this.take());
  }

  #open(scope: ScopeNode): void {
    const body = async (own: ScopeNode): Promise<void> => {
      await this.drive(own);
      this.#end();
    };
    this.#driver = spawn(scope, (own) => body(own as ScopeNode), { name: this.#name, daemon: true });
  }

  #end(): void {
    this.#isEnded = true;
    this.#ended.resolve();
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      try {
        reader.resolve(this.#lastResult());
      } catch (error) {
        reader.reject(error);
      }
    }
  }

  #lastResult(): IteratorResult<R, void> {
    this.last();
    return { done: true, value: undefined };
  }

  /** Throws nothing. */
  async #tearDown(scope: ScopeNode): Promise<void> {
    if (this.#driver === undefined) this.#end();
    else this.#driver.cancel({ kind: "unneeded", why: `the reader of ${this.#name} left` });
    if (!this.#isEnded) {
      scope.flows--;
      await this.#ended.promise;
      scope.flows++;
    }
    await this.forget();
  }
}

class ReadWaiter<R> extends QueuedWaiter<IteratorResult<R, void>> {
  readonly #stream: string;

  constructor(scope: ScopeNode, stream: string) {
    super(scope);
    this.#stream = stream;
  }

  describe(): string {
    return `the next result of ${this.#stream}`;
  }
}
