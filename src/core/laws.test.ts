/** Laws that hold for every tree of tasks, tried on trees that are grown at random. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Scope,
  type Task,
  type WithSuppressed,
  Cancelled,
  GroupClosedError,
  Queue,
  Semaphore,
  TaskCancelledError,
  TimeoutError,
  background,
  cancelScope,
  checkpoint,
  effectiveDeadline,
  gather,
  map,
  mapStream,
  moveOnAfter,
  now,
  race,
  settle,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";
import type { Clock, ScopeNode, Timed } from "./index.ts";

/** A program, as data. */
type Plan =
  | { readonly do: "sleep" | "fail"; readonly ms: number }
  | { readonly do: "foreign" | "throw" | "return" | "put" | "get" }
  | { readonly do: "join"; readonly pick: number }
  | { readonly do: "cancel"; readonly up: number }
  | { readonly do: "move"; readonly up: number; readonly ms: number }
  | { readonly do: "steps" | "gather" | "race" | "settle"; readonly plans: readonly Plan[] }
  | { readonly do: "map" | "stream"; readonly plans: readonly Plan[]; readonly concurrency: number }
  | {
      readonly do: "group";
      readonly body: Plan;
      readonly tasks: readonly { readonly plan: Plan; readonly daemon: boolean }[];
      readonly failFast: boolean;
    }
  | {
      readonly do: "timeout" | "moveOn" | "shield" | "cancelAfter" | "cleanUp" | "permit";
      readonly ms: number;
      readonly plan: Plan;
    }
  | { readonly do: "swallow" | "background"; readonly plan: Plan }
  | { readonly do: "spawnInto"; readonly pick: number; readonly plan: Plan }
  | { readonly do: "startInto"; readonly pick: number; readonly before: Plan; readonly after: Plan };

const ms = fc.oneof(fc.nat(20), fc.constantFrom(0, 5, 10));
const up = fc.nat(4);

const plans = fc.letrec<{ plan: Plan; leaf: Plan; inner: Plan }>((tie) => {
  const some = fc.array(tie("plan"), { minLength: 1, maxLength: 4 });
  const task = fc.record({ plan: tie("plan"), daemon: fc.boolean() });
  return {
    plan: fc.oneof(
      { maxDepth: 5, depthSize: "max", withCrossShrink: true },
      { weight: 1, arbitrary: tie("leaf") },
      { weight: 6, arbitrary: tie("inner") },
    ),
    leaf: fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant("sleep" as const), ms }) },
      fc.record({ do: fc.constant("fail" as const), ms }),
      fc.record({ do: fc.constantFrom("foreign" as const, "throw" as const, "return" as const) }),
      fc.record({ do: fc.constantFrom("put" as const, "get" as const) }),
      fc.record({ do: fc.constant("join" as const), pick: fc.nat(9) }),
      fc.record({ do: fc.constant("cancel" as const), up }),
      fc.record({ do: fc.constant("move" as const), up, ms }),
    ),
    inner: fc.oneof(
      fc.record({
        do: fc.constantFrom("steps" as const, "gather" as const, "race" as const, "settle" as const),
        plans: some,
      }),
      fc.record({
        do: fc.constantFrom("map" as const, "stream" as const),
        plans: some,
        concurrency: fc.integer({ min: 1, max: 3 }),
      }),
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("group" as const),
          body: tie("plan"),
          tasks: fc.array(task, { maxLength: 4 }),
          failFast: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constantFrom(
            "timeout" as const,
            "moveOn" as const,
            "shield" as const,
            "cancelAfter" as const,
            "cleanUp" as const,
            "permit" as const,
          ),
          ms,
          plan: tie("plan"),
        }),
      },
      fc.record({ do: fc.constantFrom("swallow" as const, "background" as const), plan: tie("plan") }),
      fc.record({ do: fc.constant("spawnInto" as const), pick: fc.nat(9), plan: tie("plan") }),
      fc.record({ do: fc.constant("startInto" as const), pick: fc.nat(9), before: tie("plan"), after: tie("plan") }),
    ),
  };
});

/** The scopes around a piece of code, outermost first. */
type Around = readonly { readonly scope: Scope; readonly isShield: boolean }[];

