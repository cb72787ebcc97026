import {
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  TaskCancelledError,
  type TaskFunction,
  type Tree,
  arrive,
  background,
  currentScope,
  refuse,
  takeAll,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** What a {@link SingleFlight} is doing in this run. */
export interface SingleFlightStatistics {
  /** Keys whose work is under way and waited for. */
  readonly flights: number;
  /** Callers waiting. */
  readonly waiting: number;
}

/**
 * Does the work for a key once for all who ask while it is under way.
 *
 * An object for each use, so that keys of different users cannot clash, and values have one type. Keys are compared as
 * those of a Map. Nothing is kept of work that has ended: it is no cache.
 *
 * @example
 * ```ts
 * import { SingleFlight, gather, sleep } from "taskwright";
 *
 * const users = new SingleFlight<number, string>();
 * let queries = 0;
 * const load = (id: number) =>
 *   users.run(id, async () => {
 *     queries++;
 *     await sleep(5);
 *     return `user ${id}`;
 *   });
 * const [first, second] = await gather([() => load(7), () => load(7)]);
 * console.log(first, second, queries); // => user 7 user 7 1
 * ```
 */
export class SingleFlight<K, T> {
  /** By tree, for the work belongs to the root of one. */
  readonly #flights = new WeakMap<Tree, Map<K, Flight<T>>>();

  /**
   * Calls `fn`, unless a call for `key` is under way: then waits for that one's result.
   *
   * The work is a task of the root, so it outlives the caller who started it, with the context variables of that caller.
   * It is cancelled when every waiter is; whoever asks after that starts anew. An error reaches all who wait.
   *
   * Cancel: leaves at once. The work goes on for the others.
   *
   * @throws {TaskCancelledError} TASK_CANCELLED, the work was cancelled by itself or with the root
   * @throws {ScopeClosedError} SCOPE_CLOSED, the run has ended
   */
  run(key: K, fn: TaskFunction<T>): Promise<T> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    const flights = this.#flightsIn(scope.tree);
    const underWay = flights.get(key);
    if (underWay !== undefined) return underWay.join(scope);
    const flight = new Flight<T>(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    flights.set(key, flight);
    const result = flight.join(scope);
    flight.start(fn);
    return result;
  }

  /** What is under way right now. */
  statistics(): SingleFlightStatistics {
    const flights = [...this.#flightsIn(currentScope().tree).values()];
    const waiting = flights.reduce((sum, flight) => sum + flight.waiters.size, 0);
    return Object.freeze({ flights: flights.length, waiting });
  }

  #flightsIn(tree: Tree): Map<K, Flight<T>> {
    let flights = this.#flights.get(tree);
    if (flights === undefined) this.#flights.set(tree, (flights = new Map()));
    return flights;
  }
}

/** The work for one key, and who waits for it. */
class Flight<T> {
  readonly waiters: LinkedList<FlightWaiter<T>> = new LinkedList();
  readonly #forget: () => void;
  #task: ScopeNode | undefined;

  /** @param forget - takes it off the list of those that may be joined */
  constructor(forget: () => void) {
    this.#forget = forget;
  }

  join(scope: ScopeNode): Promise<T> {
    const task = this.#task;
    if (task !== undefined && scope.isWithin(task)) {
      return Promise.reject(new Error(`${task.name} waits for its own result, and would wait for ever`));
    }
    const waiter = new FlightWaiter<T>(scope, this);
    this.waiters.push(waiter);
    return waiter.promise;
  }

  /** When the first waiter stands in the list: without one, it would be cancelled. */
  start(fn: TaskFunction<T>): void {
    background((scope) => this.#fly(fn, scope as ScopeNode), { name: fn.name || "singleFlight" });
  }

  /** A waiter is cancelled. */
  withdraw(waiter: FlightWaiter<T>): void {
    this.waiters.remove(waiter);
    if (this.waiters.size > 0) return;
    this.#forget();
    this.#task?.cancel({ kind: "unneeded", why: "nobody waits for its result any more" });
  }

  /** The task. Errors are for those who wait, and not for the root. */
  async #fly(fn: TaskFunction<T>, task: ScopeNode): Promise<void> {
    this.#task = task;
    let outcome: Outcome<T>;
    try {
      outcome = await outcomeOf(fn, task);
    } catch {
      // Only the trace of a cancellation of the root.
      outcome = { ok: false, error: new TaskCancelledError(task.name, task.cancelled!) };
    }
    this.#forget();
    if (!this.#tell(outcome) && outcome.ok) await disposeDiscarded(outcome.value);
  }

  /** Tells those who wait, and says whether anybody did. */
  #tell(outcome: Outcome<T>): boolean {
    const waiters = takeAll(this.waiters);
    for (const waiter of waiters) {
      if (outcome.ok) waiter.resolve(outcome.value);
      else waiter.reject(outcome.error);
    }
    return waiters.length > 0;
  }
}

class FlightWaiter<T> extends QueuedWaiter<T> {
  readonly #flight: Flight<T>;

  constructor(scope: ScopeNode, flight: Flight<T>) {
    super(scope);
    this.#flight = flight;
  }

  protected override leave(): void {
    this.#flight.withdraw(this);
  }

  describe(): string {
    return "the result of a singleFlight";
  }
}

const shared = new SingleFlight<unknown, unknown>();

/**
 * As {@link SingleFlight.run}, with keys that all of the program shares: whoever uses the same key must mean the same
 * work. For keys of one's own, and for values with a type that is checked, make a {@link SingleFlight}.
 *
 * Cancel: leaves at once. The work goes on for the others, and is cancelled when every waiter is.
 *
 * @param key - compared as a key of a Map
 * @throws {TaskCancelledError} TASK_CANCELLED, the work was cancelled by itself or with the root
 * @throws {ScopeClosedError} SCOPE_CLOSED, the run has ended
 *
 * @example
 * ```ts
 * import { gather, singleFlight, sleep } from "taskwright";
 *
 * let reads = 0;
 * const readConfig = () => singleFlight("config", async () => (await sleep(5), ++reads));
 * console.log(await gather([readConfig, readConfig])); // => [ 1, 1 ]
 * ```
 */
export function singleFlight<T>(key: unknown, fn: TaskFunction<T>): Promise<Awaited<T>> {
  return shared.run(key, fn) as Promise<Awaited<T>>;
}
