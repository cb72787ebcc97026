import type { Permit, PermitReport } from "../../core/index.ts";

/** What permits have in common: released once, by `release` or by `using`. */
export abstract class OncePermit implements Permit {
  #isReleased = false;

  release(): void {
    this.#end();
    this.giveBack();
  }

  /** Releases it as one that nothing was done with: what using it would have used up is given back too. */
  discard(): void {
    this.#end();
    this.giveBackUnused();
  }

  report(_report: PermitReport): void {}

  [Symbol.dispose](): void {
    if (!this.#isReleased) this.release();
  }

  protected abstract giveBack(): void;

  protected giveBackUnused(): void {
    this.giveBack();
  }

  #end(): void {
    if (this.#isReleased) throw new Error("This permit was released before");
    this.#isReleased = true;
  }
}

/** Gives `permit`, of whichever limiter, back unused. */
export function discard(permit: Permit): void {
  if (permit instanceof OncePermit) permit.discard();
  else permit.release();
}
