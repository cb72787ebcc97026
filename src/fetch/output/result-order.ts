import { Deque } from "../../core/index.ts";
import type { Attempt } from "../engine/attempt.ts";
import type { DoneSet } from "../journal/done-set.ts";
import type { JobSource } from "../engine/engine.ts";
import type { Job } from "../engine/job.ts";
import type { BadLine } from "../input/line-splitter.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";

/** The place of a request in line. */
interface Place {
  /** Undefined for a line that is no request. */
  readonly job: Job | undefined;
  /** Hands the result on; undefined until there is one. */
  handOn: (() => void) | undefined;
  bytes: number;
}

export interface ResultOrderOptions {
  readonly source: JobSource;
  readonly output: ResultOutput;
  /** More can be taken from the source. */
  readonly onReady: () => void;
  /** Requests that may be read ahead of the first one without a result. @default 10_000 */
  readonly maxPlaces?: number;
  /** And bytes of results that may wait for it, besides those of requests under way. @default 64 MiB */
  readonly maxBytes?: number;
}

/**
 * Stands between source and output, and hands results on in the order in which their requests were read.
 *
 * Results wait for the ones before them, in memory, so while many wait no more requests are read; those that were go on,
 * among them the one that all wait for. While what waits is large, only that one is started.
 */
export class ResultOrder implements JobSource, ResultOutput {
  readonly #source: JobSource;
  readonly #output: ResultOutput;
  readonly #onReady: () => void;
  readonly #maxPlaces: number;
  readonly #maxBytes: number;
  /** All that have not been handed on, in the order of reading. */
  readonly #line = new Deque<Place>();
  readonly #places = new Map<Job, Place>();
  #waitingBytes = 0;
  #isHeld = false;

  constructor({ source, output, onReady, maxPlaces = 10_000, maxBytes = 64 * 1024 * 1024 }: ResultOrderOptions) {
    this.#source = source;
    this.#output = output;
    this.#onReady = onReady;
    this.#maxPlaces = maxPlaces;
    this.#maxBytes = maxBytes;
  }

  get hasEnded(): boolean {
    return this.#source.hasEnded;
  }

  /** The one that all wait for, while what waits is large. */
  get only(): Job | undefined {
    return this.#isLarge ? this.#line.first?.job : undefined;
  }

  take(): Job | undefined {
    this.#isHeld = this.#line.size >= this.#maxPlaces || this.#isLarge;
    if (this.#isHeld) return undefined;
    const job = this.#source.take();
    if (job !== undefined) {
      const place: Place = { job, handOn: undefined, bytes: 0 };
      this.#line.push(place);
      this.#places.set(job, place);
    }
    return job;
  }

  get done(): DoneSet | undefined {
    return this.#output.done;
  }

  get bytes(): number {
    return this.#output.bytes;
  }

  get waitingBytes(): number {
    return this.#output.waitingBytes + this.#waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#output.start(events);
  }

  settled(last: Attempt): void {
    const place = this.#places.get(last.job)!;
    this.#places.delete(last.job);
    place.bytes = last.answer?.bodyBytes ?? 0;
    place.handOn = () => this.#output.settled(last);
    this.#waitingBytes += place.bytes;
    this.#handOn();
  }

  foundBadLine(bad: BadLine): void {
    this.#line.push({ job: undefined, handOn: () => this.#output.foundBadLine(bad), bytes: 0 });
    this.#handOn();
  }

  /** Where requests have no result, because the run was broken off, the results after them are written all the same. */
  async end(): Promise<void> {
    for (const { handOn } of this.#line.takeAll()) handOn?.();
    this.#waitingBytes = 0;
    await this.#output.end();
  }

  abandon(): void {
    this.#output.abandon();
  }

  get #isLarge(): boolean {
    return this.#waitingBytes >= this.#maxBytes;
  }

  #handOn(): void {
    while (this.#line.size > 0 && this.#line.first!.handOn !== undefined) {
      const { handOn, bytes } = this.#line.shift();
      this.#waitingBytes -= bytes;
      handOn!();
    }
    if (this.#isHeld) this.#onReady();
  }
}
