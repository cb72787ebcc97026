/** What the laws of src/sync have in common: many callers of one thing, each a task of its own, beside a model of it. */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Scope, type Task, type TaskGroup, isCancelled, now, sleep, taskGroup } from "../../src/index.ts";
import { withVirtualTime } from "../../src/testing/index.ts";
import { loopTurns, whatIsLeft } from "../core/helpers.ts";

/** How many schedules are tried for each law. */
export const runs: { readonly numRuns: number } = { numRuns: 1_000 };

/** What a caller that was cut off ends with. */
const cut = "ABORT_ERR";

/** Who calls, as a step says it: one of a family, that waits for so long and then gives up. */
export interface Who {
  /** Callers of a family are cancelled together. */
  readonly family: number;
  /** 0: cancelled before it calls. */
  readonly giveUpMs: number;
}

const families = 3;

export const who: fc.Arbitrary<Who> = fc.record({
  family: fc.nat(families - 1),
  giveUpMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(Infinity) },
    { weight: 2, arbitrary: fc.constantFrom(2, 4, 8) },
    { weight: 1, arbitrary: fc.constant(0) },
  ),
});

/** The steps that are the same whatever is called. */
type CommonStep<S> =
  | { readonly do: "cancel"; readonly pick: number }
  /** Between the cancellation and its arriving at the callers, an abort listener does something. */
  | { readonly do: "cancelFamily"; readonly family: number; readonly meanwhile: S | undefined }
  /** Lets one promise settle: what is granted is on its way. */
  | { readonly do: "tick" }
  /** Lets everything settle that can. */
  | { readonly do: "settle" }
  | { readonly do: "sleep"; readonly ms: number };

/** Schedules of steps of the thing's own and of common ones. Own steps in `meanwhile` are what listeners may do. */
export function schedules<S>(own: fc.Arbitrary<S>, meanwhile: fc.Arbitrary<S>): fc.Arbitrary<(S | CommonStep<S>)[]> {
  const step: fc.Arbitrary<S | CommonStep<S>> = fc.oneof(
    { weight: 12, arbitrary: own },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("cancelFamily" as const),
        family: fc.nat(families - 1),
        meanwhile: fc.option(meanwhile, { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("tick" as const, "settle" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("sleep" as const), ms: fc.constantFrom(2, 4) }) },
  );
  return fc.array(step, { maxLength: 50, size: "max" });
}

/** A caller that waits, in a model. */
export interface Waiting {
  readonly id: number;
}

/** What the thing should do, so simple that it must be right. */
export abstract class Model {
  /** What became of each caller: what it was given, or the code of its error. Still waiting is no entry. */
  readonly outcomes: Map<number, unknown> = new Map();

  /** Takes the callers that are in `gone` out of every queue, all at once. */
  abstract withdraw(gone: ReadonlySet<number>): void;
  abstract statistics(): object;
}

/** Removes from `queue`, in place, whoever is in `gone`. */
export function remove(queue: Waiting[], gone: ReadonlySet<number>): void {
  queue.splice(0, queue.length, ...queue.filter(({ id }) => !gone.has(id)));
}

/** The thing's callers, real and modelled. */
class Callers<M extends Model> {
  readonly model: M;
  readonly #outcomes = new Map<number, unknown>();
  readonly #group: TaskGroup;
  readonly #families: { group: TaskGroup; scope: Scope }[] = [];
  readonly #tasks: { task: Task<void>; family: number; giveUpAtMs: number }[] = [];

  constructor(group: TaskGroup, model: M) {
    this.#group = group;
    this.model = model;
    for (let family = 0; family < families; family++) this.#found(family);
  }

