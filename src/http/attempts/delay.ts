import { type ScopeNode, type Timed, Waiter, unschedule } from "../../core/index.ts";

/** A wait for a moment, under a label of its own. */
export class Delay extends Waiter<void> implements Timed {
  readonly #describe: () => string;

  /** @param untilMs - on the clock of the scope */
  constructor(scope: ScopeNode, untilMs: number, describe: () => string) {
    super(scope);
    this.#describe = describe;
    scope.tree.clock.schedule(untilMs, this);
  }

  fire(): void {
    this.resolve();
  }

  protected override leave(): void {
    unschedule(this);
  }

  describe(): string {
    return this.#describe();
  }
}
