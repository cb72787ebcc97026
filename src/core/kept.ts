import type { ScopeNode } from "./scope.ts";
import { sleep } from "./sleep.ts";
import { type Task, spawn } from "./task.ts";
import { toItsEnd } from "./to-its-end.ts";

/** Something that is open, and belongs to a scope: it is closed when that ends, unless that was done before. */
export class Kept {
  readonly #name: string;
  readonly #close: (isAsked: boolean) => Promise<void>;
  readonly #keeper: Task<void>;
  readonly #closed = Promise.withResolvers<void>();
  #isAsked = false;

  /**
   * @param name - for the tree
   * @param close - called once, and told whether anybody has asked for it; what it throws goes there, or else fails the
   * scope. It runs in a task that is cancelled, so it can wait for what the platform does, and for no checkpoint
   */
  constructor(scope: ScopeNode, name: string, close: (isAsked: boolean) => Promise<void>) {
    this.#name = name;
    this.#close = close;
    // Not everybody who closes waits for it.
    this.#closed.promise.catch(() => {});
    this.#keeper = spawn(scope, () => this.#keep(), { name, daemon: true });
  }

  /** Closes it, whether or not the running code is cancelled. Rejects with what closing threw. */
  async close(): Promise<void> {
    this.#isAsked = true;
    this.#keeper.cancel("it is not needed any more");
    await toItsEnd(`close ${this.#name}`, () => this.#closed.promise);
  }

  async #keep(): Promise<void> {
    const cancelled: unknown = await sleep(Infinity).catch((error: unknown) => error);
    try {
      await toItsEnd(`close ${this.#name}`, () => this.#close(this.#isAsked));
      this.#closed.resolve();
    } catch (error) {
      this.#closed.reject(error);
      if (!this.#isAsked) throw error;
    }
    throw cancelled;
  }
}
