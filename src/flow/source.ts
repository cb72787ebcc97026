import { type ScopeNode, Waiter, afterThisTurn, enter, stopError } from "../core/index.ts";

/** What flow functions read from: any sync or async iterable. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** The next item, or undefined at the end. Boxed, so that items may be undefined. */
export type Step<T> = { readonly item: T; readonly index: number } | undefined;

/** A source that is being read. */
interface Opened<T> {
  readonly iterator: Iterator<T> | AsyncIterator<T>;
  readonly isAsync: boolean;
  /** Closes the source while it owes an item. Not for those that would only do it afterwards. */
  readonly interrupt?: () => unknown;
}

/** Reads a source one item at a time, and closes it once. Calls may overlap: they are served one after another. */
export class Reader<T> {
  // Taken apart: one object more on the way to each item of map would be felt.
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #isAsync: boolean;
  readonly #interrupt: (() => unknown) | undefined;
  readonly #home: ScopeNode;
  #index = 0;
  #isOver = false;
  #isInterrupted = false;
  #last: Promise<unknown> = Promise.resolve();
  /** What interrupting the source has come to. */
  #closing: Promise<void> | undefined;

  /** @param home - the scope that closes the source */
  constructor(source: Source<T>, home: ScopeNode) {
    const { iterator, isAsync, interrupt } = open(source);
    this.#iterator = iterator;
    this.#isAsync = isAsync;
    this.#interrupt = interrupt;
    this.#home = home;
  }

  /**
   * Reads on. Synchronous for a sync source.
   *
   * Cancel: interrupts a source that leaves a read unanswered, if it can be. Otherwise waits until it answers.
   */
  next(scope: ScopeNode): Step<T> | Promise<Step<T>> {
    if (!this.#isAsync) return this.#readSync();
    const step = this.#last.then(() => this.#readAsync(scope));
    this.#last = step.then(
      () => {},
      () => {
        this.#isOver = true;
      },
    );
    return step;
  }

  /** Whether the end was read, or the source has failed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether nothing is left. Asks a sync source, and drops the item it gives: for when nothing will be read any more. */
  isAtEnd(): boolean {
    if (this.#isAsync) return this.#isOver && !this.#isInterrupted;
    return this.#isOver || this.#readSync() === undefined;
  }

  /** Tells a source that is not read to its end. */
  async close(): Promise<void> {
    if (this.#closing !== undefined) {
      this.#isOver = true;
      // It has a flow of its own, for which this one waits.
      this.#home.flows--;
      await this.#closing.finally(() => this.#home.flows++);
    }
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#iterator.return?.();
  }

  #readSync(): Step<T> {
    if (this.#isOver) return undefined;
    let result: IteratorResult<T>;
    try {
      result = (this.#iterator as Iterator<T>).next();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    return this.#accept(result);
  }

  async #readAsync(scope: ScopeNode): Promise<Step<T>> {
    if (this.#isOver) return undefined;
    const interrupt = this.#interrupt;
    const watch =
      interrupt === undefined || scope.stop !== undefined
        ? undefined
        : new ReadWatch(scope, () => this.#closeMeanwhile(interrupt));
    try {
      const step = this.#accept(await this.#iterator.next());
      // The end of a source that was told to come to it says nothing of what it had.
      if (step === undefined && this.#isInterrupted) throw stopError(scope);
      return step;
    } catch (error) {
      throw this.#isInterrupted && isPrematureClose(error) ? stopError(scope) : error;
    } finally {
      watch?.end();
    }
  }

  #closeMeanwhile(interrupt: () => unknown): void {
    const home = this.#home;
    const flow = async (): Promise<void> => {
      home.flows++;
      try {
        await interrupt();
      } finally {
        home.flows--;
      }
    };
    this.#isInterrupted = true;
    this.#closing = enter(home, flow, undefined, undefined);
    // Whoever closes is told.
    this.#closing.catch(() => {});
  }

  #accept(result: IteratorResult<T>): Step<T> {
    if (result.done === true) {
      this.#isOver = true;
      return undefined;
    }
    return { item: result.value, index: this.#index++ };
  }
}

function open<T>(source: Source<T>): Opened<T> {
  if (source instanceof ReadableStream) return openWebStream(source as ReadableStream<T>);
  const makeAsync = (source as Partial<AsyncIterable<T>>)[Symbol.asyncIterator];
  if (makeAsync === undefined) return { iterator: (source as Iterable<T>)[Symbol.iterator](), isAsync: false };
  const iterator = makeAsync.call(source);
  const { destroy } = source as { destroy?: unknown };
  if (typeof destroy === "function") return { iterator, isAsync: true, interrupt: () => void destroy.call(source) };
  if (isGenerator(iterator)) return { iterator, isAsync: true };
  return { iterator, isAsync: true, interrupt: () => iterator.return?.() };
}

/** By a reader, whose `cancel` answers what was asked for: the stream's own iterator would not stop before that. */
function openWebStream<T>(stream: ReadableStream<T>): Opened<T> {
  const reader = stream.getReader();
  const iterator: AsyncIterator<T> = {
    async next() {
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      reader.releaseLock();
      return { done, value: undefined };
    },
    async return() {
      await reader.cancel();
      reader.releaseLock();
      return { done: true, value: undefined };
    },
  };
  return { iterator, isAsync: true, interrupt: () => reader.cancel() };
}

function isGenerator(iterator: object): boolean {
  return Object.prototype.toString.call(iterator) === "[object AsyncGenerator]";
}

/** What a read of a Node stream rejects with when the stream is destroyed. */
function isPrematureClose(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === "ERR_STREAM_PREMATURE_CLOSE";
}

/**
 * Stands in the scope while a source is read, and interrupts the source when the scope is cancelled. Not at once: if what
 * it waits for are waits of ours, it ends by itself, in order.
 */
class ReadWatch extends Waiter<void> {
  readonly #interrupt: () => void;
  #isCut = false;

  constructor(scope: ScopeNode, interrupt: () => void) {
    super(scope);
    this.#interrupt = interrupt;
    this.promise.catch(() => {}); // Nobody awaits it.
  }

  /** The read is over. */
  end(): void {
    this.#isCut = false;
    this.resolve();
  }

  /** A turn after the cancellation. */
  resume(): void {
    if (this.#isCut) this.#interrupt();
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "an item of its source";
  }

  protected override leave(): void {
    this.#isCut = true;
    afterThisTurn(this);
  }
}
