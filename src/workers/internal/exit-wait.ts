import { type ScopeNode, Waiter } from "../../core/index.ts";

/** The wait for all threads of a pool to end. */
export class ExitWait extends Waiter<void> {
  readonly #pool: string;

  constructor(scope: ScopeNode, pool: string) {
    super(scope);
    this.#pool = pool;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `the end of the threads of ${this.#pool}`;
  }

  /** It ends by itself. */
  protected override leave(): void {}
}
