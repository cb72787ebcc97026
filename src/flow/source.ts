/** What flow functions read from: any sync or async iterable. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** The next item, or undefined at the end. Boxed, so that items may be undefined. */
export type Step<T> = { readonly item: T; readonly index: number } | undefined;

/** Reads a source one item at a time, and closes it once. Calls may overlap: they are served one after another. */
export class Reader<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #isAsync: boolean;
  #index = 0;
  #isOver = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: Source<T>) {
    const async = (source as Partial<AsyncIterable<T>>)[Symbol.asyncIterator];
    this.#isAsync = async !== undefined;
    this.#iterator = async === undefined ? (source as Iterable<T>)[Symbol.iterator]() : async.call(source);
  }

  /** Reads on. Synchronous for a sync source. */
  next(): Step<T> | Promise<Step<T>> {
    if (!this.#isAsync) return this.#readSync();
    const step = this.#last.then(async () => (this.#isOver ? undefined : this.#accept(await this.#iterator.next())));
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
    return this.#isOver || (!this.#isAsync && this.next() === undefined);
  }

  /** Tells a source that is not read to its end. */
  async close(): Promise<void> {
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

  #accept(result: IteratorResult<T>): Step<T> {
    if (this.#isOver) return undefined;
    if (result.done === true) {
      this.#isOver = true;
      return undefined;
    }
    return { item: result.value, index: this.#index++ };
  }
}
