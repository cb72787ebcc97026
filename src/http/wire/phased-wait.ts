import { type Clock, type ScopeNode, type Timed, Waiter, unschedule } from "../../core/index.ts";
import type { TimeoutPhase } from "../errors.ts";
import type { Timeouts } from "./timeouts.ts";

/** How late the clock comes when something has held up the loop. */
const heldUpMs = 20;

/**
 * A wait for work that goes through phases, each with a time limit, and with one for all of it.
 *
 * It is its own timer, and one is enough: the clock is only told when something is due earlier than it will come back
 * anyway. Then it looks what the time is for by now. So phases may change with each byte.
 */
export abstract class PhasedWait<T> extends Waiter<T> implements Timed {
  protected readonly clock: Clock;
  /** The phase that time is running for, if {@link stopPhase} has not stopped it. */
  protected phase: TimeoutPhase = "headers";
  #phaseDueMs = Infinity;
  #totalDueMs = Infinity;
  /** What the clock has been told. */
  #armedMs = Infinity;
  /** What was due when the clock came late. */
  #sparedMs = -Infinity;

  constructor(scope: ScopeNode) {
    super(scope);
    this.clock = scope.tree.clock;
  }

  protected abstract get timeouts(): Timeouts;

  /** `phase` took too long. Time has stopped. */
  protected abstract timedOut(phase: TimeoutPhase): void;

  /** From now on time runs for all of it. Told to the clock with the first phase. */
  protected startTotal(nowMs: number): void {
    this.#totalDueMs = nowMs + this.timeouts.totalMs;
  }

  /** From now on time runs for `phase`. */
  protected startPhase(phase: TimeoutPhase, nowMs?: number): void {
    this.phase = phase;
    const limitMs = this.timeouts[limitNames[phase]];
    // Most bytes come where nobody limits the time between them: then the clock need not be asked.
    this.#phaseDueMs = limitMs === Infinity ? Infinity : (nowMs ?? this.clock.now()) + limitMs;
    this.#arm();
  }

  /** Something happened: time for the phase starts again, if it was running. */
  protected extendPhase(): void {
    if (this.#phaseDueMs !== Infinity) this.startPhase(this.phase);
  }

  /** Time runs for no phase; only the total goes on. */
  protected stopPhase(): void {
    this.#phaseDueMs = Infinity;
  }

  /** Time stops. */
  protected stopTime(): void {
    unschedule(this);
  }

  #arm(): void {
    const dueMs = Math.min(this.#phaseDueMs, this.#totalDueMs);
    if (this.list !== null) {
      if (this.#armedMs <= dueMs) return;
      unschedule(this);
    }
    this.#armedMs = dueMs;
    this.clock.schedule(dueMs, this);
  }

  /** Called by the clock. */
  fire(): void {
    const nowMs = this.clock.now();
    const dueMs = Math.min(this.#phaseDueMs, this.#totalDueMs);
    if (nowMs < dueMs) this.#arm();
    else if (nowMs - dueMs > heldUpMs && this.#sparedMs !== dueMs) this.#spare(dueMs, nowMs);
    else this.timedOut(nowMs >= this.#totalDueMs ? "total" : this.phase);
  }

  /** The loop was held up. What has come meanwhile is still to be read: that is looked at before the clock comes again. */
  #spare(dueMs: number, nowMs: number): void {
    this.#sparedMs = dueMs;
    this.#armedMs = nowMs + 1;
    this.clock.schedule(this.#armedMs, this);
  }
}

/** Not made by joining strings: that would take longer than the rest, for each piece of a body. */
const limitNames = { connect: "connectMs", headers: "headersMs", idle: "idleMs", total: "totalMs" } as const;
