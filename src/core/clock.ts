/** The only place that reads the time or sets a timer of Node's. */
import { performance } from "node:perf_hooks";
import { outside } from "./ambient.ts";
import { type Timed, TimerQueue } from "./timer-queue.ts";

/** The time of a task tree: real, or virtual under test. */
export interface Clock {
  /** Milliseconds since an arbitrary point; never goes backwards. */
  now(): number;
  /** Calls `timer.fire()` once, when `now()` has reached `atMs`. `Infinity` means never. */
  schedule(atMs: number, timer: Timed): void;
}

/** When the loop last came back to work of ours, in milliseconds of the real clock. `breathe` measures from here. */
export const turn: { startedMs: number } = { startedMs: 0 };

/** The longest delay that Node's timers take. */
const maxDelayMs = 2 ** 31 - 1;

class RealClock implements Clock {
  readonly #queue: TimerQueue = new TimerQueue(() => this.#timer?.unref());
  #timer: NodeJS.Timeout | undefined;
  #armedForMs = Infinity;
  #isFiring = false;

  now(): number {
    return performance.now();
  }

  schedule(atMs: number, timer: Timed): void {
    if (atMs === Infinity) return;
    const dueMs = this.#queue.add(atMs, timer);
    if (this.#isFiring) return;
    if (dueMs < this.#armedForMs) this.#arm(dueMs);
    else if (this.#queue.size === 1) this.#timer?.ref();
  }

  #arm(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#armedForMs = dueMs;
    const delayMs = Math.min(Math.max(1, Math.ceil(dueMs - performance.now())), maxDelayMs);
    this.#timer = outside(() => setTimeout(() => this.#tick(), delayMs));
  }

  #tick(): void {
    this.#timer = undefined;
    this.#armedForMs = Infinity;
    this.#isFiring = true;
    turn.startedMs = performance.now();
    try {
      this.#queue.fireDue(turn.startedMs);
    } finally {
      this.#isFiring = false;
      const dueMs = this.#queue.nextDueMs();
      if (dueMs !== undefined) this.#arm(dueMs);
    }
  }
}

/** The clock of every tree that is not under test. */
export const realClock: Clock = new RealClock();

/** Something to go on with when the loop has seen to timers and I/O once. */
export interface Resumable {
  resume(): void;
}

let waiting: Resumable[] = [];

/** Resumes `item` after one turn of the event loop. All that ask within a turn share one immediate. */
export function afterThisTurn(item: Resumable): void {
  if (waiting.push(item) === 1) outside(() => setImmediate(resumeAll));
}

function resumeAll(): void {
  const items = waiting;
  waiting = [];
  turn.startedMs = performance.now();
  for (const item of items) item.resume();
}
