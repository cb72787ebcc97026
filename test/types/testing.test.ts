/** What the compiler knows of the tools for tests, and what it refuses. Nothing in here is run. */
import { expect, expectTypeOf, test } from "vitest";
import {
  type CancelPoint,
  type CancelSweep,
  type Exploration,
  CancelSweepError,
  DeadlockError,
  ExploreError,
  LeakError,
  Sequencer,
  cancelEverywhere,
  expectNoLeaks,
  explore,
  replay,
  waitUntilAllBlocked,
  withVirtualTime,
} from "taskwright/testing";
import { compiled } from "./compiled.ts";

test("virtual time and the search for leaks give what their function gives", () => {
  compiled(() => {
    expectTypeOf(withVirtualTime(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(expectNoLeaks(async (scope) => scope.name)).toEqualTypeOf<Promise<string>>();
    // @ts-expect-error a promise is no function: it would have run before
    void withVirtualTime(Promise.resolve(1));
  });
  expect.assertions(1);
});

test("explore takes seeds, and replay one of them", () => {
  compiled(() => {
    expectTypeOf(explore(() => 1)).toEqualTypeOf<Promise<Exploration>>();
    void explore((scope) => scope.cancel(), { seeds: [1, 2, 3], maxSteps: 100 });
    expectTypeOf(replay(() => "value", 17)).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a seed is a number
    void replay(() => {}, "17");
    // @ts-expect-error without its seed there is nothing to replay
    void replay(() => {});
    // @ts-expect-error seeds are numbers
    void explore(() => {}, { seeds: "17" });
  });
  expect.assertions(1);
});

test("a sweep may be told what to cancel, and where", () => {
  compiled(() => {
    const point: CancelPoint = { checkpoint: 3, moment: "while", seed: 4 };
    expectTypeOf(cancelEverywhere(() => {}, { only: point })).toEqualTypeOf<Promise<CancelSweep>>();
    void cancelEverywhere(() => {}, { cancel: "task", check: async () => {}, allow: (error) => error === 1 });
    // @ts-expect-error there is no such moment
    void cancelEverywhere(() => {}, { only: { checkpoint: 3, moment: "during" } });
    // @ts-expect-error a group is not what can be cancelled
    void cancelEverywhere(() => {}, { cancel: "group" });
    // @ts-expect-error whether an error is allowed is yes or no
    void cancelEverywhere(() => {}, { allow: () => "yes" });
  });
  expect.assertions(1);
});

test("errors say what went wrong, by their codes", () => {
  compiled(({ error: thrown }) => {
    const error = thrown as CancelSweepError | DeadlockError | ExploreError | LeakError;
    switch (error.code) {
      case "CANCEL_SWEEP_FAILED":
        expectTypeOf(error.point).toEqualTypeOf<CancelPoint | undefined>();
        break;
      case "DEADLOCK":
        expectTypeOf(error.tree).toEqualTypeOf<string>();
        break;
      case "EXPLORE_FAILED":
        expectTypeOf(error.seed).toEqualTypeOf<number>();
        break;
      case "LEAKED":
        expectTypeOf(error.left).toEqualTypeOf<readonly string[]>();
        break;
      default:
        error satisfies never;
    }
  });
  expect.assertions(1);
});

test("steps have numbers, and a step with a function gives its value", () => {
  compiled(async () => {
    const order = new Sequencer();
    expectTypeOf(order.at(0)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(order.run(1, async () => "value")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(waitUntilAllBlocked()).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a step has a number
    await order.at("first");
  });
  expect.assertions(1);
});
