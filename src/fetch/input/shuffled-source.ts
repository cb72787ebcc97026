import type { BatchSource } from "./batch-source.ts";
import type { Job } from "../engine/job.ts";

/** As many jobs are read before the first is taken, and one of them is drawn each time. */
const windowJobs = 10_000;
/** Less of them, if they are large. */
const windowBytes = 64 * 1024 * 1024;

/**
 * The jobs of a source in an order that looks random, in constant memory: each is drawn from a window of those that
 * come next. So a job moves ahead by no more than the window, but may stay behind for longer.
 *
 * The order depends on seed and input alone, not on how the input comes: nothing is drawn until the window is full.
 */
export class ShuffledSource implements BatchSource {
  readonly #source: BatchSource;
  readonly #window: Job[] = [];
  #bytes = 0;
  /** Of xorshift, never 0. */
  #state: number;

  constructor(source: BatchSource, seed: number) {
    this.#source = source;
    // Seeds that follow each other would begin alike.
    this.#state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  }

  get hasEnded(): boolean {
    return this.#source.hasEnded && this.#window.length === 0;
  }

  get count(): number {
    return this.#source.count;
  }

  get share(): number | undefined {
    return this.#source.share;
  }

  take(): Job | undefined {
    this.#fill();
    const { length } = this.#window;
    if (length === 0 || !(this.#isFull || this.#source.hasEnded)) return undefined;
    const place = this.#below(length);
    const job = this.#window[place]!;
    const last = this.#window.pop()!;
    if (place < length - 1) this.#window[place] = last;
    this.#bytes -= job.bytes;
    return job;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  get #isFull(): boolean {
    return this.#window.length >= windowJobs || this.#bytes >= windowBytes;
  }

  #fill(): void {
    while (!this.#isFull) {
      const job = this.#source.take();
      if (job === undefined) return;
      this.#window.push(job);
      this.#bytes += job.bytes;
    }
  }

  /** From 0 to `count` - 1. */
  #below(count: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % count;
  }
}
