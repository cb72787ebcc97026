import { type Clock, Timer, formatMs } from "../../core/index.ts";

/**
 * A time in which a host wants to hear of nobody, as it has said with `Retry-After`.
 *
 * The clock is told only while somebody waits: a pause alone keeps no process alive.
 */
export class HostPause {
  /** On the clock, in milliseconds. */
  readonly untilMs: number;
  readonly #clock: Clock;
  readonly #status: number;
  readonly #timer: Timer = new Timer(() => this.onOver());
  /** Called at its end, while it is watched. */
  onOver: () => void = () => {};

  /** @param status - what the host answered: 429 or 503 */
  constructor(clock: Clock, forMs: number, status: number) {
    this.#clock = clock;
    this.untilMs = clock.now() + forMs;
    this.#status = status;
  }

  get isOver(): boolean {
    return this.#clock.now() >= this.untilMs;
  }

  /** "host paused for 3 s (429)" */
  describe(): string {
    const leftMs = Math.max(0, this.untilMs - this.#clock.now());
    return `host paused for ${formatMs(leftMs)} (${this.#status})`;
  }

  /** Somebody waits for its end. */
  watch(): void {
    if (!this.#timer.isScheduled) this.#clock.schedule(this.untilMs, this.#timer);
  }

  /** Nobody waits any more. */
  unwatch(): void {
    this.#timer.cancel();
  }
}
