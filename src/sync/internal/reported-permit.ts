import { type PermitReport, expectMs } from "../../core/index.ts";
import { OncePermit } from "./once-permit.ts";

/** A permit of a limiter that learns: it hands on the last report when it is released. */
export class ReportedPermit extends OncePermit {
  readonly #onRelease: (report: PermitReport | undefined) => void;
  #report: PermitReport | undefined = undefined;

  constructor(onRelease: (report: PermitReport | undefined) => void) {
    super();
    this.#onRelease = onRelease;
  }

  override report(report: PermitReport): void {
    expectMs("ms", report.ms, 0);
    if (report.ms === Infinity) throw new RangeError("Expected `ms` to be finite, got `Infinity` (number)");
    this.#report = report;
  }

  protected override giveBack(): void {
    this.#onRelease(this.#report);
  }
}
