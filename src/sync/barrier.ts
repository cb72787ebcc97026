import { LinkedList, QueuedWaiter, arrive, expectInteger, grant, refuse, takeAll } from "../core/index.ts";
import { BarrierAbortedError } from "./errors.ts";

class Party extends QueuedWaiter<number> {
  describe(): string {
    return "the other parties of a Barrier";
  }
}

/** What a barrier is doing. */
export interface BarrierStatistics {
  /** How many must come. */
  readonly parties: number;
  /** Parties that have come and wait for the others. */
  readonly waiting: number;
  /** Whether everybody is turned away. */
  readonly isAborted: boolean;
}

/**
 * Holds everybody until `parties` have come; then lets all go on together, and starts again.
 *
 *     filling ── the last party comes ──> filling
 *        └────── abort() ──> aborted ── reset() ──> filling
 */
export class Barrier {
  readonly #parties: number;
  readonly #waiting = new LinkedList<Party>();
  #isAborted = false;

  /** @param parties - how many must come, 1 or more, and no more than can come */
  constructor(parties: number) {
    expectInteger("parties", parties, 1);
    if (parties === Infinity) {
      throw new RangeError("Expected `parties` to be finite, got `Infinity`: all would wait for ever");
    }
    this.#parties = parties;
  }

  /**
   * Waits for the other parties.
   *
   * Cancel: leaves as if it had not come.
   *
   * @returns the place in the order of coming, from 0: handy to choose one for some work
   * @throws {BarrierAbortedError} BARRIER_ABORTED
   */
  wait(): Promise<number> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isAborted) return Promise.reject(new BarrierAbortedError());
    if (this.#isLast()) {
      this.#open();
      return grant(scope, this.#parties - 1);
    }
    const party = new Party(scope);
    this.#waiting.push(party);
    return party.promise;
  }

  /** Turns everybody away who waits or comes, until {@link reset}. */
  abort(): void {
    this.#isAborted = true;
    for (const party of takeAll(this.#waiting)) party.reject(new BarrierAbortedError());
  }

  /** Starts again: who waits is turned away, who comes next waits. */
  reset(): void {
    this.abort();
    this.#isAborted = false;
  }

  /** What the barrier is doing right now. */
  statistics(): BarrierStatistics {
    return Object.freeze({ parties: this.#parties, waiting: this.#waiting.size, isAborted: this.#isAborted });
  }

  /** Whether all the others are there, and none of them about to leave. */
  #isLast(): boolean {
    if (this.#waiting.size < this.#parties - 1) return false;
    let present = 0;
    for (const party of this.#waiting) if (!party.isLeaving) present++;
    return present === this.#parties - 1;
  }

  #open(): void {
    for (const [place, party] of takeAll(this.#waiting).entries()) party.resolve(place);
  }
}
