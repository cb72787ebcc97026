import { type ScopeNode, Waiter } from "../../core/index.ts";
import type { IncomingBody } from "./incoming-body.ts";

/**
 * Ties an open response to a scope, which must not end without it.
 *
 * When the scope is cancelled the response is closed. When the scope just ends, the response passes on to the scope
 * around, as what the code returned may be the response: `timeout(ms, () => session.get(url))`, or the winner of a
 * race. It is closed at the latest when the outermost scope ends, or when nobody has it any more.
 *
 * For the core it is a wait that belongs to nobody, so it counts as a flow of its own.
 */
export class Keeper extends Waiter<void> {
  readonly #body: IncomingBody;
  readonly #label: string;

  constructor(scope: ScopeNode, body: IncomingBody, label: string) {
    super(scope);
    this.#body = body;
    this.#label = label;
    scope.flows++;
    this.promise.catch(() => {}); // Nobody awaits it.
  }

  /** What comes may come at any time; nothing comes while the server is made to wait. */
  override get isExternal(): boolean {
    return this.#body.isFlowing;
  }

  describe(): string {
    return `${this.#label}: its response is open`;
  }

  /** The body needs no keeping any more. */
  finish(): void {
    if (this.scope === null) return;
    this.scope.flows--;
    this.resolve();
  }

  protected override leave(): void {
    const scope = this.scope!;
    if (scope.isClosed && scope.parent !== null) {
      scope.flows--;
      this.#body.keepIn(scope.parent);
    } else {
      this.#body.close("its scope was cancelled, or has ended");
    }
  }
}
