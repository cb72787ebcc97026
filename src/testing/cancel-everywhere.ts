import {
  type Scope,
  type ScopeNode,
  TaskCancelledError,
  currentScope,
  expectInteger,
  expectMs,
} from "../core/index.ts";
import { type CancelPoint, CancelSweepError } from "./errors.ts";
import { listSeeds } from "./explore.ts";
import { type Arrival, Cut, describeArrival } from "./internal/cut.ts";
import { LeakWatch } from "./internal/leak-watch.ts";
import { SeededOrder, inOrder, taskOf } from "./internal/order.ts";
import type { ResourceAllowance } from "./internal/resources.ts";
import { VirtualRun } from "./internal/virtual-run.ts";

/** Settings of {@link cancelEverywhere}. */
export interface CancelEverywhereOptions {
  /**
   * What is cancelled: everything, or the one task whose checkpoint it is (everything where that is no task's).
   * @default "everything"
   */
  readonly cancel?: "everything" | "task";
  /** Called after each run, when everything in it has ended: throws where it finds that something is not as it was. */
  readonly check?: () => unknown;
  /**
   * Which errors the function may throw when it was cancelled. A Cancelled it always may, and with `cancel: "task"` a
   * TaskCancelledError. @default none
   */
  readonly allow?: (error: unknown) => boolean;
  /** How long it may take to end after it was cancelled, in milliseconds of virtual time. @default 3_600_000 */
  readonly endWithinMs?: number;
  /** How many runs there may be for each seed. Where there are more points, as many are tried, evenly spread. @default 2_000 */
  readonly maxRuns?: number;
  /** Sweep in the orders of these seeds, see `explore`; a number or a list. @default the one order in which waits end */
  readonly seeds?: number | readonly number[];
  /** Cancel at this point alone: that of a CancelSweepError. */
  readonly only?: CancelPoint;
}

/** What {@link cancelEverywhere} has done. */
export interface CancelSweep {
  /** How many checkpoints one run has; with seeds, the most that any has. */
  readonly checkpoints: number;
  /** How many runs were cancelled. */
  readonly runs: number;
}

/** More waits than this, or so many after the cancellation, are taken for a run that never ends. */
const limitSteps = 1_000_000;
const limitStepsToEnd = 100_000;

/**
 * Runs `fn` again and again under virtual time, and cancels it at the 1st, 2nd, ... nth checkpoint: as it is reached,
 * while it waits, and when the wait is over but its code has not gone on. After each run nothing may be left: permits
 * and locks held, waits in queues, timers, sockets, scopes that nobody awaits. And each run must end: with a value, with
 * its cancellation, or with an error that is allowed.
 *
 * `fn` must do the same each time, and leave what it shares with other runs as it was; best it builds all anew.
 *
 * A run that waits for something foreign for more than 10 seconds of real time fails.
 *
 * Costs two or three runs for each checkpoint. What is looked at is the package's own primitives that were waited at,
 * the timers of the tree, and the resources that Node lists; for what is your own there is `check`.
 *
 * Cancel: cancels the run at hand and waits for it.
 *
 * @throws {CancelSweepError} CANCEL_SWEEP_FAILED, names the checkpoint
 *
 * @example
 * ```ts
 * import { Semaphore, sleep } from "taskwright";
 * import { cancelEverywhere } from "taskwright/testing";
 *
 * const swept = await cancelEverywhere(async () => {
 *   using _permit = await new Semaphore(1).acquire();
 *   await sleep(1_000);
 * });
 * console.log(swept); // => { checkpoints: 2, runs: 5 }
 * ```
 */
export async function cancelEverywhere(
  fn: (scope: Scope) => unknown,
  options: CancelEverywhereOptions = {},
): Promise<CancelSweep> {
  expectInteger("maxRuns", options.maxRuns ?? 2_000, 1);
  expectMs("endWithinMs", options.endWithinMs ?? 0, 0);
  if (options.only !== undefined) expectInteger("only.checkpoint", options.only.checkpoint, 1);
  const sweep = new Sweep(fn, options);
  if (options.only !== undefined) {
    await sweep.only(options.only);
    return sweep.result();
  }
  const seeds = options.seeds === undefined ? [undefined] : listSeeds(options.seeds);
  for (const seed of seeds) await sweep.all(seed);
  return sweep.result();
}

class Sweep {
  readonly #fn: (scope: Scope) => unknown;
  readonly #options: CancelEverywhereOptions;
  /** What the first run has opened for good, such as the sockets of a pool, no other need close. */
  #allowed: ResourceAllowance | undefined;
  #checkpoints = 0;
  #runs = 0;

  constructor(fn: (scope: Scope) => unknown, options: CancelEverywhereOptions) {
    this.#fn = fn;
    this.#options = options;
  }

