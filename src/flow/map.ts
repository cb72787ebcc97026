import {
  Crew,
  Failures,
  type Limiter,
  type Permit,
  type Scope,
  type ScopeNode,
  type TaskOwner,
  enter,
  expectInteger,
  now,
  openScope,
  spawn,
  stopError,
} from "../core/index.ts";
import { Reader, type Source, type Step } from "./source.ts";

/** How much of the work is done at once: by number, or as a limiter lets it. */
export type MapOptions =
  | {
      /** How many calls of `fn` run at once, 1 or more. */
      readonly concurrency: number;
    }
  | {
      /** Each call of `fn` holds a permit of this limiter. */
      readonly limiter: Limiter;
    };

/** What is done with each item. */
export type MapFunction<T, R> = (item: T, index: number, scope: Scope) => R | PromiseLike<R>;

/**
 * Calls `fn` for each item, several at once, and returns the results in the order of the items.
 *
 * The first failure cancels the other calls; when they have ended it is thrown, with later ones in its `suppressed`.
 * The source is read only as fast as calls start, and closed when it is left early.
 *
 * Cancel: cancels the calls that run, waits for them, and starts no more.
 *
 * @param items - any sync or async iterable
 *
 * @example
 * ```ts
 * import { map, sleep } from "taskwright";
 *
 * const lengths = await map(["a", "bb", "ccc"], async (word) => (await sleep(1), word.length), { concurrency: 2 });
 * console.log(lengths.join()); // => 1,2,3
 * ```
 */
export async function map<T, R>(items: Source<T>, fn: MapFunction<T, R>, options: MapOptions): Promise<Awaited<R>[]> {
  if (!("limiter" in options)) expectInteger("concurrency", options.concurrency, 1);
  const scope = openScope("map");
  try {
    const mapping = new Mapping(scope, items, fn as MapFunction<T, Awaited<R>>);
    await enter(scope, () => mapping.run(options), undefined, undefined);
    while (scope.hasTasks) await scope.crew!.drain();
    return mapping.outcome();
  } finally {
    scope.close();
  }
}

/** One call of `map`. */
class Mapping<T, R> implements TaskOwner {
  readonly #scope: ScopeNode;
  readonly #fn: MapFunction<T, R>;
  readonly #reader: Reader<T>;
  readonly #results: R[] = [];
  readonly #failures = new Failures();
  /** Workers that wait for the source. */
  #reading = 0;
  /** Whether results are missing because of a cancellation. */
  #isCut = false;

  constructor(scope: ScopeNode, source: Source<T>, fn: MapFunction<T, R>) {
    this.#scope = scope;
    this.#fn = fn;
    this.#reader = new Reader(source, scope);
    scope.crew = new Crew(scope, this);
  }

  async run(options: MapOptions): Promise<void> {
    if ("limiter" in options) await this.#runLimited(options.limiter);
    else await this.#runWorkers(options.concurrency);
    try {
      await this.#reader.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  outcome(): R[] {
    if (this.#failures.count > 0) throw this.#failures.first();
    if (this.#isCut) throw this.#scope.outerCancellation ?? stopError(this.#scope);
    return this.#results;
  }

  taskFailed(_name: string, error: unknown): void {
    this.#failed(error);
  }

  #failed(error: unknown): void {
    if (this.#scope.cancellationBehind(error) !== undefined) {
      this.#isCut = true;
      return;
    }
    this.#failures.add(error);
    this.#scope.cancel({ kind: "sibling-failed", task: "a call of map", error });
  }

  /** So many workers, each calling `fn` for one item after the other. All in one scope: cheaper than a task an item. */
  async #runWorkers(concurrency: number): Promise<void> {
    const workers: Promise<void>[] = [];
    // Of the flows in this scope the caller is one, and parked until all workers have ended.
    this.#scope.flows--;
    for (let count = 0; count < concurrency && !this.#reader.isOver && !this.#isStopped; count++) {
      workers.push(this.#work());
    }
    await Promise.all(workers);
    this.#scope.flows++;
  }

  async #work(): Promise<void> {
    const scope = this.#scope;
    const reader = this.#reader;
    scope.flows++;
    try {
      for (;;) {
        if (scope.stop !== undefined && this.#isStopped) return;
        let step = reader.next(scope);
        if (step instanceof Promise) {
          step = await this.#awaitTurn(step);
          if (step !== undefined && this.#comesTooLate) return;
        }
        if (step === undefined) return;
        this.#results[step.index] = await this.#fn(step.item, step.index, scope);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      scope.flows--;
    }
  }

  /** Waits for an async source. It is read for one worker at a time, so the others are parked. */
  async #awaitTurn(step: Promise<Step<T>>): Promise<Step<T>> {
    if (this.#reading++ > 0) this.#scope.flows--;
    try {
      return await step;
    } finally {
      if (--this.#reading > 0) this.#scope.flows++;
    }
  }

  /** A task for each item that gets a permit. */
  async #runLimited(limiter: Limiter): Promise<void> {
    for (;;) {
      let permit: Permit;
      try {
        permit = await limiter.acquire();
      } catch (error) {
        const isCut = this.#scope.cancellationBehind(error) !== undefined;
        // If nothing was left to be read, nothing is missing.
        if (!isCut || !this.#isStopped) this.#failed(error);
        return;
      }
      const step = await this.#readWith(permit);
      if (step === undefined) return;
      spawn(this.#scope, () => this.#call(step.item, step.index, permit), { name: `map[${step.index}]` });
    }
  }

  async #readWith(permit: Permit): Promise<Step<T>> {
    let step: Step<T>;
    try {
      if (!this.#isStopped) step = await this.#reader.next(this.#scope);
      if (step !== undefined && this.#comesTooLate) step = undefined;
    } catch (error) {
      this.#failed(error);
    }
    if (step === undefined) permit.release();
    return step;
  }

  async #call(item: T, index: number, permit: Permit): Promise<void> {
    const startedMs = now();
    try {
      this.#results[index] = await this.#fn(item, index, this.#scope);
      permit.report({ ok: true, ms: now() - startedMs });
    } catch (error) {
      // Cancelled work says nothing of what it was for.
      if (this.#scope.cancellationBehind(error) === undefined) permit.report({ ok: false, ms: now() - startedMs });
      // Before the permit is free, so that no other call starts with it.
      this.#failed(error);
    } finally {
      permit.release();
    }
  }

  /** Whether no call may start any more. Marks what is missing then. */
  get #isStopped(): boolean {
    if (this.#scope.stop === undefined) return false;
    // Where something is missing already, or nothing will be returned, the source is left alone.
    if (this.#isCut || this.#failures.count > 0) return true;
    try {
      if (!this.#reader.isAtEnd()) this.#isCut = true;
    } catch (error) {
      this.#failed(error);
    }
    return true;
  }

  /** Whether the scope was cancelled while an item was read, for which no call will start. */
  get #comesTooLate(): boolean {
    if (this.#scope.stop === undefined) return false;
    this.#isCut = true;
    return true;
  }
}
