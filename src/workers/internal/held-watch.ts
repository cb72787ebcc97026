import { Timer, realClock } from "../../core/index.ts";
import type { Slots } from "./slots.ts";

/** What does not begin with the next call for so long, in milliseconds, is held, and maybe for good. */
const heldMs = 1_000;

/**
 * Notices that a worker does not even begin with its next call: something holds its loop that a task before has left
 * behind. What a worker has begun with may take its time.
 */
export class HeldWatch {
  readonly #slots: Slots;
  readonly #onHeld: () => void;
  readonly #timer: Timer = new Timer(() => this.#look());
  /** How far the worker was when the timer was set. */
  #processed = 0;

  constructor(slots: Slots, onHeld: () => void) {
    this.#slots = slots;
    this.#onHeld = onHeld;
  }

  /** The worker has something to do. */
  start(nowMs: number): void {
    this.#processed = this.#slots.processed;
    this.#timer.cancel();
    realClock.schedule(nowMs + heldMs, this.#timer);
  }

  /** It has nothing to do. */
  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { processed } = this.#slots;
    if (processed === this.#processed && !this.#slots.hasStarted(processed)) this.#onHeld();
    else this.start(realClock.now());
  }
}
