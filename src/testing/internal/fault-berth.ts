import { ScopeNode, Waiter, stopError } from "../../core/index.ts";

/**
 * The place of a server in the scope that opened it: seen in the tree of tasks, and closed with the scope if nobody has
 * disposed of the server by then. Cancelling the scope leaves the server alone, so that what is cancelled can be watched
 * from there.
 *
 * It counts as something that waits. What the server itself does belongs to a tree of its own.
 */
export class Berth {
  readonly #scope: ScopeNode;
  readonly #stay: Stay;

  /** @throws {ScopeClosedError} the scope has ended */
  constructor(parent: ScopeNode, name: string, onLeft: () => void) {
    if (parent.isClosed) throw stopError(parent);
    this.#scope = new ScopeNode(parent, parent.tree, name, true);
    this.#stay = new Stay(this.#scope, onLeft);
  }

  /** The server is being disposed of. */
  leave(): void {
    this.#stay.resolve();
    this.#scope.close();
  }
}

class Stay extends Waiter<void> {
  readonly #onLeft: () => void;

  constructor(scope: ScopeNode, onLeft: () => void) {
    super(scope);
    this.#onLeft = onLeft;
    scope.flows++;
    this.promise.catch(() => {}); // Nobody awaits it.
  }

  describe(): string {
    return "clients";
  }

  protected override leave(): void {
    this.#onLeft();
  }
}
