import { Deque, DrivenStream, type ScopeNode } from "../core/index.ts";
import { lookAheadOf } from "./engine/batch.ts";
import { CancelWatch } from "./engine/cancel-watch.ts";
import { Engine } from "./engine/engine.ts";
import { openExchange } from "./engine/exchange.ts";
import { isExceeded } from "./engine/failure-limit.ts";
import { JobBuilder } from "./input/job-builder.ts";
import { RequestSource, expectRequests } from "./input/request-source.ts";
import { TooManyFailuresError } from "./failures.ts";
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
 * and closes the connections. It rejects only with what the source threw, or functions in the options, or when more has
 * failed than `maxFailures`.
 *
 * Cancel: takes what is on the wire off it, and waits until the connections are closed.
 *
 * @param requests - URLs or requests: any sync or async iterable
 * @throws {TypeError | RangeError} an option is wrong, or `requests` is no iterable
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
  expectRequests(requests);
  return new OutcomeStream(requests, readOptions(options));
}

class OutcomeStream extends DrivenStream<FetchOutcome> {
  readonly #requests: Iterable<FetchInput> | AsyncIterable<FetchInput>;
  readonly #settings: FetchAllSettings;
  /** Not yet read. Each keeps a slot of the engine, so there are never more than `concurrency`. */
  readonly #outcomes = new Deque<FetchOutcome>();
  #engine: Engine | undefined;
  #done = 0;
  #failed = 0;
  /** More failed than may. */
  #isStopped = false;

  constructor(requests: Iterable<FetchInput> | AsyncIterable<FetchInput>, settings: FetchAllSettings) {
    super("fetchAll");
    this.#requests = requests;
    this.#settings = settings;
  }

  /** The task that the requests belong to. */
  protected override async drive(scope: ScopeNode): Promise<void> {
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
      onError: (error) => {
        this.failed(error, scope);
        engine.stop();
      },
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
      this.failed(error, scope);
    }
    watch.resolve();
    if (this.#isStopped) this.failed(new TooManyFailuresError(this.#failed, this.#done), scope);
    if (scope.cancelled !== undefined) this.cutBy(scope.cancelled);
    await Promise.all([exchange.close(), source.close()]);
  }

  #deliver(outcome: FetchOutcome): void {
    this.#done++;
    if (!outcome.ok) this.#countFailure();
    if (this.handOver(outcome)) return;
    this.#engine!.hold();
    this.#outcomes.push(outcome);
  }

  #countFailure(): void {
    this.#failed++;
    const { maxFailures } = this.#settings;
    if (maxFailures === undefined || !isExceeded(maxFailures, this.#failed, this.#done)) return;
    this.#isStopped = true;
    this.#engine!.drain();
  }

  protected override get hasReady(): boolean {
    return this.#outcomes.size > 0;
  }

  protected override take(): FetchOutcome {
    const outcome = this.#outcomes.shift();
    this.#engine!.letGo();
    return outcome;
  }

  protected override async discard(): Promise<void> {
    this.#outcomes.takeAll();
  }
}
