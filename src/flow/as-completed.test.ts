import { expect, test } from "vitest";
import { thrownBy, virtually, warningsOf, whatIsLeft } from "../../test/core/helpers.ts";
import {
  Cancelled,
  TaskCancelledError,
  asCompleted,
  cancelScope,
  checkpoint,
  now,
  shield,
  sleep,
  taskGroup,
} from "../index.ts";

const after = (ms: number) => async (): Promise<number> => {
  await sleep(ms);
  return ms;
};

const failAfter = (ms: number, error: unknown) => async (): Promise<never> => {
  await sleep(ms);
  throw error;
};

test(
  "outcomes come in the order in which the functions end, each with its place",
  virtually(async () => {
    const error = new Error("no");
    const seen: unknown[] = [];
    for await (const completion of asCompleted([after(30), failAfter(20, error), after(10)])) {
      seen.push({ ...completion, at: now() });
    }

    expect(seen).toEqual([
      { key: 2, ok: true, value: 10, at: 10 },
      { key: 1, ok: false, error, at: 20 },
      { key: 0, ok: true, value: 30, at: 30 },
    ]);
  }),
);

test(
  "functions in an object are told apart by their names, in messages too",
  virtually(async () => {
    const seen: unknown[] = [];
    for await (const { key, ok } of asCompleted({ slow: after(30), fast: after(10), self: (scope) => scope.name })) {
      seen.push(key, ok);
    }

    expect(seen).toEqual(["self", true, "fast", true, "slow", true]);
    const [completion] = await Array.fromAsync(asCompleted({ self: (scope) => scope.name }));
    expect(completion).toEqual({ key: "self", ok: true, value: "asCompleted.self" });
  }),
);

test(
  "they start when the first outcome is asked for, and none of none is none",
  virtually(async () => {
    let calls = 0;
    const stream = asCompleted([() => ++calls]);
    await checkpoint();
    expect(calls).toBe(0);
    expect(await stream.next()).toEqual({ done: false, value: { key: 0, ok: true, value: 1 } });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await Array.fromAsync(asCompleted([]))).toEqual([]);
    expect(await Array.fromAsync(asCompleted({}))).toEqual([]);
  }),
);

test(
  "leaving the loop cancels those that run and waits for them; results are disposed and errors dropped",
  virtually(async (root) => {
    const log: unknown[] = [];
    const disposable = (name: string): AsyncDisposable => ({
      async [Symbol.asyncDispose]() {
        await checkpoint();
        log.push(`${name} disposed`);
      },
    });
    const warnings = await warningsOf(async () => {
      for await (const { key } of asCompleted([
        after(1),
        async (scope) => {
          await thrownBy(sleep(Infinity));
          log.push(scope.cancelled);
          await shield(() => sleep(5));
          return disposable("late");
        },
        async () => {
          await thrownBy(sleep(Infinity));
          throw new Error("dropped");
        },
        async () => {
          await sleep(2);
          return disposable("unread");
        },
        failAfter(2, new Error("unread")),
      ])) {
        log.push(key);
        await sleep(4);
        break;
      }
    });

    expect(log).toEqual([
      0,
      { kind: "unneeded", why: "the reader of asCompleted left" },
      "unread disposed",
      "late disposed",
    ]);
    expect(now()).toBe(10);
    expect(warnings).toEqual([]);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "cancelling the reader cancels all of them and waits for them",
  virtually(async () => {
    let isCleanedUp = false;
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.deadline = 5;
      const stream = asCompleted([
        async () => {
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(5));
            isCleanedUp = true;
          }
        },
      ]);
      thrown = await thrownBy(stream.next());
      expect(isCleanedUp).toBe(true);
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(now()).toBe(10);
  }),
);

test(
  "a function that cancels its own task ends with a TaskCancelledError, and the others go on",
  virtually(async () => {
    const seen = await Array.fromAsync(
      asCompleted([
        after(5),
        async (scope) => {
          scope.cancel("not today");
          await checkpoint();
        },
      ]),
    );

    expect(seen).toEqual([
      { key: 1, ok: false, error: expect.any(TaskCancelledError) },
      { key: 0, ok: true, value: 5 },
    ]);
  }),
);

test(
  "a reader outside the scope of the stream learns that it was cut",
  virtually(async () => {
    const stream = asCompleted([after(1), after(10)]);
    await cancelScope(async (scope) => {
      await stream.next();
      scope.cancel("no more");
    });
    const thrown = await thrownBy(stream.next());

    expect(thrown).toBeInstanceOf(TaskCancelledError);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  }),
);

test(
  "several readers share the outcomes",
  virtually(async () => {
    const stream = asCompleted([after(1), after(2), after(3)]);
    const seen: unknown[] = [];
    await taskGroup((group) => {
      for (const reader of ["a", "b"]) {
        group.spawn(async () => {
          for await (const { key } of stream) seen.push(`${reader}${key}`);
        });
      }
    });

    expect(seen).toEqual(["a0", "b1", "a2"]);
  }),
);

test("works outside any run", async () => {
  expect(await Array.fromAsync(asCompleted([() => 1]))).toEqual([{ key: 0, ok: true, value: 1 }]);
});
