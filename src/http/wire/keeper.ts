import { type ScopeNode, Waiter } from "../../core/index.ts";

/** What must not outlive its scopes. */
export interface Kept {
  /** Whether something may come at any time, from outside. */
  readonly isFlowing: boolean;
  /** Passes on to another scope. */
  keepIn(scope: ScopeNode): void;
  /** Closes it at once. */
  close(why: string): void;
}

/**
 * Ties something that is open, such as a response, to a scope, which must not end without it.
 *
 * When the scope is cancelled it is closed. When the scope just ends, it passes on to the scope around, as what the code
 * returned may be just that: `timeout(ms, () => session.get(url))`, or the winner of a race. It is closed at the latest
 * when the outermost scope ends.
 *
 * For the core it is a wait that belongs to nobody, so it counts as a flow of its own.
 */
export class Keeper extends Waiter<void> {
  readonly #kept: Kept;
  readonly #label: string;

  /** @param label - `GET example.com/users: its response is open` */
  constructor(scope: ScopeNode, kept: Kept, label: string) {
    super(scope);
    this.#kept = kept;
    this.#label = label;
    scope.flows++;
    this.promise.catch(() => {}); // Nobody awaits it.
  }

  /** What comes may come at any time; nothing comes while the server is made to wait. */
  override get isExternal(): boolean {
    return this.#kept.isFlowing;
  }

  describe(): string {
    return this.#label;
  }

  /** It needs no keeping any more. */
  finish(): void {
    if (this.scope === null) return;
    this.scope.flows--;
    this.resolve();
  }

  protected override leave(): void {
    const scope = this.scope!;
    if (scope.isClosed && scope.parent !== null) {
      scope.flows--;
      this.#kept.keepIn(scope.parent);
    } else {
      this.#kept.close("its scope was cancelled, or has ended");
    }
  }
}
