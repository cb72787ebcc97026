/** Programs of the core as data, grown at random: what laws.test.ts and explored.laws.test.ts try the laws on. */
import fc from "fast-check";

/** What each task of a group does. */
interface TaskPlan {
  readonly plan: Plan;
  readonly daemon: boolean;
}

/** A program, as data. `pick` chooses among all that there have been so far, `up` counts scopes from the inside. */
export type Plan =
  | { readonly do: "sleep" | "fail"; readonly ms: number }
  | { readonly do: "foreign" | "interruptible" | "shared" | "throw" | "return" | "put" | "get" }
  | { readonly do: "join" | "cancelTask" | "cancelAny"; readonly pick: number }
  | { readonly do: "cancel"; readonly up: number }
  | { readonly do: "move"; readonly up: number; readonly ms: number }
  | { readonly do: "listen"; readonly up: number; readonly sudden: Sudden }
  | { readonly do: "steps" | "gather" | "race" | "settle"; readonly plans: readonly Plan[] }
  | { readonly do: "map" | "stream"; readonly plans: readonly Plan[]; readonly concurrency: number }
  | {
      readonly do: "group";
      readonly body: Plan;
      readonly tasks: readonly TaskPlan[];
      readonly failFast: boolean;
    }
  | {
      readonly do: "timeout" | "moveOn" | "deadlineAt" | "shield" | "cancelAfter" | "cleanUp" | "permit";
      readonly ms: number;
      readonly plan: Plan;
    }
  | { readonly do: "dispose"; readonly plan: Plan; readonly disposals: readonly Plan[] }
  | { readonly do: "swallow" | "background" | "float" | "run"; readonly plan: Plan }
  | { readonly do: "spawnInto"; readonly pick: number; readonly plan: Plan }
  | { readonly do: "startInto"; readonly pick: number; readonly before: Plan; readonly after: Plan };

/** What an abort listener does, in the middle of a cancellation. */
export type Sudden =
  | { readonly do: "cancelTask" | "cancelAny"; readonly pick: number }
  | { readonly do: "moveAny"; readonly pick: number; readonly ms: number }
  | { readonly do: "spawnInto"; readonly pick: number; readonly plan: Plan };

const ms = fc.oneof(fc.nat(20), fc.constantFrom(0, 5, 10));
const up = fc.nat(4);
const pick = fc.nat(9);

const grown = fc.letrec<{ plan: Plan; leaf: Plan; inner: Plan }>((tie) => {
  const plan = tie("plan");
  const some = fc.array(plan, { minLength: 1, maxLength: 4 });
  const sudden: fc.Arbitrary<Sudden> = fc.oneof(
    fc.record({ do: fc.constantFrom("cancelTask" as const, "cancelAny" as const), pick }),
    fc.record({ do: fc.constant("moveAny" as const), pick, ms }),
    fc.record({ do: fc.constant("spawnInto" as const), pick, plan: tie("leaf") }),
  );
  return {
    plan: fc.oneof(
      { maxDepth: 5, depthSize: "max", withCrossShrink: true },
      { weight: 1, arbitrary: tie("leaf") },
      { weight: 6, arbitrary: tie("inner") },
    ),
    leaf: fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("sleep" as const), ms }) },
      fc.record({ do: fc.constant("fail" as const), ms }),
      fc.record({ do: fc.constantFrom("foreign" as const, "throw" as const, "return" as const) }),
      fc.record({ do: fc.constantFrom("interruptible" as const, "shared" as const) }),
      fc.record({ do: fc.constantFrom("put" as const, "get" as const) }),
      fc.record({ do: fc.constantFrom("join" as const, "cancelTask" as const, "cancelAny" as const), pick }),
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
          body: plan,
          tasks: fc.array(fc.record({ plan, daemon: fc.boolean() }), { maxLength: 4 }),
          failFast: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constantFrom(
            "timeout" as const,
            "moveOn" as const,
            "deadlineAt" as const,
            "shield" as const,
            "cancelAfter" as const,
            "cleanUp" as const,
            "permit" as const,
          ),
          ms,
          plan,
        }),
      },
      fc.record({
        do: fc.constant("dispose" as const),
        plan,
        disposals: fc.array(tie("leaf"), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ do: fc.constant("listen" as const), up, sudden }),
      fc.record({
        do: fc.constantFrom("swallow" as const, "background" as const, "float" as const, "run" as const),
        plan,
      }),
      fc.record({ do: fc.constant("spawnInto" as const), pick, plan }),
      fc.record({ do: fc.constant("startInto" as const), pick, before: plan, after: plan }),
    ),
  };
});

/** Plans that do more than one thing. */
export const plans: fc.Arbitrary<Plan> = grown.inner;

/** The plan without all that foreign promises decide: in which order they come between ours is not ours to say. */
export function withoutForeign(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan).replaceAll(/"(foreign|interruptible|shared)"/g, '"return"')) as Plan;
}

/** The plan without all that may drop an error. */
export function loud(plan: Plan): Plan {
  switch (plan.do) {
    case "race":
    case "settle":
      return { do: "gather", plans: plan.plans.map(loud) };
    case "stream":
      return { ...plan, do: "map", plans: plan.plans.map(loud) };
    case "swallow":
    case "background":
    case "float":
      return loud(plan.plan);
    case "steps":
    case "gather":
    case "map":
      return { ...plan, plans: plan.plans.map(loud) };
    case "dispose":
      return { ...plan, plan: loud(plan.plan), disposals: plan.disposals.map(loud) };
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