const inside = (around: Around, scope: Scope, isShield = false): Around => [...around, { scope, isShield }];

/** The scopes whose cancellation and deadlines reach here, innermost first. */
function reaching(around: Around): Scope[] {
  const scopes: Scope[] = [];
  for (const { scope, isShield } of around.toReversed()) {
    scopes.push(scope);
    if (isShield) break;
  }
  return scopes;
}

class Planned extends Error {}

/** A group, for whoever wants something run in it. */
interface Handle {
  spawn(plan: Plan, daemon: boolean): void;
  start(before: Plan, after: Plan): Promise<void>;
}

/** Runs a plan, and looks at the laws at every step. */
class Runner {
  /** What happened, with times: to compare two runs. */
  readonly log: string[] = [];
  readonly thrown = new Set<Planned>();
  /** What all of it has thrown in the end. */
  error: unknown;
  readonly semaphore = new Semaphore(2);
  readonly queue = new Queue<number>({ maxSize: 2 });
  /** Items that were put and not yet taken, as who put and took them knows. */
  items = 0;
  readonly #tasks: Task<unknown>[] = [];
  readonly #groups: Handle[] = [];
  readonly #reasons = new Map<Scope, unknown>();
  #lastId = 0;

  #planned(): Planned {
    const error = new Planned();
    this.thrown.add(error);
    return error;
  }

  look(around: Around): void {
    const scopes = reaching(around);
    const [innermost] = scopes;
    // Cancellation reaches all the way down, and nowhere else.
    const isCancelled = scopes.some(({ cancelled }) => cancelled !== undefined);
    if (isCancelled !== (innermost!.cancelled !== undefined)) throw new Error("not cancelled with what is around it");
    // It is monotone: once cancelled, always, for the same reason.
    for (const { scope } of around) {
      if (this.#reasons.has(scope) && this.#reasons.get(scope) !== scope.cancelled) throw new Error("another reason");
      if (scope.cancelled !== undefined) this.#reasons.set(scope, scope.cancelled);
    }
    // Deadlines compose as the minimum.
    const nearest = Math.min(...scopes.map(({ deadline }) => deadline));
    if (effectiveDeadline() !== nearest) throw new Error(`deadline ${effectiveDeadline()} instead of ${nearest}`);
  }

  /** A checkpoint throws exactly if the scope is cancelled. */
  async checkLevel(around: Around): Promise<void> {
    this.look(around);
    const { cancelled } = around.at(-1)!.scope;
    const thrown = await checkpoint().catch((error: unknown) => error);
    if (cancelled !== undefined && !(thrown instanceof Cancelled)) throw new Error("the checkpoint did not throw");
    this.look(around);
  }

  /** Scopes tell why they were cancelled also when they have ended. */
  lookBack(): void {
    for (const [scope, reason] of this.#reasons) if (scope.cancelled !== reason) throw new Error("forgot the reason");
  }

  /** Runs something that owns work, and says so if work is left when it has ended. */
  async owner<T>(name: string, run: (work: <R>(body: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> {
    const id = ++this.#lastId;
    let running = 0;
    const work = async <R>(body: () => Promise<R>): Promise<R> => {
      running++;
      try {
        return await body();
      } finally {
        running--;
      }
    };
    this.log.push(`${now()} ${name} ${id} starts`);
    let outcome = "returns";
    try {
      return await run(work);
    } catch (error) {
      outcome = `throws ${(error as Error).name}`;
      throw error;
    } finally {
      this.log.push(`${now()} ${name} ${id} ${outcome}`);
      // oxlint-disable-next-line no-unsafe-finally -- a law that is broken matters more than what the plan throws
      if (running > 0) throw new Error(`${name} has ended before ${running} of its children`);
    }
  }

  async run(plan: Plan, around: Around): Promise<unknown> {
    this.look(around);
    switch (plan.do) {
      case "sleep":
        await sleep(plan.ms);
        break;
      case "fail":
        await sleep(plan.ms);
        throw this.#planned();
      case "throw":
        throw this.#planned();
      case "foreign":
        await loopTurns();
        break;
      case "return":
        return plan;
      // Whoever waits for others gives up after a while: two may wait for each other.
      case "put":
        await moveOnAfter(20, async () => {
          await this.queue.put(now());
          this.items++;
        });
        break;
      case "get":
        await moveOnAfter(20, async () => {
          await this.queue.get();
          this.items--;
        });
        break;
      case "permit":
        await moveOnAfter(plan.ms, (scope) => this.semaphore.run(() => this.run(plan.plan, inside(around, scope))));
        break;
      case "join":
        if (this.#tasks.length > 0) await moveOnAfter(20, () => this.#tasks[plan.pick % this.#tasks.length]!.join());
        break;
      case "cancel":
        around.at(-1 - (plan.up % around.length))!.scope.cancel();
        await this.checkLevel(around);
        break;
      case "move":
        around.at(-1 - (plan.up % around.length))!.scope.deadline = now() + plan.ms - 5;
        await this.checkLevel(around);
        break;
      case "steps":
        for (const step of plan.plans) await this.run(step, around);
        break;
      case "gather":
      case "settle":
      case "race": {
        const together: (fns: ((scope: Scope) => Promise<unknown>)[]) => Promise<unknown> = { gather, settle, race }[
          plan.do
        ];
        await this.owner(plan.do, (work) =>
          together(plan.plans.map((each) => (scope) => work(() => this.run(each, inside(around, scope))))),
        );
        break;
      }
      case "map":
        await this.owner("map", (work) =>
          map(plan.plans, (each, _index, scope) => work(() => this.run(each, inside(around, scope))), plan),
        );
        break;
      case "stream":
        await this.owner("stream", async (work) => {
          const results = mapStream(
            plan.plans,
            (each, index, scope) => work(async () => (await this.run(each, inside(around, scope)), index)),
            plan,
          );
          for await (const index of results) if (index === plan.plans.length - 2) break;
        });
        break;
      case "group":
        await this.owner("group", (work) =>
          taskGroup(
            (group, scope) => {
              const here = inside(around, scope);
              const spawn = (task: Plan, daemon: boolean): void => {
                this.#tasks.push(group.spawn((own) => work(() => this.run(task, inside(here, own))), { daemon }));
              };
              const start = (before: Plan, after: Plan): Promise<void> =>
                group.start((started, own) =>
                  work(async () => {
                    await this.run(before, inside(here, own));
                    started();
                    await this.run(after, inside(here, own));
                  }),
                );
              this.#groups.push({ spawn, start });
              for (const { plan: task, daemon } of plan.tasks) spawn(task, daemon);
              return work(() => this.run(plan.body, here));
            },
            { failFast: plan.failFast },
          ),
        );
        break;
      case "timeout":
      case "moveOn": {
        const within = plan.do === "timeout" ? timeout : moveOnAfter;
        await this.owner(plan.do, (work) =>
          within(plan.ms, (scope) => work(() => this.run(plan.plan, inside(around, scope)))),
        );
        break;
      }
      case "shield":
        await this.owner("shield", (work) =>
          shield((scope) => work(() => this.run(plan.plan, inside(around, scope, true))), {
            timeoutMs: plan.ms === 0 ? Infinity : plan.ms,
          }),
        );
        break;
      case "cancelAfter":
        await this.owner("cancelScope", (work) =>
          cancelScope((scope) => {
            background(async () => {
              await sleep(plan.ms);
              scope.cancel();
            });
            return work(() => this.run(plan.plan, inside(around, scope)));
          }),
        );
        break;
      case "cleanUp":
        try {
          await this.run(plan.plan, around);
        } finally {
          this.look(around);
          await shield(() => sleep(plan.ms));
          this.look(around);
        }
        break;
      case "swallow":
        await this.run(plan.plan, around).catch(() => {});
        this.look(around);
        break;
      case "background":
        background((scope) => this.run(plan.plan, [{ scope, isShield: true }]).catch(() => {}));
        break;
      case "spawnInto":
        // The group may be any that there ever was.
        try {
          this.#groups[plan.pick % this.#groups.length]?.spawn(plan.plan, plan.pick % 3 === 0);
        } catch (error) {
          if (!(error instanceof GroupClosedError)) throw error;
        }
        break;
      case "startInto":
        await this.#groups[plan.pick % this.#groups.length]?.start(plan.before, plan.after);
        break;
      default:
        plan satisfies never;
    }
    this.look(around);
    return undefined;
  }
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

const isExpected = (error: unknown): boolean =>
  error === undefined ||
  error instanceof Planned ||
  error instanceof Cancelled ||
  error instanceof TimeoutError ||
  error instanceof TaskCancelledError ||
  error instanceof GroupClosedError ||
  (error instanceof Error && error.message.includes("joins itself")) ||
  (error instanceof AggregateError && error.errors.every(isExpected));

/** Runs a plan to the end of all it has started, and returns what happened. */
async function story(plan: Plan, runner: Runner = new Runner()): Promise<string[]> {
  const outcome = await withVirtualTime(async (root) => {
    const timers = watchTimers(root);
    let error: unknown;
    let work: ScopeNode | undefined;
    await taskGroup(async (_group, scope) => {
      work = scope as ScopeNode;
      error = await runner.run(plan, [{ scope, isShield: true }]).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    }).catch((thrown: unknown) => (error = thrown));
    // What the plan has put into the background ends by itself.
    await shield(async () => {
      while (whatIsLeft(root).length > 1) await sleep(50);
    });
    if (!isExpected(error)) throw error;
    runner.lookBack();
    expect(whatIsLeft(work!)).toEqual([]);
    expect(runner.semaphore.statistics()).toEqual({ limit: 2, inUse: 0, waiting: 0 });
    expect(runner.queue.statistics()).toMatchObject({ size: runner.items, putting: 0, getting: 0 });
    expect([...timers].filter(({ list }) => list !== null)).toEqual([]);
    runner.error = error;
    return error === undefined ? "returns" : `throws ${(error as Error).name}`;
  });
  return [...runner.log, outcome];
}

test("nothing ends before its children, cancellation is monotone, deadlines compose, and nothing is left", () =>
  fc.assert(
    fc.asyncProperty(plans.inner, async (plan) => {
      expect(await story(plan)).not.toEqual([]);
    }),
    times(500),
  ));

/** In which order immediates of the platform come between ours is not ours to say. */
const withoutForeign = (plan: Plan): Plan =>
  JSON.parse(JSON.stringify(plan).replaceAll('"foreign"', '"return"')) as Plan;

test("the same plan always goes the same way", () =>
  fc.assert(
    fc.asyncProperty(plans.inner.map(withoutForeign), async (plan) => {
      expect(await story(plan)).toEqual(await story(plan));
    }),
    times(100),
  ));

/** The plan without all that may drop an error. */
function loud(plan: Plan): Plan {
  switch (plan.do) {
    case "race":
    case "settle":
      return { do: "gather", plans: plan.plans.map(loud) };
    case "stream":
      return { ...plan, do: "map", plans: plan.plans.map(loud) };
    case "swallow":
    case "background":
      return loud(plan.plan);
    case "steps":
    case "gather":
    case "map":
      return { ...plan, plans: plan.plans.map(loud) };
    case "group":
      return {
        ...plan,
        body: loud(plan.body),
        tasks: plan.tasks.map(({ plan: task, daemon }) => ({ plan: loud(task), daemon })),
      };
    case "startInto":
      return { ...plan, before: loud(plan.before), after: loud(plan.after) };
    default:
      return "plan" in plan ? { ...plan, plan: loud(plan.plan) } : plan;
  }
}

/** The planned errors that an error tells of. */
function toldBy(error: unknown, told = new Set<unknown>()): Set<unknown> {
  if (error instanceof Planned) told.add(error);
  for (const other of (error as WithSuppressed | undefined)?.suppressed ?? []) toldBy(other, told);
  if (error instanceof AggregateError) for (const other of error.errors) toldBy(other, told);
  return told;
}

test("no error is lost, whatever is cancelled meanwhile", () =>
  fc.assert(
    fc.asyncProperty(plans.inner.map(loud), async (plan) => {
      const runner = new Runner();
      await story(plan, runner);
      expect(toldBy(runner.error)).toEqual(runner.thrown);
    }),
    times(300),
  ));

test("the laws are looked at: a group that does not wait is caught", async () => {
  const runner = new Runner();
  const hasty = runner.owner("hasty", async (work) => void work(() => loopTurns()));

  expect(await thrownBy(hasty)).toMatchObject({ message: "hasty has ended before 1 of its children" });
});
