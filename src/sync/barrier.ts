import { LinkedList, QueuedWaiter, arrive, expectInteger, refuse } from "../core/index.ts";
import { BarrierAbortedError } from "./errors.ts";

class Party extends QueuedWaiter<number> {
  describe(): string {
    return "the other parties of a Barrier";
  }
}

/** What a barrier is doing. */
export interface BarrierStatistics {
  readonly parties: number;
  /** Parties that have come and wait for the others. */
  readonly waiting: number;
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

  /** @param parties - how many must come, 1 or more */
  constructor(parties: number) {
    expectInteger("parties", parties, 1);
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
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isAborted) return Promise.reject(new BarrierAbortedError());
    if (this.#waiting.size === this.#parties - 1) {
      this.#open();
      return Promise.resolve(this.#parties - 1);
    }
    const party = new Party(scope);
    this.#waiting.push(party);
    return party.promise;
  }

  /** Turns everybody away who waits or comes, until {@link reset}. */
  abort(): void {
    this.#isAborted = true;
    for (let party = this.#waiting.shift(); party !== undefined; party = this.#waiting.shift()) {
      party.reject(new BarrierAbortedError());
    }
  }

  /** Starts again: who waits is turned away, who comes next waits. */
  reset(): void {
    this.abort();
    this.#isAborted = false;
  }

  statistics(): BarrierStatistics {
    return Object.freeze({ parties: this.#parties, waiting: this.#waiting.size, isAborted: this.#isAborted });
  }

  #open(): void {
    let place = 0;
    for (let party = this.#waiting.shift(); party !== undefined; party = this.#waiting.shift()) party.resolve(place++);
  }
}
