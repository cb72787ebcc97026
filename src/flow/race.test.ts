import { expect, test } from "vitest";
import { thrownBy, virtually, warningsOf } from "../../test/core/helpers.ts";
import {
  Cancelled,
  TaskCancelledError,
  cancelScope,
  checkpoint,
  moveOnAfter,
  now,
  race,
  shield,
  sleep,
} from "../index.ts";

const disposable = (log: unknown[], name: string): Disposable => ({ [Symbol.dispose]: () => log.push(name) });

test(
  "the first to end decides, and the others are cancelled and waited for",
  virtually(async () => {
    const log: unknown[] = [];
    const winner = await race([
      async (scope) => {
        try {
          return await sleep(Infinity).then(() => "never");
        } finally {
          log.push(scope.cancelled);
          await shield(() => sleep(7));
          log.push("cleaned up");
        }
      },
      async () => (await sleep(5), "fast"),
    ]);

    expect(winner).toBe("fast");
    expect(log).toEqual([{ kind: "unneeded", why: "the race was won" }, "cleaned up"]);
    expect(now()).toBe(12);
  }),
);

test(
  "an error decides the race as a value does, and what the others throw is dropped",
  virtually(async () => {
    const error = new Error("first");
    const thrown = await thrownBy(
      race([
        async () => {
          await sleep(5);
          throw error;
        },
        async () => {
          await thrownBy(sleep(Infinity));
          throw new Error("later");
        },
        () => sleep(Infinity),
      ]),
    );

    expect(thrown).toBe(error);
    expect(thrown).not.toHaveProperty("suppressed");
  }),
);

test(
  "of functions that end at once the first in the list wins, and the results of the others are disposed",
  virtually(async () => {
    const log: unknown[] = [];
    const winner = await race([
      () => disposable(log, "first"),
      () => disposable(log, "second"),
      async () => {
        await thrownBy(sleep(Infinity));
        return disposable(log, "third");
      },
    ]);

    expect(log).toEqual(["second", "third"]);
    winner[Symbol.dispose]();
    expect(log).toEqual(["second", "third", "first"]);
  }),
);

test(
  "disposing what lost may take its time, although the race is over",
  virtually(async () => {
    const log: unknown[] = [];
    const connection: AsyncDisposable = {
      async [Symbol.asyncDispose]() {
        await checkpoint();
        await sleep(10);
        log.push("disposed", now());
      },
    };
    const warnings = await warningsOf(() =>
      race<unknown>([
        async () => (await sleep(5), 1),
        async () => {
          await thrownBy(sleep(Infinity));
          return connection;
        },
      ]),
    );

    expect(warnings).toEqual([]);
    expect(log).toEqual(["disposed", 15]);
  }),
);

test(
  "what lost may be anything: only what is disposable is disposed, functions included",
  virtually(async () => {
    const log: unknown[] = [];
    const unsubscribe = Object.assign(() => {}, disposable(log, "function"));
    const winner = await race<unknown>([() => 1, () => null, () => "text", () => ({}), () => unsubscribe]);

    expect(winner).toBe(1);
    expect(log).toEqual(["function"]);
  }),
);

test(
  "an error of disposing what lost is a warning",
  virtually(async () => {
    const error = new Error("dispose");
    const broken: Disposable = {
      [Symbol.dispose]() {
        throw error;
      },
    };
    const warnings = await warningsOf(() => race<unknown>([() => 1, () => broken]));

    expect(warnings.map(({ message, cause }) => [message, cause])).toEqual([
      ["Disposing a discarded result failed", error],
    ]);
  }),
);

test(
  "a cancellation from around ends a race that nobody has won",
  virtually(async () => {
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.deadline = 5;
      thrown = await thrownBy(race([() => sleep(10), () => sleep(20)]));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(now()).toBe(5);
  }),
);

test(
  "a race that was won before the cancellation came is won: its value is not lost",
  virtually(async () => {
    const log: unknown[] = [];
    const winner = await moveOnAfter(8, () =>
      race([
        async () => (await sleep(5), disposable(log, "winner")),
        async () => {
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(10));
          }
          return disposable(log, "loser");
        },
      ]),
    );

    expect(now()).toBe(15);
    expect(log).toEqual([]);
    winner?.[Symbol.dispose]();
    expect(log).toEqual(["winner"]);
  }),
);

test(
  "a function that cancels its own task ends with a TaskCancelledError",
  virtually(async () => {
    const thrown = await thrownBy(
      race([
        async (scope) => {
          scope.cancel();
          await sleep(1);
        },
        () => sleep(5),
      ]),
    );

    expect(thrown).toBeInstanceOf(TaskCancelledError);
  }),
);

test(
  "a race of none is refused",
  virtually(async () => {
    await expect(race([])).rejects.toThrow(RangeError);
  }),
);
