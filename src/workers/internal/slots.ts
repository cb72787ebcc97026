/** So many calls may be with a thread at once. */
export const maxCallsInWorker = 512;
/** So many functions of a pool are measured; further ones are sent one at a time. */
const maxMeasured = 1_024;

const bytes = (maxMeasured + maxCallsInWorker) * 8 + (maxCallsInWorker + 1) * 4;

const sent = 0;
const started = 1;
const withdrawn = 2;
const cancelled = 3;
const answered = 4;
const returned = 5;

/**
 * Memory that a pool and one of its threads share: where each call stands that is with the thread.
 *
 *     sent ── the thread begins it ──> started ── the caller is cancelled ──> cancelled
 *       │                                 └────── it returns a number or nothing ──> answered or returned
 *       └──── the pool takes it back ──> withdrawn
 *
 * Both sides move a call on by compare-and-swap, so what is withdrawn never starts, and what has started is not sent to
 * another thread. Calls are numbered as they are sent, and processed in that order.
 */
export class Slots {
  readonly buffer: SharedArrayBuffer;
  readonly #averages: Float64Array;
  readonly #answers: Float64Array;
  readonly #states: Int32Array;
  /** When it was last asked. */
  #processed = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(bytes)) {
    this.buffer = buffer;
    this.#averages = new Float64Array(buffer, 0, maxMeasured);
    this.#answers = new Float64Array(buffer, maxMeasured * 8, maxCallsInWorker);
    this.#states = new Int32Array(buffer, (maxMeasured + maxCallsInWorker) * 8);
  }

  /** Whether a call has begun, that was not taken back. */
  hasStarted(call: number): boolean {
    const state = Atomics.load(this.#states, call % maxCallsInWorker);
    return state !== sent && state !== withdrawn;
  }

  /** By the pool, before the call is sent. */
  add(call: number): void {
    Atomics.store(this.#states, call % maxCallsInWorker, sent);
  }

  /** By the thread. False if the call was withdrawn. */
  start(call: number): boolean {
    return Atomics.compareExchange(this.#states, call % maxCallsInWorker, sent, started) === sent;
  }

  /** By the pool. False if the call has started. */
  withdraw(call: number): boolean {
    return Atomics.compareExchange(this.#states, call % maxCallsInWorker, sent, withdrawn) === sent;
  }

  /** By the pool, of a call that has started; false if it has not. */
  cancel(call: number): boolean {
    return Atomics.compareExchange(this.#states, call % maxCallsInWorker, started, cancelled) === started;
  }

  isCancelled(call: number): boolean {
    return Atomics.load(this.#states, call % maxCallsInWorker) === cancelled;
  }

  /**
   * By the thread, of a call that has started and returns a number or nothing: that is left here, where it costs a
   * twentieth of a message. False if the call was cancelled.
   */
  answer(call: number, value: number | undefined): boolean {
    const place = call % maxCallsInWorker;
    if (value !== undefined) this.#answers[place] = value;
    const outcome = value === undefined ? returned : answered;
    return Atomics.compareExchange(this.#states, place, started, outcome) === started;
  }

  /** By the pool, of a call that the thread is through with: whether its value was left here. */
  hasAnswer(call: number): boolean {
    return Atomics.load(this.#states, call % maxCallsInWorker) >= answered;
  }

  /** By the pool, where {@link hasAnswer} is true. */
  answerOf(call: number): number | undefined {
    const place = call % maxCallsInWorker;
    return Atomics.load(this.#states, place) === returned ? undefined : this.#answers[place];
  }

  /** How many calls the thread is through with, those withdrawn included. */
  get processed(): number {
    // The word holds the lower 32 bits, which a busy thread has counted through in hours or weeks.
    this.#processed += (Atomics.load(this.#states, maxCallsInWorker) - this.#processed) | 0;
    return this.#processed;
  }

  set processed(calls: number) {
    Atomics.store(this.#states, maxCallsInWorker, calls);
  }

  /** How long a function takes on the average, in milliseconds; undefined if it is not known. */
  averageMs(task: number): number | undefined {
    const averageMs = this.#averages[task];
    return averageMs === undefined || averageMs === 0 ? undefined : averageMs;
  }

  /** By the pool, where the worker has memory of its own: what the worker has measured. */
  know(task: number, averageMs: number): void {
    if (task < maxMeasured) this.#averages[task] = averageMs;
  }

  /** By the thread: so many calls of the function have taken so long together. */
  measured(task: number, ms: number, calls: number): void {
    const before = this.#averages[task];
    if (before === undefined || calls === 0) return;
    const eachMs = ms / calls;
    const weight = 1 - weightOfOlder ** calls;
    // Clocks have steps: what has taken no time at all is known all the same.
    this.#averages[task] = Math.max(minMs, before === 0 ? eachMs : before + (eachMs - before) * weight);
  }
}

const minMs = 0.000_01;
/** Of an average, the part that was known before the newest call. */
const weightOfOlder = 0.8;
