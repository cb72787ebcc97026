import { type ScopeNode, arrive, grant, refuse } from "../../core/index.ts";

type Step<T> = IteratorResult<T, undefined>;

/**
 * The items of something that comes in blocks, one loop over them.
 *
 * By hand: an async generator that yields what it has takes four times as long for each item. Calls of `next()` may
 * overlap: they are served one after another.
 */
export abstract class BlockReader<T> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  #items: readonly T[] = [];
  #at = 0;
  #isOver = false;
  #reading: Promise<Step<T>> | undefined;

  /** The next block, which may be empty, or undefined at the end. */
  protected abstract nextBlock(): Promise<readonly T[] | undefined>;

  /** The reader has left, was cancelled, or the last block has failed: nothing more will be asked for. May be called again. */
  protected abstract stop(): void | Promise<void>;

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether the next item is there. */
  get hasReady(): boolean {
    return this.#at < this.#items.length;
  }

  next(): Promise<Step<T>> {
    if (this.#reading !== undefined) return this.#nextAfter(this.#reading);
    if (!this.hasReady) return this.#isOver ? Promise.resolve(atEnd) : (this.#reading = this.#readOn());
    const scope = arrive();
    if (scope.stop !== undefined) return this.#refuse(scope);
    return grant(scope, { done: false, value: this.#items[this.#at++]! });
  }

  async return(): Promise<Step<T>> {
    await this.#end();
    return atEnd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #nextAfter(other: Promise<unknown>): Promise<Step<T>> {
    await other.catch(() => {});
    return await this.next();
  }

  async #readOn(): Promise<Step<T>> {
    try {
      for (;;) {
        const items = await this.nextBlock();
        if (items === undefined) break;
        if (items.length === 0) continue;
        this.#items = items;
        this.#at = 1;
        return { done: false, value: items[0]! };
      }
      this.#isOver = true;
      return atEnd;
    } catch (error) {
      await this.#end();
      throw error;
    } finally {
      this.#reading = undefined;
    }
  }

  /** A loop does not leave what has failed: so it is closed here. */
  async #refuse(scope: ScopeNode): Promise<never> {
    const refusal = refuse(scope);
    refusal.catch(() => {}); // It is told when all is closed.
    await this.#end();
    return await refusal;
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#items = [];
    this.#at = 0;
    await this.stop();
  }
}

const atEnd = { done: true, value: undefined } as const;
