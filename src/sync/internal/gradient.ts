import type { PermitReport } from "../../core/index.ts";
import type { LimitAlgorithm, LimitRange } from "./limit-algorithm.ts";
import { RoundTrip } from "./round-trip.ts";

/** How much may queue at the service, as a part of the limit; 1 at least. */
const headroom = 1 / 8;

/** While nothing queues the headroom doubles, up to this: then the limit doubles in a round trip. */
const maxGrowth = 1 / headroom;

/** Where less of the limit is in use it holds nobody up, and says nothing of itself. */
const fullFrom = 0.75;

/**
 * However much of a round trip fails, this part of it counts as gone well. What is refused is refused fast, and the slots
 * that spin so are many of those given: the limit would fall far below what the service can do.
 */
const minSuccess = 0.8;

/** How exactly mean durations are to be known: their standard error, as a part of them... */
const precision = 0.05;
/** ...as far as so many times the limit are enough for that. */
const maxTimes = 8;

/** The base is measured again when the limit has changed by this factor since the last time... */
const shift = 1.5;
/** ...but not before so many round trips... */
const minSpacing = 2;
/** ...and at the latest after so many. */
const maxSpacing = 64;

/** A base that differs by less is the same one measured again: by a part of it, or by standard errors. */
const sameBase = { part: 0.2, errors: 2 };

/** Fractions that should add up to a whole number may come to a little less. */
const rounding = 1e-6;

/**
 * Finds the limit from which on more at once only takes longer.
 *
 * How long work takes, against how long it takes when nothing holds it up, `baseMs`, says how much of what is under way
 * is worked on, and how much queues: the idea of TCP Vegas (Brakmo and Peterson, 1995) and of the gradient limits of
 * Netflix's concurrency-limits. What is worked on, and some headroom, is the next limit. The headroom keeps a short
 * queue, without which nothing would tell when the service can do more.
 *
 * A base that is only remembered pins the limit when the service becomes slower or faster for good. So it is measured
 * again and again, as BBR does (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): a probe lowers the
 * limit for a round trip to half of what is worked on, where nothing queues. Probes come after 1, 2, 4 ... 64 round
 * trips while they find what the last one did; and soon when the limit has changed much, of which a wrong base may be
 * the cause.
 *
 *     adjusting ── a probe is due ──> probing ── one round trip ──> adjusting
 *
 * A round trip begins with permits that are given after the limit was set: others tell of the limit before, and to act
 * on them would be to act twice on one cause.
 */
export class Gradient implements LimitAlgorithm {
  baseMs: number | undefined = undefined;
  /** The standard error of the base, as a part of it. */
  #baseError = 0;
  /** How much durations vary; see {@link RoundTrip}. Undefined until measured. */
  #variation: number | undefined = undefined;
  readonly #range: LimitRange;
  /** The limit with its fraction. */
  #exact: number;
  #roundTrip: RoundTrip;
  /** What the headroom is multiplied by. */
  #growth = 1;
  /** The limit to go back to, while probing. */
  #resumeAt: number | undefined = undefined;
  #limitAtProbe: number;
  /** Round trips at the full limit since the last probe, and how many there are to be before the next. */
  #sinceProbe = 0;
  #spacing = 1;

  constructor(initial: number, range: LimitRange) {
    this.#exact = initial;
    this.#limitAtProbe = initial;
    this.#range = range;
    this.#roundTrip = this.#newRoundTrip();
  }

