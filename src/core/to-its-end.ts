import { openScope } from "./current.ts";
import type { ScopeNode } from "./scope.ts";
import { Waiter } from "./waiter.ts";

/**
 * Waits for work that cannot be stopped, or must not be left behind, although the scope is or gets cancelled: its result
 * is returned, and the next checkpoint throws. For what the platform does: the tree counts it as going on outside.
 *
 * @param what - for the tree: `close /tmp/file`
 */
export async function toItsEnd<T>(what: string, work: () => PromiseLike<T>): Promise<T> {
  const scope = openScope(what, true);
  try {
    const wait = new EndWaiter<T>(scope, what);
    work().then(
      (value) => wait.resolve(value),
      (error: unknown) => wait.reject(error),
    );
    return await wait.promise;
  } finally {
    scope.close();
  }
}

class EndWaiter<T> extends Waiter<T> {
  readonly #what: string;

  constructor(scope: ScopeNode, what: string) {
    super(scope);
    this.#what = what;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return this.#what;
  }

  /** It ends by itself. */
  protected override leave(): void {}
}
