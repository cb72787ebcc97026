/** Laws that hold for every tree of tasks, tried on trees that are grown at random. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, warningsOf } from "../../test/core/helpers.ts";
import { loud, plans, withoutForeign } from "../../test/core/laws/plans.ts";
import { PlanRunner } from "../../test/core/laws/plan-runner.ts";
import { story, tell, toldBy } from "../../test/core/laws/story.ts";
import type { Scope } from "../index.ts";
import { explore } from "../testing/index.ts";

test("nothing ends before its children, cancellation is monotone, deadlines compose, and nothing is left", async () => {
  const warnings = await warningsOf(() =>
    fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        expect(await story(plan)).not.toEqual([]);
      }),
      times(600),
    ),
  );

  // A nested run may end before the promise that all of them give up.
  expect(warnings.filter(({ code }) => code !== "TASKWRIGHT_STRAGGLERS")).toEqual([]);
});

test("the same plan always goes the same way", () =>
  fc.assert(
    fc.asyncProperty(plans.map(withoutForeign), async (plan) => {
      expect(await story(plan)).toEqual(await story(plan));
    }),
    times(100),
  ));

test("no error is lost, whatever is cancelled meanwhile", async () => {
  await warningsOf(() =>
    fc.assert(
      fc.asyncProperty(plans.map(loud), async (plan) => {
        const runner = new PlanRunner();
        await story(plan, runner);
        expect(toldBy(runner.error)).toEqual(runner.thrown);
      }),
      times(300),
    ),
  );
});

test("the same laws hold in whatever order things happen that happen at once", async () => {
  let orders = 0;
  await warningsOf(() =>
    fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        orders += (await explore((root) => tell(plan, new PlanRunner(), root), { seeds: 4 })).orders;
      }),
      times(500),
    ),
  );

  expect(orders).toBeGreaterThan(1_000);
});

test("no error is lost either", async () => {
  await warningsOf(() =>
    fc.assert(
      fc.asyncProperty(plans.map(loud), async (plan) => {
        const tellAll = async (root: Scope): Promise<void> => {
          const runner = new PlanRunner();
          await tell(plan, runner, root);
          expect(toldBy(runner.error)).toEqual(runner.thrown);
        };
        await explore(tellAll, { seeds: 4 });
      }),
      times(300),
    ),
  );
});

test("the laws are looked at: a group that does not wait is caught", async () => {
  const runner = new PlanRunner();
  const hasty = runner.owner("hasty", [], async (work) => void work(() => loopTurns()));

  expect(await thrownBy(hasty)).toMatchObject({ message: "hasty ends after its children" });
  expect(runner.broken).toEqual(["hasty ends after its children"]);
});
