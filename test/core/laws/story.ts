/** Runs a plan to the end of all it has started, and looks at what is left. */
import { deepEqual, equal } from "node:assert/strict";
import type { Clock, ScopeNode, Timed } from "../../../src/core/index.ts";
import {
  type Scope,
  type WithSuppressed,
  Cancelled,
  GroupClosedError,
  TaskCancelledError,
  TimeoutError,
  shield,
  sleep,
  taskGroup,
} from "../../../src/index.ts";
import { withVirtualTime } from "../../../src/testing/index.ts";
import { loopTurns, whatIsLeft } from "../helpers.ts";
import { PlanRunner, Planned } from "./plan-runner.ts";
import type { Plan } from "./plans.ts";

/** Runs `plan` alone, in time of its own, and returns what happened. */
export function story(plan: Plan, runner: PlanRunner = new PlanRunner()): Promise<string[]> {
  return withVirtualTime((root) => tell(plan, runner, root));
}

/** Runs `plan` in the tree of `root`, in which nothing else runs, and returns what happened. */
export async function tell(plan: Plan, runner: PlanRunner, root: Scope): Promise<string[]> {
  const timers = watchTimers(root);
  let work: ScopeNode | undefined;
  let { error } = runner;
  await taskGroup(async (_group, scope) => {
    work = scope as ScopeNode;
    error = await runner.run(plan, [{ scope, kind: "shield" }]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  }).catch((thrown: unknown) => (error = thrown));
  // What the plan has put into the background ends by itself.
  await shield(async () => {
    while (whatIsLeft(root).length > 1) await sleep(50);
  });
  // What floated was cut when its scope ended, and comes to rest within some turns.
  for (let turn = 0; turn < 1_000 && runner.floating > 0; turn++) await loopTurns();
  runner.lookBack();
  deepEqual(runner.broken, []);
  if (!isExpected(error)) throw error;
  deepEqual(whatIsLeft(work!), []);
  deepEqual(runner.semaphore.statistics(), { limit: 2, inUse: 0, waiting: 0 });
  const { size, putting, getting } = runner.queue.statistics();
  deepEqual({ size, putting, getting }, { size: runner.items, putting: 0, getting: 0 });
  deepEqual(
    [...timers].filter(({ list }) => list !== null),
    [],
  );
  await lookAtStragglers(runner, root);
  runner.error = error;
  return [...runner.log, error === undefined ? "returns" : `throws ${(error as Error).name}`];
}

/** The promise that many have given up is listed once, until it settles. */
async function lookAtStragglers(runner: PlanRunner, root: Scope): Promise<void> {
  const { stragglers } = (root as ScopeNode).tree;
  await loopTurns(5);
  equal(stragglers.size <= 1, true);
  runner.shared.resolve();
  await loopTurns();
  equal(stragglers.size, 0);
}

/** Remembers every timer that is set on a clock. */
function watchTimers(root: Scope): Set<Timed> {
  const { tree } = root as ScopeNode;
  const { clock } = tree;
  const timers = new Set<Timed>();
  const watched: Clock = {
    now: () => clock.now(),
    schedule(atMs, timer) {
      timers.add(timer);
      clock.schedule(atMs, timer);
    },
  };
  Object.defineProperty(tree, "clock", { value: watched });
  return timers;
}

function isExpected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isExpected);
  if (error instanceof SuppressedError) return isExpected(error.error) && isExpected(error.suppressed);
  return (
    error === undefined ||
    error instanceof Planned ||
    error instanceof Cancelled ||
    error instanceof TimeoutError ||
    error instanceof TaskCancelledError ||
    error instanceof GroupClosedError ||
    (error instanceof Error && error.message.includes("joins itself"))
  );
}

/** The planned errors that an error tells of. */
export function toldBy(error: unknown, told: Set<unknown> = new Set()): Set<unknown> {
  if (error instanceof Planned) told.add(error);
  const { errors, suppressed, error: inner } = (error ?? {}) as WithSuppressed & { errors?: unknown; error?: unknown };
  for (const other of [errors, suppressed, inner].flat()) if (other !== undefined) toldBy(other, told);
  return told;
}
