import type { PermitReport } from "../../core/index.ts";

/** Learns a limit from how the work of permits goes. It keeps no time: it counts permits. */
export interface LimitAlgorithm {
  /** The limit of the moment, an integer. */
  readonly limit: number;
  /** How long work takes that nothing holds up, in milliseconds; undefined where that is not known. */
  readonly baseMs: number | undefined;

  /**
   * A permit was given.
   *
   * @param inUse - the weight in use now, its own included
   * @returns to be called when it is back, with how its work went, if that is known
   */
  granted(inUse: number): (report: PermitReport | undefined) => void;
}

/** Between what a limit stays. */
export interface LimitRange {
  readonly min: number;
  readonly max: number;
}
