import { type ScopeNode, Waiter, openScope } from "../../core/index.ts";

/**
 * Waits for something that must not be left behind, although the scope is cancelled.
 *
 * @param what - for the tree: `stop select ...`
 * @param whenDone - is given what is to be called at its end
 */
export async function toItsEnd(what: string, whenDone: (done: () => void) => void): Promise<void> {
  const scope = openScope(what, true);
  try {
    const wait = new EndWaiter(scope, what);
    whenDone(() => wait.resolve());
    await wait.promise;
  } finally {
    scope.close();
  }
}

class EndWaiter extends Waiter<void> {
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
