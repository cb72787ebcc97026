import { type ScopeNode, Waiter } from "../../core/index.ts";
import type { Engine } from "./engine.ts";

/** Stops an engine when the scope around it is cancelled, even while it has nothing on the wire. */
export class CancelWatch extends Waiter<void> {
  readonly #engine: Engine;

  constructor(scope: ScopeNode, engine: Engine) {
    super(scope);
    this.#engine = engine;
    this.promise.catch(() => {}); // Nobody awaits it.
  }

  override get isExternal(): boolean {
    return this.#engine.inFlight > 0;
  }

  describe(): string {
    const { inFlight, ahead } = this.#engine;
    return `requests: ${inFlight} on the wire, ${ahead} to be asked or asked again`;
  }

  protected override leave(): void {
    this.#engine.stop();
  }
}
