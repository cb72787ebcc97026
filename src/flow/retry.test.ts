import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  Cancelled,
  RetryBudget,
  cancelScope,
  moveOnAfter,
  now,
  retry,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

const steady = (): number => 10;

/** Fails until the attempt number `until`, and tells when it was called. */
function flaky(until: number, error: unknown = new Error("no")): { calls: number[]; fn: (attempt: number) => string } {
  const calls: number[] = [];
  return {
    calls,
    fn: (attempt) => {
      calls.push(now());
      if (attempt < until) throw error;
      return `attempt ${attempt}`;
    },
  };
}

/** How long a retry waits after an error that asks for `retryAfterMs`. */
const waitAfter = async (retryAfterMs: unknown): Promise<number> => {
  const startedMs = now();
  await retry(flaky(2, Object.assign(new Error("busy"), { retryAfterMs })).fn, { backoff: steady });
  return now() - startedMs;
};

test(
  "retry calls until it succeeds, with the waits of its backoff between",
  virtually(async () => {
    const { calls, fn } = flaky(4);
    const value = await retry(fn, { attempts: 5, backoff: (attempt) => attempt * 10 });

    expect(value).toBe("attempt 4");
    expect(calls).toEqual([0, 10, 30, 60]);
  }),
);

test(
  "attempts count the first: after the last its error is thrown, without a further wait",
  virtually(async () => {
    const error = new Error("no");
    const { calls, fn } = flaky(99, error);

    expect(await thrownBy(retry(fn, { attempts: 3, backoff: steady }))).toBe(error);
    expect(calls).toEqual([0, 10, 20]);
    expect(now()).toBe(20);
    expect(await thrownBy(retry(fn, { attempts: 1 }))).toBe(error);
    expect(calls.length).toBe(4);
  }),
);

test(
  "by default there are three attempts, the first two followed by waits of at most 100 and 200 ms",
  virtually(async () => {
    const { calls, fn } = flaky(99);
    await thrownBy(retry(fn));

    expect(calls.length).toBe(3);
    expect(now()).toBeLessThanOrEqual(302);
  }),
);

test(
  "an AbortError, or what a Cancelled has caused, is never retried",
  virtually(async () => {
    const caused = new Error("wrapped", {
      cause: new Error("once more", { cause: new Cancelled({ kind: "requested" }) }),
    });
    for (const error of [new DOMException("gone", "AbortError"), new Cancelled({ kind: "requested" }), caused]) {
      const { calls, fn } = flaky(99, error);
      expect(await thrownBy(retry(fn, { attempts: 5, when: () => true }))).toBe(error);
      expect(calls.length).toBe(1);
    }
  }),
);

test(
  "when decides with the error and the number of the attempt",
  virtually(async () => {
    const error = new Error("no");
    const asked: unknown[] = [];
    const { calls, fn } = flaky(99, error);
    await thrownBy(retry(fn, { attempts: 9, backoff: steady, when: (...args) => (asked.push(args), args[1] < 2) }));

    expect(asked).toEqual([
      [error, 1],
      [error, 2],
    ]);
    expect(calls.length).toBe(2);
  }),
);

test(
  "an error of when is thrown",
  virtually(async () => {
    const error = new Error("when");
    const running = retry(() => Promise.reject(new Error("no")), {
      when: () => {
        throw error;
      },
    });

    expect(await thrownBy(running)).toBe(error);
  }),
);

test(
  "an error's retryAfterMs is waited for, if it is longer than the backoff",
  virtually(async () => {
    expect(await waitAfter(50)).toBe(50);
    expect(await waitAfter(5)).toBe(10);
    for (const nonsense of ["50", NaN, -1, null, undefined]) expect(await waitAfter(nonsense)).toBe(10);
  }),
);

test(
  "what is thrown need not be an object",
  virtually(async () => {
    for (const error of [null, 0, "text"]) {
      expect(await thrownBy(retry(flaky(9, error).fn, { attempts: 2, backoff: steady }))).toBe(error);
    }
  }),
);

