import { Timer, realClock } from "../../core/index.ts";

/** Progress is sent so often at most, in milliseconds: nobody looks more often. */
const intervalMs = 50;

/** In a worker: sends how far a call is. What comes too soon after the last is held back, and the newest of it sent later. */
export class ProgressSender {
  readonly #post: (value: unknown) => void;
  readonly #timer: Timer = new Timer(() => this.#sendLate());
  #sentMs = -Infinity;
  #held: { readonly value: unknown } | undefined;

  /** @param post - throws what says that it cannot be sent */
  constructor(post: (value: unknown) => void) {
    this.#post = post;
  }

  report(value: unknown): void {
    const nowMs = realClock.now();
    if (nowMs - this.#sentMs >= intervalMs) return this.#send(value, nowMs);
    this.#held = { value };
    if (!this.#timer.isScheduled) realClock.schedule(this.#sentMs + intervalMs, this.#timer);
  }

  /** Sends what is held back: the call is over. */
  flush(): void {
    const held = this.#held;
    this.#timer.cancel();
    if (held !== undefined) this.#send(held.value, realClock.now());
  }

  #send(value: unknown, nowMs: number): void {
    this.#held = undefined;
    this.#timer.cancel();
    this.#sentMs = nowMs;
    this.#post(value);
  }

  #sendLate(): void {
    const held = this.#held;
    try {
      this.flush();
    } catch {
      // It is told at the end of the call.
      this.#held = held;
    }
  }
}
