import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { Cancelled, TaskCancelledError, TimeoutError, cancelScope, now, settle, sleep, timeout } from "../index.ts";

test(
  "settle tells how each function ended, in order, and cancels nobody",
  virtually(async () => {
    const error = new Error("no");
    const outcomes = await settle([
      async () => (await sleep(20), "slow"),
      async () => {
        await sleep(5);
        throw error;
      },
      () => 1,
      () => {
        throw undefined;
      },
    ]);

    expect(outcomes).toEqual([
      { ok: true, value: "slow" },
      { ok: false, error },
      { ok: true, value: 1 },
      { ok: false, error: undefined },
    ]);
    expect(now()).toBe(20);
    expect(await settle([])).toEqual([]);
  }),
);

test(
  "a timeout is an outcome, a cancellation from around is none",
  virtually(async () => {
    const [late] = await settle([() => timeout(5, () => sleep(10))]);
    let thrown: unknown;
    await cancelScope(async (scope) => {
      thrown = await thrownBy(settle([() => 1, () => scope.cancel(), () => sleep(10)]));
    });

    expect(late).toEqual({ ok: false, error: expect.any(TimeoutError) });
    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "an AbortError where nothing is cancelled is an outcome",
  virtually(async () => {
    const error = new DOMException("gone", "AbortError");

    expect(await settle([() => Promise.reject(error)])).toEqual([{ ok: false, error }]);
  }),
);

test(
  "an ordinary error during a cancellation is an outcome too",
  virtually(async () => {
    const error = new Error("no");
    const outcomes = await cancelScope((scope) =>
      settle([
        () => scope.cancel(),
        async () => {
          await thrownBy(sleep(1));
          throw error;
        },
      ]),
    );

    expect(outcomes).toEqual([
      { ok: true, value: undefined },
      { ok: false, error },
    ]);
  }),
);

test(
  "a function that cancels its own task has failed with a TaskCancelledError",
  virtually(async () => {
    const outcomes = await settle([
      async (scope) => {
        scope.cancel();
        await sleep(1);
      },
      () => 1,
    ]);

    expect(outcomes).toEqual([
      { ok: false, error: expect.any(TaskCancelledError) },
      { ok: true, value: 1 },
    ]);
  }),
);

test(
  "functions in an object give an object",
  virtually(async () => {
    const error = new Error("no");

    expect(await settle({ good: async () => 1, bad: () => Promise.reject(error) })).toEqual({
      good: { ok: true, value: 1 },
      bad: { ok: false, error },
    });
  }),
);