test(
  "a cancellation ends the wait between attempts, and the attempt, at once",
  virtually(async () => {
    const { calls, fn } = flaky(99);
    await taskGroup(async (group) => {
      const retrying = group.spawn(() => retry(fn, { attempts: Infinity, backoff: steady }));
      await sleep(25);
      retrying.cancel();
    });

    expect(calls).toEqual([0, 10, 20]);
    expect(now()).toBe(25);
    await thrownBy(timeout(5, () => retry(() => sleep(Infinity))));
    expect(now()).toBe(30);
  }),
);

test(
  "a wait that would last until the nearest deadline is not begun: the last error is thrown at once",
  virtually(async () => {
    const error = Object.assign(new Error("busy"), { retryAfterMs: 60_000 });
    const { calls, fn } = flaky(99, error);

    expect(await thrownBy(timeout(5_000, () => retry(fn, { attempts: 9 })))).toBe(error);
    expect(now()).toBe(0);
    expect(await thrownBy(moveOnAfter(25, () => retry(fn, { attempts: 9, backoff: steady })))).toBe(error);
    expect(calls.length).toBe(2);
    const until = (ms: number) => timeout(ms, () => retry(flaky(2).fn, { backoff: steady }));
    await expect(until(10)).rejects.toThrow("no");
    expect(await until(11)).toBe("attempt 2");
  }),
);

test(
  "a deadline outside a shield is none",
  virtually(async () => {
    const value = await timeout(5, () => shield(() => retry(flaky(2).fn, { backoff: steady })));

    expect(value).toBe("attempt 2");
    expect(now()).toBe(10);
  }),
);

test(
  "an error in a cancelled scope is thrown, not retried, and wins over the cancellation",
  virtually(async () => {
    const error = new Error("cleanup");
    const { calls, fn } = flaky(99, error);
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(retry(fn, { attempts: 5, backoff: steady }));
    });

    expect(thrown).toBe(error);
    expect(calls).toEqual([0]);
  }),
);

test(
  "a cancellation between the end of the wait and the next attempt is no reason to try once more",
  virtually(async () => {
    const { calls, fn } = flaky(99);
    await cancelScope(async (scope) => {
      // Due at the same time, and first to go on.
      const due = sleep(10);
      const retrying = thrownBy(retry(fn, { attempts: 2, backoff: steady }));
      await due;
      scope.cancel();
      expect(await retrying).toBeInstanceOf(Cancelled);
    });

    expect(calls).toEqual([0]);
  }),
);

test(
  "a budget decides for each retry, and is not asked where there is none",
  virtually(async () => {
    const budget = new RetryBudget({ ratio: 1, minPerSecond: 0 });
    const error = new Error("no");

    expect(await thrownBy(retry(flaky(9, error).fn, { attempts: 5, backoff: steady, budget }))).toBe(error);
    expect(budget.statistics()).toEqual({ calls: 1, retries: 1, left: 0 });
    await thrownBy(retry(flaky(9, error).fn, { budget, when: () => false }));
    await thrownBy(timeout(5, () => retry(flaky(9, error).fn, { budget, backoff: steady })));
    expect(budget.statistics()).toEqual({ calls: 3, retries: 1, left: 2 });
  }),
);

test(
  "a TimeoutError of an attempt is retried",
  virtually(async () => {
    const value = await retry((attempt) => timeout(10, async () => (await sleep(attempt === 1 ? 20 : 5), attempt)), {
      backoff: steady,
    });

    expect(value).toBe(2);
    expect(now()).toBe(25);
  }),
);

test(
  "each attempt is given the scope around retry",
  virtually(() =>
    cancelScope(async (scope) => {
      expect(await retry((_attempt, given) => given === scope)).toBe(true);
    }),
  ),
);

test.for([0, 1.5, NaN, -1])("%d attempts are refused, and nothing is called", (attempts) =>
  virtually(async () => {
    const { calls, fn } = flaky(1);

    expect(await thrownBy(retry(fn, { attempts }))).toBeInstanceOf(RangeError);
    expect(calls).toEqual([]);
  })(),
);
