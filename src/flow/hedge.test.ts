import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { explore } from "../testing/index.ts";
import { type Scope, Cancelled, cancelScope, hedge, moveOnAfter, now, shield, sleep } from "../index.ts";

/** Calls that take so long or fail, by their attempts; logs when each begins, ends or is cancelled. */
function calls(log: string[], ...each: (number | (() => Promise<unknown>))[]) {
  return async (attempt: number, scope: Scope): Promise<unknown> => {
    log.push(`${attempt} begins at ${now()}`);
    const call = each[attempt - 1]!;
    try {
      if (typeof call === "function") return await call();
      await sleep(call);
      return attempt;
    } finally {
      if (scope.cancelled !== undefined) log.push(`${attempt} cancelled at ${now()}`);
    }
  };
}

const failAfter = (ms: number, error: unknown) => async (): Promise<never> => {
  await sleep(ms);
  throw error;
};

test(
  "a call that is done in time is the only one",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, 10, 10), { afterMs: 20 })).toBe(1);
    expect(log).toEqual(["1 begins at 0"]);
    expect(now()).toBe(10);
  }),
);

test(
  "a call that is done just when the next is due is the only one",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, 20, 20), { afterMs: 20 })).toBe(1);
    expect(log).toEqual(["1 begins at 0"]);
  }),
);

test(
  "a call that takes longer gets a rival; the first to succeed wins, and the other is cancelled and waited for",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, 100, 10), { afterMs: 20 })).toBe(2);
    expect(log).toEqual(["1 begins at 0", "2 begins at 20", "1 cancelled at 30"]);
    expect(now()).toBe(30);
    expect(await hedge(calls([], 35, 100), { afterMs: 20 })).toBe(1);
    expect(now()).toBe(65);
  }),
);

test(
  "with more attempts one more begins every afterMs",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, 100, 100, 100, 5), { afterMs: 10, attempts: 4 })).toBe(4);
    expect(log.slice(0, 4)).toEqual(["1 begins at 0", "2 begins at 10", "3 begins at 20", "4 begins at 30"]);
    expect(await hedge(calls([], 50), { afterMs: 10, attempts: 1 })).toBe(1);
  }),
);

test(
  "a failure makes the next begin at once",
  virtually(async () => {
    const log: string[] = [];
    const no = new Error("no");

    expect(await hedge(calls(log, failAfter(5, no), failAfter(0, no), 10), { afterMs: 100, attempts: 3 })).toBe(3);
    expect(log).toEqual(["1 begins at 0", "2 begins at 5", "3 begins at 5"]);
    expect(now()).toBe(15);
  }),
);

test(
  "a failure while a rival runs makes the next begin at once, and afterMs counts from then",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, failAfter(15, new Error("no")), 100, 100, 5), { afterMs: 10, attempts: 4 })).toBe(4);
    expect(log.slice(0, 4)).toEqual(["1 begins at 0", "2 begins at 10", "3 begins at 15", "4 begins at 25"]);
  }),
);

test(
  "with afterMs of Infinity only failures make more calls",
  virtually(async () => {
    const log: string[] = [];

    expect(await hedge(calls(log, failAfter(500, new Error("no")), 5), { afterMs: Infinity })).toBe(2);
    expect(log).toEqual(["1 begins at 0", "2 begins at 500"]);
  }),
);

test(
  "when all fail, the first to fail is thrown, with the others in its suppressed",
  virtually(async () => {
    const [slow, fast] = [new Error("slow"), new Error("fast")];
    const thrown = await thrownBy(hedge(calls([], failAfter(30, slow), failAfter(5, fast)), { afterMs: 10 }));

    expect(thrown).toBe(fast);
    expect(thrown).toHaveProperty("suppressed", [slow]);
    expect(now()).toBe(30);
  }),
);

test(
  "calls that fail without waiting use the attempts up, and nothing is waited for",
  virtually(async () => {
    const attempts: number[] = [];
    const refuse = (attempt: number): never => {
      attempts.push(attempt);
      throw new Error(`no ${attempt}`);
    };

    await expect(hedge(refuse, { afterMs: 10, attempts: 3 })).rejects.toThrow("no 1");
    expect(attempts).toEqual([1, 2, 3]);
    expect(now()).toBe(0);
  }),
);

test(
  "the result of a rival that is not needed is disposed, and its error dropped",
  virtually(async () => {
    const log: string[] = [];
    const connection = (name: string): Disposable => ({ [Symbol.dispose]: () => log.push(`${name} disposed`) });
    const winner = await hedge(
      async (attempt) => {
        if (attempt === 3) return connection("3");
        await thrownBy(sleep(Infinity));
        if (attempt === 1) throw new Error("dropped");
        return connection("2");
      },
      { afterMs: 5, attempts: 3 },
    );

    expect(log).toEqual(["2 disposed"]);
    winner[Symbol.dispose]();
    expect(log).toEqual(["2 disposed", "3 disposed"]);
  }),
);

test(
  "a success before the cancellation came is not lost",
  virtually(async () => {
    const value = await moveOnAfter(12, () =>
      hedge(
        async (attempt) => {
          if (attempt === 2) return "second";
          try {
            return await sleep(Infinity).then(() => "never");
          } finally {
            await shield(() => sleep(10));
          }
        },
        { afterMs: 10 },
      ),
    );

    expect(value).toBe("second");
    expect(now()).toBe(20);
  }),
);

test(
  "cancelled, it cancels all calls and begins none",
  virtually(async () => {
    const log: string[] = [];
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.deadline = 15;
      thrown = await thrownBy(hedge(calls(log, 100, 100, 100), { afterMs: 10, attempts: 3 }));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(log.slice(0, 2)).toEqual(["1 begins at 0", "2 begins at 10"]);
    expect(log.slice(2).toSorted()).toEqual(["1 cancelled at 15", "2 cancelled at 15"]);
  }),
);

test("works outside any run", async () => {
  expect(await hedge((attempt) => attempt, { afterMs: 1_000 })).toBe(1);
});

test.for([
  [{ afterMs: -1 }, "Expected `afterMs` to be a number of milliseconds, 0 or more"],
  [{ afterMs: 1, attempts: 0 }, "Expected `attempts` to be an integer of 1 or more"],
] as const)("%o is refused, and nothing is called", async ([options, message]) => {
  let isCalled = false;

  await expect(hedge(() => (isCalled = true), options)).rejects.toThrow(message);
  expect(isCalled).toBe(false);
});

test("in whatever order things happen, no call begins when another is done", async () => {
  await explore(
    async () => {
      let isDone = false;
      const call = async (): Promise<void> => {
        expect(isDone).toBe(false);
        await sleep(10);
        isDone = true;
      };
      await hedge(call, { afterMs: 10, attempts: 3 });
    },
    { seeds: 50 },
  );
});
