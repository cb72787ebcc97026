import { type DoneSet, badLineHash, requestHash } from "./done-set.ts";
import type { JobSource } from "../engine/engine.ts";
import { InputChangedError } from "../errors.ts";
import type { Job } from "../engine/job.ts";

/** Of the jobs of a source those that have no result yet. */
export class RemainingSource implements JobSource {
  /** Requests that came by and have their result. */
  passed = 0;
  readonly #source: JobSource;
  readonly #done: DoneSet;
  readonly #onChanged: (error: InputChangedError) => void;
  #isChanged = false;

  /** @param onChanged - the source gives not what it gave when the results were made; this source has ended */
  constructor(source: JobSource, done: DoneSet, onChanged: (error: InputChangedError) => void) {
    this.#source = source;
    this.#done = done;
    this.#onChanged = onChanged;
  }

  get hasEnded(): boolean {
    return this.#isChanged || this.#source.hasEnded;
  }

  take(): Job | undefined {
    while (!this.#isChanged) {
      const job = this.#source.take();
      if (job === undefined || !this.#isDone(job)) return job;
    }
    return undefined;
  }

  /** To be called when the source has ended: whatever has a result must have come by. */
  expectAll(): void {
    const missing = this.#done.size - this.passed;
    if (missing === 0) return;
    const what = missing === 1 ? "1 request that has its result is" : `${missing} requests that have results are`;
    this.#changed(new InputChangedError(undefined, `${what} not in the input any more`));
  }

  /** Whether the line `index`, which is no request, has its result. */
  hasBadLine(index: number): boolean {
    const known = this.#done.hashAt(index);
    return known !== 0 && this.#pass(index, known === badLineHash);
  }

  #isDone(job: Job): boolean {
    const known = this.#done.hashAt(job.index);
    return known !== 0 && this.#pass(job.index, known === requestHash(job));
  }

  #pass(index: number, isSame: boolean): boolean {
    if (isSame) this.passed++;
    else this.#changed(new InputChangedError(index, `request ${index} is not what it was`));
    return true;
  }

  #changed(error: InputChangedError): void {
    this.#isChanged = true;
    this.#onChanged(error);
  }
}
