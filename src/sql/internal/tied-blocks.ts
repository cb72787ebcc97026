import { type Scope, cancelScope, checkedScope, type ScopeNode } from "../../core/index.ts";
import { Tie } from "./tie.ts";

/**
 * What comes from a connection in blocks, and holds it from the first on: until all are read, one fails, the reader leaves, or
 * the scope ends in which this was made.
 */
export class TiedBlocks<T> implements AsyncGenerator<T, undefined, void> {
  readonly #name: string;
  readonly #scope: ScopeNode;
  readonly #blocks: AsyncGenerator<T, void, void>;
  readonly #onEnd: (self: TiedBlocks<T>) => void;
  readonly #readings = new Map<Scope, Promise<unknown>>();
  #tie: Tie | undefined;
  /** Why what comes next is missing. */
  #missing: Error | undefined;

  /** @param name - for the tree and for messages */
  constructor(name: string, blocks: AsyncGenerator<T, void, void>, onEnd: (self: TiedBlocks<T>) => void = () => {}) {
    this.#name = name;
    this.#scope = checkedScope();
    this.#blocks = blocks;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const scope = checkedScope();
    if (this.#missing !== undefined) throw this.#missing;
    this.#tie ??= new Tie(this.#scope, this.#name, (why) => this.cut(why));
    try {
      const step = await this.#read();
      if (step !== undefined && step.done !== true) return step;
      await this.#ended();
    } catch (error) {
      await this.#ended();
      if (scope.stop !== undefined) throw error;
      throw this.#missing ?? error;
    }
    if (this.#missing === undefined) return atEnd;
    // The cancellation of the reader counts more than what else it brings about.
    checkedScope();
    throw this.#missing;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    // What cleans up then would do so in the scope of one who reads, which ends.
    await Promise.allSettled(this.#readings.values());
    await this.#blocks.return();
    await this.#ended();
    return atEnd;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Ends it, whoever may be reading, and tells why to those who read on. */
  async cut(why: Error): Promise<void> {
    this.#missing ??= why;
    for (const reading of this.#readings.keys()) reading.cancel("what is read was ended");
    await this.return();
  }

  /** @returns undefined where it was cut */
  async #read(): Promise<IteratorResult<T, void> | undefined> {
    return await cancelScope(async (scope) => {
      const reading = this.#blocks.next();
      this.#readings.set(scope, reading);
      try {
        return await reading;
      } finally {
        this.#readings.delete(scope);
      }
    });
  }

  async #ended(): Promise<void> {
    this.#onEnd(this);
    await this.#tie?.release();
  }
}

const atEnd = { done: true, value: undefined } as const;
