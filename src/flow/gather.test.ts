import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { type Scope, Cancelled, TaskCancelledError, cancelScope, gather, now, shield, sleep } from "../index.ts";

async function fetchOne(scope: Scope): Promise<void> {
  scope.cancel("changed my mind");
  await sleep(1);
}

test(
  "gather runs all functions at once and returns their results in order",
  virtually(async () => {
    const results = await gather([async () => (await sleep(20), "slow"), async () => (await sleep(10), 1), () => true]);

    expect(results).toEqual(["slow", 1, true]);
    expect(now()).toBe(20);
    expect(await gather([])).toEqual([]);
  }),
);

test(
  "the first failure cancels the others, and is thrown with later ones in its suppressed",
  virtually(async () => {
    const [error, later] = [new Error("no"), new Error("later")];
    const thrown = await thrownBy(
      gather([
        async () => {
          await sleep(5);
          throw error;
        },
        async () => {
          await thrownBy(sleep(Infinity));
          await shield(() => sleep(5));
          throw later;
        },
      ]),
    );

    expect(thrown).toBe(error);
    expect(thrown).toHaveProperty("suppressed", [later]);
    expect(now()).toBe(10);
  }),
);

test(
  "a cancellation from around is thrown, unless all results are there",
  virtually(async () => {
    const complete = await cancelScope((scope) =>
      gather([
        () => scope.cancel(),
        async () => {
          await thrownBy(sleep(Infinity));
          return 1;
        },
      ]),
    );
    let thrown: unknown;
    await cancelScope(async (scope) => {
      thrown = await thrownBy(gather([() => scope.cancel(), () => sleep(Infinity)]));
    });

    expect(complete).toEqual([undefined, 1]);
    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "a function that cancels its own task leaves no hole: a TaskCancelledError is thrown",
  virtually(async () => {
    const thrown = await thrownBy(gather([fetchOne, () => sleep(Infinity)]));

    expect(thrown).toBeInstanceOf(TaskCancelledError);
    expect(thrown).toMatchObject({ task: "fetchOne", reason: { kind: "requested", why: "changed my mind" } });
  }),
);

test(
  "functions in an object give an object, and their names name their tasks",
  virtually(async () => {
    const error = new Error("no");
    const { user, posts } = await gather({ user: async () => (await sleep(5), "Ada"), posts: (scope) => scope.name });

    expect([user, posts]).toEqual(["Ada", "gather.posts"]);
    expect(await gather({})).toEqual({});
    expect(Object.keys(await gather({ b: () => 1, ["__proto__"]: () => 2 }))).toEqual(["b", "__proto__"]);
    expect(await thrownBy(gather({ good: () => sleep(Infinity), bad: () => Promise.reject(error) }))).toBe(error);
  }),
);
