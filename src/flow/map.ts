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
import { Reader, type Source } from "./source.ts";

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
  const mapping = new Mapping(scope, items, fn as MapFunction<T, Awaited<R>>);
  try {
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
  /** Whether results are missing because of a cancellation. */
  #isCut = false;

  constructor(scope: ScopeNode, source: Source<T>, fn: MapFunction<T, R>) {
    this.#scope = scope;
    this.#fn = fn;
    this.#reader = new Reader(source);
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

  taskCancelled(): void {
    this.#isCut = true;
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
        let step = reader.next();
        if (step instanceof Promise) step = await step;
        if (step === undefined) return;
        this.#results[step.index] = await this.#fn(step.item, step.index, scope);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      scope.flows--;
    }
  }

  /** A task for each item that gets a permit. */
  async #runLimited(limiter: Limiter): Promise<void> {
    try {
      while (!this.#isStopped) {
        const permit = await limiter.acquire();
        const step = await this.#readWith(permit);
        if (step === undefined) return;
        spawn(this.#scope, () => this.#call(step.item, step.index, permit), { name: `map[${step.index}]` });
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  async #readWith(permit: Permit): Promise<{ item: T; index: number } | undefined> {
    let step: { item: T; index: number } | undefined;
    try {
      return (step = await this.#reader.next());
    } finally {
      if (step === undefined) permit.release();
    }
  }

  async #call(item: T, index: number, permit: Permit): Promise<void> {
    const startedMs = now();
    let ok = false;
    try {
      this.#results[index] = await this.#fn(item, index, this.#scope);
      ok = true;
    } finally {
      permit.report({ ok, ms: now() - startedMs });
      permit.release();
    }
  }

  /** Whether no call may start any more. Marks what is missing then. */
  get #isStopped(): boolean {
    if (this.#scope.stop === undefined) return false;
    if (!this.#reader.isAtEnd()) this.#isCut = true;
    return true;
  }
}
