/** Runs plans, and looks at the laws of the core at every step. */
import {
  type Scope,
  type Task,
  GroupClosedError,
  Queue,
  Semaphore,
  background,
  cancelScope,
  checkpoint,
  deadlineAt,
  effectiveDeadline,
  gather,
  interruptible,
  isCancelled,
  map,
  mapStream,
  moveOnAfter,
  now,
  race,
  run,
  settle,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../../../src/index.ts";
import type { ScopeNode } from "../../../src/core/index.ts";
import { loopTurns } from "../helpers.ts";
import type { Plan, Sudden } from "./plans.ts";

/** The scopes around a piece of code, outermost first. */
export type Around = readonly { readonly scope: Scope; readonly kind: "shield" | "root" | "other" }[];

const inside = (around: Around, scope: Scope, kind: Around[number]["kind"] = "other"): Around => [
  ...around,
  { scope, kind },
];

/** Whether code in `scope` floats: it has outlived it, and is nobody's. */
function isClosed(scope: Scope | undefined): boolean {
  return scope !== undefined && (scope as ScopeNode).isClosed;
}

/** What is around a background task in `scope`: its root, and what is around that. */
function behind(around: Around, scope: Scope): Around {
  const root = around.findLastIndex(({ kind }) => kind === "root");
  return inside(around.slice(0, root + 1), scope, root === -1 ? "shield" : "other");
}

/** The scopes whose cancellation and deadlines reach here, innermost first. */
function reaching(around: Around): Scope[] {
  const scopes: Scope[] = [];
  for (const { scope, kind } of around.toReversed()) {
    scopes.push(scope);
    if (kind === "shield") break;
  }
  return scopes;
}

/** Thrown where a law does not hold. */
class BrokenLaw extends Error {}

export class Planned extends Error {}

/** A group, for whoever wants something run in it. */
interface Handle {
  readonly spawn: (plan: Plan, daemon: boolean) => void;
  readonly start: (before: Plan, after: Plan) => Promise<void>;
}

/** Counts the work of its owner. */
type Work = <R>(body: () => Promise<R>) => Promise<R>;

export class PlanRunner {
  /** What happened, with times: to compare two runs. */
  readonly log: string[] = [];
  readonly thrown: Set<Planned> = new Set();
  /** What all of it has thrown in the end. */
  error: unknown;
  readonly semaphore: Semaphore = new Semaphore(2);
  readonly queue: Queue<number> = new Queue({ maxSize: 2 });
  /** Items that were put and not yet taken, as who put and took them knows. */
  items = 0;
  /** The laws that did not hold. Kept here, because a plan may swallow what is thrown. */
  readonly broken: string[] = [];
  /** Waited for by many, and settled in the end. */
  readonly shared: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  readonly #tasks: Task<unknown>[] = [];
  readonly #groups: Handle[] = [];
  readonly #scopes: Scope[] = [];
  readonly #reasons = new Map<Scope, unknown>();
  /** The signals that were listened to, each with whether it was heard. */
  readonly #heard = new Map<Scope, boolean>();
  /** Started and not awaited, and not ended. */
  floating = 0;
  #lastId = 0;

  #planned(): Planned {
    const error = new Planned();
    this.thrown.add(error);
    return error;
  }

  #demand(holds: boolean, law: string): void {
    if (holds) return;
    this.broken.push(law);
    throw new BrokenLaw(law);
  }

  look(around: Around): void {
    const scopes = reaching(around);
    const [innermost] = scopes;
    if (isClosed(innermost)) return;
    // Cancellation reaches all the way down, and nowhere else.
    const isCut = scopes.some(({ cancelled }) => cancelled !== undefined);
    this.#demand(isCut === (innermost!.cancelled !== undefined), "a scope is cancelled with what is around it");
    // It is monotone: once cancelled, always, for the same reason.
    for (const { scope } of around) {
      const known = this.#reasons.get(scope);
      this.#demand(known === undefined || known === scope.cancelled, "a reason stays what it was");
      if (scope.cancelled !== undefined) this.#reasons.set(scope, scope.cancelled);
      if (!this.#scopes.includes(scope)) this.#scopes.push(scope);
    }
    // A deadline that lies behind has passed.
    const isPast = scopes.some(({ deadline }) => deadline < now());
    this.#demand(!isPast || isCut, "a deadline in the past cancels at once");
    // Deadlines compose as the minimum.
    const nearest = Math.min(...scopes.map(({ deadline }) => deadline));
    this.#demand(effectiveDeadline() === nearest, `the deadline is the nearest, ${nearest}`);
  }

  /** A checkpoint throws if the scope is cancelled; and throws again. */
  async checkLevel(around: Around): Promise<void> {
    this.look(around);
    const { scope } = around.at(-1)!;
    const wasCancelled = scope.cancelled !== undefined;
    for (let n = 0; n < 2; n++) {
      const thrown = await checkpoint().catch((error: unknown) => error);
      if (wasCancelled && !isClosed(scope)) {
        this.#demand(isCancelled(thrown), "in a cancelled scope each checkpoint throws");
      }
    }
    this.look(around);
  }

  /** When all has ended: scopes still tell why they were cancelled, and no task runs. */
  lookBack(): void {
    this.#demand(
      this.#tasks.every(({ state }) => state !== "running"),
      "no task runs when all has ended",
    );
    for (const [scope, reason] of this.#reasons) {
      this.#demand(scope.cancelled === reason, "a scope that has ended tells why it was cancelled");
    }
    for (const [scope, wasHeard] of this.#heard) {
      this.#demand(wasHeard === (scope.cancelled !== undefined), "a signal aborts with its scope");
    }
    this.#demand(this.floating === 0, "what floats ends with its scope");
  }

  /**
   * Runs something that owns work: it ends after all of it, and when it has ended nothing of it runs. And if it keeps a
   * cancellation to itself, nothing around it was cancelled.
   */
  async owner<T>(name: string, around: Around, perform: (work: Work) => Promise<T>): Promise<T> {
    const id = ++this.#lastId;
    let running = 0;
    let isForOthers = false;
    const work: Work = async (body) => {
      running++;
      try {
        return await body();
      } catch (error) {
        isForOthers ||= isCancelled(error) && reaching(around).some(({ cancelled }) => cancelled !== undefined);
        throw error;
      } finally {
        running--;
      }
    };
    this.log.push(`${now()} ${name} ${id} starts`);
    let outcome = "returns";
    try {
      return await perform(work);
    } catch (error) {
      outcome = `throws ${(error as Error).name}`;
      throw error;
    } finally {
      this.log.push(`${now()} ${name} ${id} ${outcome}`);
      const isFloating = isClosed(around.at(-1)?.scope);
      this.#demand(isFloating || running === 0, `${name} ends after its children`);
      // Of a group only a daemon may be missing, a race may be won, and a stream may be left.
      const mayDoWithout = name === "group" || name === "race" || name === "stream";
      const isKept = isForOthers && outcome === "returns" && !mayDoWithout;
      this.#demand(isFloating || !isKept, "the outermost cancelled scope catches");
    }
  }

  /** What is done in the middle of a cancellation. */
  #suddenly(sudden: Sudden): void {
    switch (sudden.do) {
      case "cancelTask":
        this.#task(sudden.pick)?.cancel();
        break;
      case "cancelAny":
        this.#scope(sudden.pick).cancel("suddenly");
        break;
      case "moveAny":
        this.#scope(sudden.pick).deadline = now() + sudden.ms - 5;
        break;
      case "spawnInto":
        this.#spawnInto(sudden.pick, sudden.plan);
        break;
      default:
        sudden satisfies never;
    }
  }

  #listen(scope: Scope, sudden: Sudden): void {
    if (scope.cancelled !== undefined) return;
    this.#heard.set(scope, false);
    const hear = (): void => {
      this.#heard.set(scope, true);
      this.#suddenly(sudden);
    };
    scope.signal.addEventListener("abort", hear, { once: true });
  }

  #task(pick: number): Task<unknown> | undefined {
    return this.#tasks[pick % this.#tasks.length];
  }

  /** One of all scopes that there have been. The one in which the plan runs is none of them, nor is what is around it. */
  #scope(pick: number): Scope {
    return this.#scopes[pick % this.#scopes.length]!;
  }

  #group(pick: number): Handle | undefined {
    return this.#groups[pick % this.#groups.length];
  }

  #spawnInto(pick: number, plan: Plan): void {
    // The group may be any that there ever was.
    try {
      this.#group(pick)?.spawn(plan, pick % 3 === 0);
    } catch (error) {
      if (!(error instanceof GroupClosedError)) throw error;
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
      case "interruptible":
        await interruptible(loopTurns(3));
        break;
      case "shared":
        // Waiting for it would hold the time: only as long as a few turns take.
        await cancelScope((scope) => {
          void loopTurns(3).then(() => scope.cancel());
          return interruptible(this.shared.promise);
        });
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
        if (this.#tasks.length > 0) await moveOnAfter(20, () => this.#task(plan.pick)!.join());
        break;
      case "cancelTask":
      case "cancelAny":
        this.#suddenly({ do: plan.do, pick: plan.pick });
        await this.checkLevel(around);
        break;
      case "cancel": {
        const { scope } = around.at(-1 - (plan.up % around.length))!;
        scope.cancel();
        const reason = scope.cancelled;
        scope.cancel("again");
        this.#demand(isClosed(scope) || reason !== undefined, "a scope that is cancelled says so");
        this.#demand(reason === scope.cancelled, "only the first cancel counts");
        await this.checkLevel(around);
        break;
      }
      case "move":
        around.at(-1 - (plan.up % around.length))!.scope.deadline = now() + plan.ms - 5;
        await this.checkLevel(around);
        break;
      case "listen":
        this.#listen(around.at(-1 - (plan.up % around.length))!.scope, plan.sudden);
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
        await this.owner(plan.do, around, (work) =>
          together(plan.plans.map((each) => (scope) => work(() => this.run(each, inside(around, scope))))),
        );
        break;
      }
      case "map":
        await this.owner("map", around, (work) =>
          map(plan.plans, (each, _index, scope) => work(() => this.run(each, inside(around, scope))), plan),
        );
        break;
      case "stream":
        await this.owner("stream", around, async (work) => {
          const results = mapStream(
            plan.plans,
            (each, index, scope) => work(async () => (await this.run(each, inside(around, scope)), index)),
            plan,
          );
          for await (const index of results) if (index === plan.plans.length - 2) break;
        });
        break;
      case "group":
        await this.owner("group", around, (work) =>
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
      case "run":
        await this.owner("run", around, (work) =>
          run((scope) => work(() => this.run(plan.plan, inside(around, scope, "root"))), { signals: false }),
        );
        break;
      case "timeout":
      case "moveOn":
      case "deadlineAt": {
        const within = { timeout, moveOn: moveOnAfter, deadlineAt }[plan.do];
        const given = plan.do === "deadlineAt" ? now() + plan.ms : plan.ms;
        await this.owner(plan.do, around, (work) =>
          within(given, (scope) => work(() => this.run(plan.plan, inside(around, scope)))),
        );
        break;
      }
      case "shield":
        await this.owner("shield", around, (work) =>
          shield((scope) => work(() => this.run(plan.plan, inside(around, scope, "shield"))), {
            timeoutMs: plan.ms === 0 ? Infinity : plan.ms,
          }),
        );
        break;
      case "cancelAfter":
        await this.owner("cancelScope", around, (work) =>
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
      case "dispose":
        await this.#dispose(plan.plan, plan.disposals, around);
        this.look(around);
        break;
      case "swallow":
        await this.run(plan.plan, around).catch(() => {});
        this.look(around);
        break;
      case "background":
        background((scope) => this.run(plan.plan, behind(around, scope)).catch(() => {}));
        break;
      case "float":
        this.floating++;
        void this.run(plan.plan, around)
          .catch(() => {})
          .finally(() => this.floating--);
        break;
      case "spawnInto":
        this.#spawnInto(plan.pick, plan.plan);
        break;
      case "startInto":
        await this.#group(plan.pick)?.start(plan.before, plan.after);
        break;
      default:
        plan satisfies never;
    }
    this.look(around);
    return undefined;
  }

  async #dispose(plan: Plan, disposals: readonly Plan[], around: Around): Promise<void> {
    await using stack = new AsyncDisposableStack();
    for (const disposal of disposals) stack.defer(async () => void (await this.run(disposal, around)));
    await this.run(plan, around);
  }
}
