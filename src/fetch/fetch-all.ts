import {
  type CancelReason,
  Deque,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  TaskCancelledError,
  type TaskNode,
  arrive,
  spawn,
  stopError,
} from "../core/index.ts";
import { lookAheadOf } from "./internal/batch.ts";
import { CancelWatch } from "./internal/cancel-watch.ts";
import { Engine } from "./internal/engine.ts";
import { openExchange } from "./internal/exchange.ts";
import { JobBuilder } from "./internal/job-builder.ts";
import { RequestSource } from "./internal/request-source.ts";
import { type FetchAllOptions, type FetchAllSettings, readOptions } from "./options.ts";
import { type FetchInput, type FetchOutcome, outcomeOf, refusedOutcome } from "./outcome.ts";

/** The outcomes of {@link fetchAll}. To be read once. */
export type FetchStream = AsyncGenerator<FetchOutcome, void, void>;

/**
 * Asks all `requests`, many at once, and yields how each ended, in the order in which they end: answers of any status,
 * and failures. In constant memory for any number of requests.
 *
 * The source is asked for one more only when a slot is free. If then the request belongs to a host that has `perHost`
 * on the wire, it is parked and the next is asked for, up to 1,000 or ten times `concurrency`: so one slow host does
 * not hold up the others. An outcome that was not read keeps its slot.
 *
 * It belongs to the scope in which its first outcome is asked for. Leaving the loop takes what is on the wire off it
 * and closes the connections. It rejects only with what the source threw.
 *
 * Cancel: takes what is on the wire off it, and waits until the connections are closed.
 *
 * @param requests - URLs or requests: any sync or async iterable
 * @throws {TypeError | RangeError} an option is wrong
 *
 * @example
 * ```ts
 * import { fetchAll } from "taskwright/fetch";
 *
 * for await (const { ok, request, status, error } of fetchAll(["https://example.com/"], { concurrency: 200 })) {
 *   if (!ok) console.error(request, status ?? error.message);
 * }
 * ```
 */
export function fetchAll(
  requests: Iterable<FetchInput> | AsyncIterable<FetchInput>,
  options: FetchAllOptions = {},
): FetchStream {
  return new OutcomeStream(requests, readOptions(options));
}

/**
 *     idle ── first next() ──> asking ── all asked, source threw, cancellation ──> ended
 *       └───────────── return() ─────────────────────────────────────────────────────┘
 */
class OutcomeStream implements FetchStream {
  readonly #requests: Iterable<FetchInput> | AsyncIterable<FetchInput>;
  readonly #settings: FetchAllSettings;
  /** Not yet read. Each keeps a slot of the engine, so there are never more than `concurrency`. */
  readonly #outcomes = new Deque<FetchOutcome>();
  readonly #readers = new LinkedList<OutcomeWaiter>();
  readonly #ended = Promise.withResolvers<void>();
  #engine: Engine | undefined;
  #driver: TaskNode<void> | undefined;
  #isEnded = false;
  /** What the source threw. Thrown once. */
  #failure: { readonly error: unknown } | undefined;
  /** Why requests are missing, if they are. Thrown once. */
  #cutBy: CancelReason | undefined;

  constructor(requests: Iterable<FetchInput> | AsyncIterable<FetchInput>, settings: FetchAllSettings) {
    this.#requests = requests;
    this.#settings = settings;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<FetchOutcome, void>> {
    const scope = arrive();
    try {
      if (scope.stop !== undefined) throw stopError(scope);
      if (this.#driver === undefined && !this.#isEnded) this.#open(scope);
      if (this.#readers.head === null && this.#outcomes.size > 0) return { done: false, value: this.#shift() };
      if (this.#isEnded) return this.#last();
      const reader = new OutcomeWaiter(scope);
      this.#readers.push(reader);
      return await reader.promise;
    } catch (error) {
      await this.#tearDown(scope);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<FetchOutcome, void>> {
    await this.#tearDown(arrive());
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.#tearDown(arrive());
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #open(scope: ScopeNode): void {
    this.#driver = spawn(scope, (own) => this.#drive(own as ScopeNode), { name: "fetchAll", daemon: true });
  }

  /** The task that the requests belong to. */
  async #drive(scope: ScopeNode): Promise<void> {
    const { concurrency, headers } = this.#settings;
    const finished = Promise.withResolvers<void>();
    const exchange = openExchange(scope, this.#settings);
    const source = new RequestSource({
      requests: this.#requests,
      scope,
      builder: new JobBuilder({ headers }),
      onRefused: (input, index, message) => {
        this.#deliver(refusedOutcome(input, index, message));
        return engine.hasRoom;
      },
      onReady: () => engine.pump(),
      onError: (error) => this.#fail(error),
    });
    const abort = (): void => scope.cancel({ kind: "unneeded", why: "the batch was stopped" });
    const { clock } = scope.tree;
    const engine = new Engine({ ...this.#settings, ...lookAheadOf(concurrency), exchange, abort, clock }, source, {
      settled: (last) => this.#deliver(outcomeOf(last)),
      retrying: () => {},
      finished: (crash) => (crash === undefined ? finished.resolve() : finished.reject(crash)),
    });
    this.#engine = engine;
    const watch = new CancelWatch(scope, engine);
    try {
      engine.pump();
      await finished.promise;
    } catch (error) {
      this.#failure ??= { error };
    }
    watch.resolve();
    this.#cutBy = scope.cancelled;
    await Promise.all([exchange.close(), source.close().catch((error: unknown) => (this.#failure ??= { error }))]);
    this.#end();
  }

  #deliver(outcome: FetchOutcome): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: outcome });
    else {
      this.#engine!.hold();
      this.#outcomes.push(outcome);
    }
  }

  #shift(): FetchOutcome {
    const outcome = this.#outcomes.shift();
    this.#engine!.letGo();
    return outcome;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#engine!.stop();
  }

  #end(): void {
    this.#isEnded = true;
    this.#ended.resolve();
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      try {
        reader.resolve(this.#last());
      } catch (error) {
        reader.reject(error);
      }
    }
  }

  /** What an ended stream says: its error, once, and then that it is done. */
  #last(): IteratorResult<FetchOutcome, void> {
    const failure = this.#failure;
    const cutBy = this.#cutBy;
    this.#failure = undefined;
    this.#cutBy = undefined;
    if (failure !== undefined) throw failure.error;
    if (cutBy !== undefined) throw new TaskCancelledError("fetchAll", cutBy);
    return { done: true, value: undefined };
  }

  /** Takes everything off the wire, waits for that, and forgets what was not read. Throws nothing. */
  async #tearDown(scope: ScopeNode): Promise<void> {
    if (this.#driver === undefined) this.#end();
    else this.#driver.cancel({ kind: "unneeded", why: "the reader of fetchAll left" });
    if (!this.#isEnded) {
      scope.flows--;
      await this.#ended.promise;
      scope.flows++;
    }
    this.#failure = undefined;
    this.#cutBy = undefined;
    while (this.#outcomes.size > 0) this.#outcomes.shift();
  }
}

class OutcomeWaiter extends QueuedWaiter<IteratorResult<FetchOutcome, void>> {
  describe(): string {
    return "the next outcome of fetchAll";
  }
}
