import type { PermitReport } from "../../core/index.ts";

/** Fewer permits say nothing about how much durations vary. */
const minPermits = 3;

/** When so many times as many permits are back, those that are still missing are not waited for. */
const patience = 4;

/**
 * What permits tell that were given one after the other. They are chosen when they are given: of those that come back
 * first too many would be short ones.
 */
export class RoundTrip {
  /** The most that was in use when one of them was given. */
  peak = 0;
  /** The mean duration of work that went well, in milliseconds. */
  meanMs = 0;
  readonly #size: number;
  #given = 0;
  #back = 0;
  /** Permits that were given after them, and are back. */
  #othersBack = 0;
  #succeeded = 0;
  #failed = 0;
  /** The sum of squared differences to the mean (Welford, 1962). */
  #squares = 0;

  /** @param size - how many permits it takes */
  constructor(size: number) {
    this.#size = Math.max(minPermits, size);
  }

  /** A permit was given. Returns whether it is one of them. */
  take(inUse: number): boolean {
    if (this.#given >= this.#size) return false;
    this.#given++;
    this.peak = Math.max(this.peak, inUse);
    return true;
  }

  /** A permit is back, with how its work went, if that is known. */
  settle(isOneOfThem: boolean, report: PermitReport | undefined): void {
    if (!isOneOfThem) {
      this.#othersBack++;
      return;
    }
    this.#back++;
    // How long it took to fail is not how long the work takes.
    if (report?.ok === false) this.#failed++;
    else if (report !== undefined) this.#succeed(report.ms);
  }

  get isOver(): boolean {
    if (this.#given < this.#size) return false;
    return this.#back === this.#given || this.#back + this.#othersBack >= patience * this.#size;
  }

  /** Whether enough was told to say something. */
  get isTold(): boolean {
    return this.#succeeded + this.#failed >= minPermits;
  }

  /** Whether enough went well to say how long that takes. */
  get hasMean(): boolean {
    return this.#succeeded >= minPermits;
  }

  /** How much durations vary: their variance, as a part of the square of their mean. */
  get variation(): number {
    return this.meanMs === 0 ? 0 : this.#squares / (this.#succeeded - 1) / this.meanMs ** 2;
  }

  /** How exact the mean is of durations that vary so much: its standard error, as a part of it. */
  errorOf(variation: number): number {
    return Math.sqrt(variation / this.#succeeded);
  }

  /** Which part of the work went well, from 0 to 1. */
  get successRate(): number {
    return this.#succeeded / (this.#succeeded + this.#failed);
  }

  #succeed(ms: number): void {
    const difference = ms - this.meanMs;
    this.meanMs += difference / ++this.#succeeded;
    this.#squares += difference * (ms - this.meanMs);
  }
}
