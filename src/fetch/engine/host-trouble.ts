import { RetryWindow } from "../../flow/index.ts";
import type { Host } from "./host.ts";
import { type RetryPolicy, backoffMs } from "./retry-policy.ts";

/** A host is down when so many attempts in a row have failed as they do with hosts that are down. */
const downAfter = 5;

/** What is thought of a host that fails: only one that has answered can be down, and only for so long. */
export type HostState = "unknown" | "in doubt" | "down";

/** Retries that are free, for each second. */
const freePerSecond = 10;
const budgetWindowMs = 10_000;

/** From the threshold on the limit comes back in as many round trips. */
const slowTrips = 32;

/**
 * What is remembered of a host that has refused or failed: how long it is left alone, how gently it is come back to,
 * and how many retries it gets.
 *
 *     well ── refuses, or is down ──> paused ── time is over ──> probed ── goes well ──> recovering ── full limit ──> well
 *                                       └────────── refuses again ──────┴────────────────────┘
 *
 * After a pause one attempt goes first. For each that goes well there may be one more at once, which doubles them with
 * each round trip, up to half of what there was when it refused; from there on it goes slower, as TCP does.
 */
export class HostTrouble {
  /** Of failures, not of refusals. */
  readonly retries: RetryWindow;
  /** Nothing is to be sent before, on the clock. */
  untilMs: number = -Infinity;
  readonly #policy: RetryPolicy;
  readonly #fullLimit: number;
  /** Attempts that were under way then belong to the same trouble. */
  #pausedAtMs = -Infinity;
  /** Pauses since something went well. */
  #pauses = 0;
  /** The limit with its fraction. */
  #limit: number;
  #threshold = Infinity;
  #failuresInRow = 0;
  #failingSinceMs = 0;

  constructor(policy: RetryPolicy, fullLimit: number) {
    this.#policy = policy;
    this.#fullLimit = fullLimit;
    this.#limit = fullLimit;
    const { budget } = policy;
    this.retries =
      budget === undefined
        ? new RetryWindow(0, Infinity, budgetWindowMs)
        : new RetryWindow(budget, freePerSecond, budgetWindowMs);
  }

  /**
   * Refused: all leave it alone, as long as it asks. It is taken at its word once; if it refuses what comes then, or does
   * not say how long, it is left alone for no less than grows with each refusal in a row.
   */
  pause(host: Host, startMs: number, nowMs: number, askedMs: number | undefined): void {
    let forMs = askedMs ?? 0;
    if (startMs >= this.#pausedAtMs) {
      this.#pausedAtMs = nowMs;
      this.#threshold = Math.max(1, Math.min(this.#limit, host.inFlight + 1) / 2);
      const isTakenAtWord = ++this.#pauses === 1 && askedMs !== undefined;
      if (!isTakenAtWord) forMs = Math.max(forMs, backoffMs(this.#policy, this.#pauses));
    }
    this.untilMs = Math.max(this.untilMs, nowMs + forMs);
    this.#setLimit(host, 1);
  }

  /** An attempt failed as those do with hosts that are down. */
  failed(host: Host, nowMs: number): HostState {
    if (this.#failuresInRow++ === 0) this.#failingSinceMs = nowMs;
    if (!host.hasAnswered) return "unknown";
    if (nowMs - this.#failingSinceMs < this.#policy.maxTimeMs) {
      return this.#failuresInRow < downAfter ? "in doubt" : "down";
    }
    // It has been waited for long enough: what is left is asked as often as at any host that never was there.
    this.#setLimit(host, this.#fullLimit);
    return "unknown";
  }

  /** An attempt went well that began at `startMs`. */
  wentWell(host: Host, startMs: number): void {
    this.#failuresInRow = 0;
    if (startMs < this.untilMs || this.#limit === this.#fullLimit) return;
    this.#pauses = 0;
    const more = this.#limit < this.#threshold ? 1 : Math.max(1, this.#fullLimit / slowTrips) / this.#limit;
    this.#setLimit(host, this.#limit + more);
  }

  #setLimit(host: Host, limit: number): void {
    this.#limit = Math.min(limit, this.#fullLimit);
    host.allow(Math.floor(this.#limit + rounding));
  }
}

/** Fractions that should add up to a whole number may come to a little less. */
const rounding = 1e-6;
