import {
  type CancelReason,
  type ScopeNode,
  breathe,
  currentScope,
  enter,
  openScope,
  stopError,
} from "../../core/index.ts";
import { Reader, type Source, type Step } from "../source.ts";

/** After so many items the driver lets others run, if it has held the loop for long: a source may never wait. */
const itemsInABreath = 16;

/**
 * A source, read by the driver of a stream in a scope of its own.
 *
 * So it can be stopped without being cancelled: only a read that is unanswered is cut. Closing it, and what it has to
 * clean up then, is not, unless the driver is cancelled itself.
 */
export class DrivenSource<T> {
  readonly #scope: ScopeNode = openScope("source");
  readonly #reader: Reader<T>;
  #isReading = false;
  #isStopped = false;

  /** Opens the source. Called in the driver. */
  constructor(source: Source<T>) {
    try {
      this.#reader = enter(this.#scope, (from, home) => new Reader(from, home), source, currentScope());
    } catch (error) {
      this.#scope.close();
      throw error;
    }
  }

  /**
   * Gives each item to `take`, until the end of the source or until it is stopped.
   *
   * @param take - may return what has to be waited for before the next item is read
   */
  read(take: (item: T, index: number) => Promise<void> | undefined): Promise<void> {
    return enter(this.#scope, () => this.#readAll(take), undefined, undefined);
  }

  /** No item is needed any more. */
  stop(reason: CancelReason): void {
    this.#isStopped = true;
    if (this.#isReading) this.#scope.cancel(reason);
  }

  /** Closes the source, unless it has ended, and waits for what it has started. Called in the driver. */
  async close(): Promise<void> {
    const scope = this.#scope;
    try {
      await this.#reader.close();
    } finally {
      while (scope.hasTasks) await scope.crew!.drain();
      scope.close();
    }
  }

  async #readAll(take: (item: T, index: number) => Promise<void> | undefined): Promise<void> {
    for (let count = 1; ; count++) {
      if (count % itemsInABreath === 0) await breathe();
      if (this.#isStopped) return;
      if (this.#scope.stop !== undefined) throw stopError(this.#scope);
      const reading = this.#readNext();
      const step = reading instanceof Promise ? await this.#answer(reading) : reading;
      if (step === undefined) return;
      const pause = take(step.item, step.index);
      if (pause !== undefined) await pause;
    }
  }

  #readNext(): Step<T> | Promise<Step<T>> {
    this.#isReading = true;
    try {
      return this.#reader.next(this.#scope);
    } finally {
      this.#isReading = false;
    }
  }

  async #answer(reading: Promise<Step<T>>): Promise<Step<T>> {
    const scope = this.#scope;
    this.#isReading = true;
    try {
      return await reading;
    } catch (error) {
      // Cut because it was stopped.
      if (scope.own !== undefined && scope.cancellationBehind(error) === scope.own) return undefined;
      throw error;
    } finally {
      this.#isReading = false;
    }
  }
}