  async all(seed: number | undefined): Promise<void> {
    const arrivals = await this.#uncancelled(seed);
    this.#checkpoints = Math.max(this.#checkpoints, arrivals.length);
    const points = arrivals.flatMap((arrival, index) => pointsAt(arrival, index + 1, seed));
    for (const point of spread(points, this.#options.maxRuns ?? 2_000)) await this.#cancelled(point);
  }

  async only(point: CancelPoint): Promise<void> {
    const arrivals = await this.#uncancelled(point.seed);
    this.#checkpoints = arrivals.length;
    await this.#cancelled(point);
  }

  result(): CancelSweep {
    return Object.freeze({ checkpoints: this.#checkpoints, runs: this.#runs });
  }

  /** Runs it to its end: what goes wrong already then has nothing to do with cancellation. */
  async #uncancelled(seed: number | undefined): Promise<readonly Arrival[]> {
    const first = await this.#run(undefined, seed);
    await this.#run(undefined, seed);
    return first;
  }

  async #cancelled(point: CancelPoint): Promise<void> {
    this.#runs++;
    await this.#run(point, point.seed);
  }

  /** One run, and all that is asked of it afterwards. */
  async #run(point: CancelPoint | undefined, seed: number | undefined): Promise<readonly Arrival[]> {
    const cut: Cut = new Cut(point, (scope) => this.#cancel(run, scope, point!));
    const watch = new LeakWatch(cut);
    const order = seed === undefined ? inOrder : new SeededOrder(seed);
    const settings = { order, probe: watch, limitSteps, isImpatient: true, allowed: this.#allowed };
    using run = new VirtualRun("cancelEverywhere", settings);
    run.clock.onWake = cut.woke;
    const where = (): string => describe(point, cut.arrivals[0], run.tree.root);
    try {
      await run.run(this.#fn);
    } catch (error) {
      if (currentScope().stop !== undefined) throw error;
      if (!cut.isDone || !this.#mayThrow(error)) throw new CancelSweepError(where(), point, { cause: error });
    }
    const left = await this.#leftBy(run, watch);
    if (left.length > 0) throw new CancelSweepError(where(), point, { left });
    try {
      await this.#options.check?.();
    } catch (error) {
      throw new CancelSweepError(where(), point, { cause: error });
    }
    return cut.arrivals;
  }

  async #leftBy({ clock, tree, resources }: VirtualRun, watch: LeakWatch): Promise<string[]> {
    const left = watch.left(tree.root);
    if (clock.timers > 0) left.push(`${clock.timers} timers of the tree`);
    const grown = await resources.stillGrown();
    if (this.#allowed !== undefined) return [...left, ...grown];
    this.#allowed = resources.allowance();
    return left;
  }

  #cancel(run: VirtualRun, scope: ScopeNode, point: CancelPoint): void {
    const { clock, tree } = run;
    clock.limitMs = clock.now() + (this.#options.endWithinMs ?? 3_600_000);
    clock.limitSteps = clock.steps + limitStepsToEnd;
    const target = this.#options.cancel === "task" ? taskOf(scope) : tree.root;
    target.cancel(`by cancelEverywhere, at checkpoint ${point.checkpoint}`);
  }

  #mayThrow(error: unknown): boolean {
    if (this.#options.cancel === "task" && error instanceof TaskCancelledError) return true;
    return this.#options.allow?.(error) ?? false;
  }
}

function pointsAt(arrival: Arrival, checkpoint: number, seed: number | undefined): CancelPoint[] {
  const moments = arrival.didWait ? (["before", "while", "after"] as const) : (["before", "while"] as const);
  return moments.map((moment) => ({ checkpoint, moment, ...(seed === undefined ? {} : { seed }) }));
}

/** At most `max` of `points`, evenly spread. */
function spread<T>(points: readonly T[], max: number): readonly T[] {
  if (points.length <= max) return points;
  return Array.from({ length: max }, (_, index) => points[Math.floor((index * points.length) / max)]!);
}

function describe(point: CancelPoint | undefined, arrival: Arrival | undefined, root: ScopeNode): string {
  if (point === undefined) return "not cancelled at all, the function";
  const { checkpoint, moment, seed } = point;
  const what = arrival?.what === undefined ? "" : ` for ${arrival.what}`;
  const when = { before: "as it is reached", while: `while it waits${what}`, after: `after it has waited${what}` }[
    moment
  ];
  const order = seed === undefined ? "" : ` in the order of seed ${seed}`;
  const where = arrival === undefined ? "" : `, ${describeArrival(arrival, root)}`;
  return `cancelled at checkpoint ${checkpoint}${order}, ${when}${where}`;
}
