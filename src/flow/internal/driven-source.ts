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
  #count = 0;
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

  /** The next item; undefined at the end, and when the source was stopped. Synchronous where it can be. */
  next(): Step<T> | Promise<Step<T>> {
    return ++this.#count % itemsInABreath === 0 ? this.#breatheAndRead() : this.#read();
  }

  /** No item is needed any more. */
  stop(reason: CancelReason): void {
    this.#isStopped = true;
    if (this.#isReading) this.#scope.cancel(reason);
  }

  /** Closes the source, unless it has ended, and waits for what it has started. */
  async close(): Promise<void> {
    const scope = this.#scope;
    try {
      await this.#reader.close();
    } finally {
      while (scope.hasTasks) await scope.crew!.drain();
      scope.close();
    }
  }

  async #breatheAndRead(): Promise<Step<T>> {
    await breathe();
    return this.#read();
  }

  #read(): Step<T> | Promise<Step<T>> {
    const scope = this.#scope;
    if (this.#isStopped) return undefined;
    if (scope.stop !== undefined) throw stopError(scope);
    this.#isReading = true;
    try {
      const step = enter(scope, readNext<T>, this.#reader, scope);
      if (step instanceof Promise) return this.#await(step);
      this.#isReading = false;
      return step;
    } catch (error) {
      this.#isReading = false;
      throw error;
    }
  }

  async #await(step: Promise<Step<T>>): Promise<Step<T>> {
    const scope = this.#scope;
    try {
      return await step;
    } catch (error) {
      if (scope.own !== undefined && scope.cancellationBehind(error) === scope.own) return undefined;
      throw error;
    } finally {
      this.#isReading = false;
    }
  }
}

function readNext<T>(reader: Reader<T>, scope: ScopeNode): Step<T> | Promise<Step<T>> {
  return reader.next(scope);
}