  get limit(): number {
    return Math.floor(this.#exact + rounding);
  }

  granted(inUse: number): (report: PermitReport | undefined) => void {
    const roundTrip = this.#roundTrip;
    const isOneOfThem = roundTrip.take(inUse);
    return (report) => {
      if (roundTrip !== this.#roundTrip) return;
      roundTrip.settle(isOneOfThem, report);
      if (roundTrip.isOver) this.#learn(roundTrip);
    };
  }

  #learn(roundTrip: RoundTrip): void {
    if (roundTrip.hasMean) this.#learnVariation(roundTrip.variation);
    if (this.#resumeAt !== undefined) this.#endProbe(this.#resumeAt, roundTrip);
    else if (roundTrip.peak >= fullFrom * this.limit) this.#adjust(roundTrip);
    // So little is a probe by itself.
    else if (roundTrip.peak <= this.limit / 2) this.#learnBase(roundTrip);
    this.#roundTrip = this.#newRoundTrip();
  }

  /** As many permits as may be in use at once, or more where durations vary so much that their mean would say little. */
  #newRoundTrip(): RoundTrip {
    const wanted = (this.#variation ?? 0) / precision ** 2;
    return new RoundTrip(Math.max(this.limit, Math.min(wanted, maxTimes * this.limit)));
  }

  #adjust(roundTrip: RoundTrip): void {
    if (!roundTrip.isTold) return;
    if (this.baseMs === undefined && roundTrip.hasMean) this.#setBase(roundTrip);
    const share = this.#shareWorkedOn(roundTrip);
    const room = Math.max(1, this.#exact * headroom);
    const isQueueing = this.#exact * (1 - share) >= room / 2;
    this.#growth = isQueueing ? 1 : Math.min(this.#growth * 2, maxGrowth);
    const next = Math.max(this.#exact * share + room * this.#growth, this.#exact / 2);
    this.#sinceProbe++;
    if (this.#isProbeDue(next)) this.#startProbe(next, (this.#exact * share) / 2);
    else this.#setLimit(next);
  }

  /** The part of what is under way that is worked on, and does not fail for being too much. In doubt, all of it. */
  #shareWorkedOn(roundTrip: RoundTrip): number {
    const successRate = Math.max(minSuccess, roundTrip.successRate);
    if (!roundTrip.hasMean || this.baseMs === undefined) return successRate;
    const { meanMs } = roundTrip;
    const expectedMs = this.baseMs * (1 + this.#baseError + this.#errorOf(roundTrip));
    return meanMs <= expectedMs ? successRate : (expectedMs / meanMs) * successRate;
  }

  #isProbeDue(limit: number): boolean {
    if (this.#sinceProbe >= this.#spacing) return true;
    const change = limit / this.#limitAtProbe;
    return (change > shift || change < 1 / shift) && this.#sinceProbe >= minSpacing;
  }

  #startProbe(resumeAt: number, limit: number): void {
    this.#resumeAt = this.#clamp(resumeAt);
    this.#limitAtProbe = this.#resumeAt;
    this.#setLimit(limit);
  }

  #endProbe(resumeAt: number, roundTrip: RoundTrip): void {
    this.#resumeAt = undefined;
    this.#sinceProbe = 0;
    this.#learnBase(roundTrip);
    this.#setLimit(resumeAt);
  }

  #learnBase(roundTrip: RoundTrip): void {
    if (!roundTrip.hasMean) return;
    const { baseMs } = this;
    if (baseMs === undefined || !this.#isBaseAgain(roundTrip, baseMs)) {
      this.#setBase(roundTrip);
      this.#spacing = 1;
    } else {
      this.baseMs = (baseMs + roundTrip.meanMs) / 2;
      this.#baseError = Math.hypot(this.#baseError, this.#errorOf(roundTrip)) / 2;
      this.#spacing = Math.min(this.#spacing * 2, maxSpacing);
    }
  }

  #isBaseAgain(roundTrip: RoundTrip, baseMs: number): boolean {
    const tolerance = Math.max(sameBase.part, sameBase.errors * this.#errorOf(roundTrip));
    return Math.abs(roundTrip.meanMs - baseMs) <= baseMs * tolerance;
  }

  #setBase(roundTrip: RoundTrip): void {
    this.baseMs = roundTrip.meanMs;
    this.#baseError = this.#errorOf(roundTrip);
  }

  #learnVariation(variation: number): void {
    this.#variation = this.#variation === undefined ? variation : (this.#variation + variation) / 2;
  }

  #errorOf(roundTrip: RoundTrip): number {
    return roundTrip.errorOf(this.#variation ?? 0);
  }

  #setLimit(limit: number): void {
    this.#exact = this.#clamp(limit);
  }

  #clamp(limit: number): number {
    return Math.min(this.#range.max, Math.max(this.#range.min, limit));
  }
}
