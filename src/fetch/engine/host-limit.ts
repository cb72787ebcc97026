import type { PermitReport } from "../../core/index.ts";
import { RoundTrip } from "../../sync/index.ts";

/** Attempts at once that a host may begin with. With so few it is measured how long it takes. */
const first = 4;

/** How much may queue at the host, as a part of the limit; 1 at least. */
const headroom = 1 / 8;

/** While nothing queues the headroom doubles, up to this: then the limit doubles in a round trip. */
const maxGrowth = 1 / headroom;

/** Where less of the limit is in use, it holds nobody up, and says nothing of itself. */
const fullFrom = 0.75;

/** Durations that differ by less are the same ones measured again. */
const standardErrors = 2;

/** However much of a round trip fails, this part of it counts as gone well: what fails, fails fast, and is most of it. */
const minSuccess = 0.8;

/** Fractions that should add up to a whole number may come to a little less. */
const rounding = 1e-6;

/**
 * Finds out how many attempts at once a host can take, from how long they take, up to a limit that is given.
 *
 * It begins with few, and measures. As long as more at once take no longer, the limit doubles with each round trip. When
 * they take longer, a part of them only queues at the host: what is worked on, and some headroom, is the next limit. The
 * headroom keeps a short queue, without which nothing would tell when the host can take more.
 *
 * Whether a host that takes longer has too much to do or has just become slower is seen where the limit has come down to
 * what it began with: there it is measured anew, and goes up again. So a host that is well is never slowed down to look
 * how well it is, as the gradient of sync does, for which that costs a fifth of what a batch gets through.
 */
export class HostLimit {
  readonly #most: number;
  readonly #first: number;
  /** With its fraction. */
  #exact: number;
  /** How long an answer takes that nothing holds up, and how exactly that is known, as a part of it. */
  #baseMs: number | undefined = undefined;
  #baseError = 0;
  /** What the headroom is multiplied by. */
  #growth = maxGrowth;
  /** How much durations vary; see {@link RoundTrip}. */
  #variation = 0;
  #roundTrip: RoundTrip;

  /** @param most - what the limit may become */
  constructor(most: number) {
    this.#most = most;
    this.#first = Math.min(first, most);
    this.#exact = this.#first;
    this.#roundTrip = new RoundTrip(this.#exact);
  }

  get limit(): number {
    return Math.floor(this.#exact + rounding);
  }

  /**
   * An attempt has begun.
   *
   * @param inFlight - attempts under way, this one included
   * @returns to be called when it has ended, with how it went, if that says something of the host
   */
  began(inFlight: number): (report: PermitReport | undefined) => void {
    const roundTrip = this.#roundTrip;
    const isOneOfThem = roundTrip.take(inFlight);
    return (report) => {
      if (roundTrip !== this.#roundTrip) return;
      roundTrip.settle(isOneOfThem, report);
      if (!roundTrip.isOver) return;
      if (roundTrip.isTold) this.#learn(roundTrip);
      this.#roundTrip = new RoundTrip(this.limit);
    };
  }

  #learn(roundTrip: RoundTrip): void {
    if (roundTrip.hasMean) this.#measure(roundTrip);
    if (roundTrip.peak < fullFrom * this.limit) return;
    const success = Math.max(minSuccess, roundTrip.successRate);
    const share = this.#shareWorkedOn(roundTrip);
    const room = Math.max(1, this.#exact * headroom);
    const isQueueing = this.#exact * (1 - share * success) >= room / 2;
    if (isQueueing) this.#growth = 1;
    const next = Math.max(this.#exact * share, this.#first) * success + room * this.#growth;
    this.#growth = Math.min(this.#growth * 2, maxGrowth);
    this.#exact = Math.min(this.#most, Math.max(1, this.#exact / 2, next));
  }

  /** Where few are under way nothing queues; where more are and take no longer, neither. */
  #measure(roundTrip: RoundTrip): void {
    this.#variation = this.#variation === 0 ? roundTrip.variation : (this.#variation + roundTrip.variation) / 2;
    const { meanMs } = roundTrip;
    if (this.#baseMs === undefined) this.#baseMs = meanMs;
    else if (roundTrip.peak <= this.#first + 1) this.#baseMs = (this.#baseMs + meanMs) / 2;
    else if (meanMs < this.#baseMs * (1 - this.#toleranceOf(roundTrip))) this.#baseMs += (meanMs - this.#baseMs) / 4;
    else return;
    this.#baseError = roundTrip.errorOf(this.#variation);
  }

  /** The part of what is under way that is worked on. In doubt, all of it. */
  #shareWorkedOn(roundTrip: RoundTrip): number {
    if (!roundTrip.hasMean || this.#baseMs === undefined) return 1;
    const expectedMs = this.#baseMs * (1 + this.#toleranceOf(roundTrip));
    return Math.min(1, expectedMs / roundTrip.meanMs);
  }

  /** What durations may differ by from the base, as a part of it, and still be the same. */
  #toleranceOf(roundTrip: RoundTrip): number {
    return standardErrors * Math.hypot(this.#baseError, roundTrip.errorOf(this.#variation));
  }
}
