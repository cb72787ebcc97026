import { expect, test } from "vitest";
import { never, thrownBy, virtually } from "../../test/core/helpers.ts";
import { Cancelled, TaskCancelledError, any, cancelScope, moveOnAfter, now, shield, sleep } from "../index.ts";

const disposable = (log: unknown[], name: string): Disposable => ({ [Symbol.dispose]: () => log.push(name) });

async function failAfter(ms: number, error: unknown = new Error(`after ${ms}`)): Promise<never> {
  await sleep(ms);
  throw error;
}

test(
  "the first to succeed decides, and the others are cancelled and waited for",
  virtually(async () => {
    const log: unknown[] = [];
    const winner = await any([
      () => failAfter(1),
      async (scope) => {
        try {
          return await sleep(Infinity).then(() => "never");
        } finally {
          log.push(scope.cancelled);
          await shield(() => sleep(7));
        }
      },
      async () => (await sleep(5), "fast"),
    ]);

    expect(winner).toBe("fast");
    expect(log).toEqual([{ kind: "unneeded", why: "the race was won" }]);
    expect(now()).toBe(12);
  }),
);

test(
  "when all fail an AggregateError is thrown, with the errors in the order of the functions",
  virtually(async () => {
    const thrown = await thrownBy(
      any([() => failAfter(9), () => failAfter(3), () => Promise.reject(new Error("now"))]),
    );

    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).message).toBe("all 3 functions failed");
    expect((thrown as AggregateError).errors.map((error: Error) => error.message)).toEqual([
      "after 9",
      "after 3",
      "now",
    ]);
  }),
);

test(
  "what the others still return is disposed, and what they still throw is dropped",
  virtually(async () => {
    const log: unknown[] = [];
    const winner = await any([
      () => disposable(log, "winner"),
      () => disposable(log, "at the same time"),
      async () => {
        await thrownBy(sleep(Infinity));
        return disposable(log, "later");
      },
      async () => {
        await thrownBy(sleep(Infinity));
        throw new Error("dropped");
      },
    ]);

    expect(log).toEqual(["at the same time", "later"]);
    winner[Symbol.dispose]();
    expect(log).toEqual(["at the same time", "later", "winner"]);
  }),
);

test(
  "a success before the cancellation came is not lost",
  virtually(async () => {
    const value = await moveOnAfter(8, () =>
      any([
        async () => (await sleep(5), "winner"),
        async () => {
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(10));
          }
        },
      ]),
    );

    expect(value).toBe("winner");
    expect(now()).toBe(15);
  }),
);

test(
  "cancelled with nobody through, it ends with the cancellation, whatever has failed",
  virtually(async () => {
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.deadline = 5;
      thrown = await thrownBy(any([() => failAfter(1), () => sleep(Infinity)]));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(now()).toBe(5);
  }),
);

test(
  "in a cancelled scope the functions run to their first checkpoint",
  virtually(async () => {
    let isCalled = false;
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(
        any([
          async () => {
            isCalled = true;
            await sleep(1);
          },
        ]),
      );
    });

    expect(isCalled).toBe(true);
    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "a function that cancels its own task has failed with a TaskCancelledError",
  virtually(async () => {
    const thrown = await thrownBy(
      any([
        async (scope) => {
          scope.cancel();
          await sleep(1);
        },
      ]),
    );

    expect((thrown as AggregateError).errors).toEqual([expect.any(TaskCancelledError)]);
  }),
);

test("works outside any run, and refuses a list of none", async () => {
  expect(await any([() => Promise.reject(new Error("no")), () => 1])).toBe(1);
  await expect(any([])).rejects.toThrow("Expected `fns` to have at least one function, got none");
});

test("a promise that never settles holds it up: only what can be cancelled is", async () => {
  const hanging = any([() => 1, () => never]);

  expect(await Promise.race([hanging, new Promise((resolve) => setImmediate(resolve, "still waiting"))])).toBe(
    "still waiting",
  );
});