  #found(family: number): void {
    this.#group.spawn(() =>
      taskGroup((group, scope) => {
        this.#families[family] = { group, scope };
        return sleep(Infinity);
      }),
    );
  }

  /**
   * Starts a caller.
   *
   * @param call - the real one; its value, or the code of its error, is the caller's outcome
   * @param modelled - what the model does about it; not called if the caller was cancelled before
   */
  start({ family, giveUpMs }: Who, call: (id: number) => Promise<unknown>, modelled: (id: number) => void): void {
    const id = this.#tasks.length;
    const body = async (scope: Scope): Promise<void> => {
      scope.deadline = now() + giveUpMs;
      try {
        this.#outcomes.set(id, (await call(id)) ?? "done");
      } catch (error) {
        this.#outcomes.set(id, (error as { code?: string }).code ?? String(error));
        if (isCancelled(error)) throw error;
      }
    };
    const task = this.#families[family]!.group.spawn(body);
    this.#tasks.push({ task, family, giveUpAtMs: now() + giveUpMs });
    if (giveUpMs === 0) this.model.outcomes.set(id, cut);
    else modelled(id);
  }

  cancel(pick: number): void {
    if (this.#tasks.length === 0) return;
    const id = pick % this.#tasks.length;
    this.#tasks[id]!.task.cancel();
    this.#withdraw([id]);
  }

  cancelFamily(family: number, meanwhile: () => void): void {
    const { group, scope } = this.#families[family]!;
    const ids = this.#tasks.keys().filter((id) => this.#tasks[id]!.family === family);
    const withdrawn = [...ids];
    scope.signal.addEventListener("abort", () => {
      this.#withdraw(withdrawn);
      meanwhile();
    });
    // The family that comes in its place is there already when the listener starts a caller.
    this.#found(family);
    group.cancel();
  }

  async sleep(ms: number): Promise<void> {
    const untilMs = now() + ms;
    await sleep(ms);
    const late = [...this.#tasks.entries()].filter(([, { giveUpAtMs }]) => giveUpAtMs <= untilMs);
    for (const [id] of late.toSorted(([, a], [, b]) => a.giveUpAtMs - b.giveUpAtMs)) this.#withdraw([id]);
  }

  #withdraw(ids: number[]): void {
    const gone = new Set(ids.filter((id) => !this.model.outcomes.has(id)));
    for (const id of gone) this.model.outcomes.set(id, cut);
    this.model.withdraw(gone);
  }

  /** Everybody has what the model says; with `isEarly`, who has something by now. */
  check(isEarly = false): void {
    const real = [...this.#outcomes].toSorted(([a], [b]) => a - b);
    const modelled = [...this.model.outcomes].toSorted(([a], [b]) => a - b);
    deepStrictEqual(real, isEarly ? modelled.filter(([id]) => this.#outcomes.has(id)) : modelled);
  }
}

export type { Callers };

/**
 * Does the steps with a thing and with its model, and looks after each whether they agree.
 *
 * @param lagMs - for so long callers may go on before their outcome shows; 0: it shows when everything has settled
 */
export async function follow<S extends { readonly do: string }, M extends Model>(
  steps: readonly (S | CommonStep<S>)[],
  thing: { statistics(): object },
  model: M,
  act: (step: S, callers: Callers<M>) => void,
  { tidyUp = () => {}, lagMs = 0 }: { tidyUp?: () => void; lagMs?: number } = {},
): Promise<void> {
  await withVirtualTime(async (root) => {
    await taskGroup(async (group) => {
      const callers = new Callers(group, model);
      const settle = async (): Promise<void> => {
        await loopTurns();
        callers.check(lagMs > 0);
      };
      // Callers give up at even times, so that the order of what happens at one time does not matter.
      await sleep(1);
      for (const step of steps) {
        const common = step as CommonStep<S>;
        switch (common.do) {
          case "cancel":
            callers.cancel(common.pick);
            break;
          case "cancelFamily":
            callers.cancelFamily(common.family, () => {
              if (common.meanwhile !== undefined) act(common.meanwhile, callers);
            });
            break;
          case "tick":
            await Promise.resolve();
            break;
          case "settle":
            await settle();
            break;
          case "sleep":
            await callers.sleep(common.ms);
            break;
          default:
            act(step as S, callers);
        }
        deepStrictEqual(thing.statistics(), Object.freeze(model.statistics()));
      }
      await settle();
      await callers.sleep(lagMs);
      callers.check();
      group.cancel();
    });
    tidyUp();
    deepStrictEqual(whatIsLeft(root), []);
  });
}
