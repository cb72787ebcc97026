import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import {
  loopTurns,
  never,
  oddPromise,
  thenable,
  thrownBy,
  virtually,
  warningsOf,
  whatIsLeft,
} from "../../test/core/helpers.ts";
import {
  type Scope,
  Cancelled,
  ContextVar,
  cancelScope,
  interruptible,
  run,
  shield,
  sleep,
  taskGroup,
} from "../index.ts";
import type { ScopeNode } from "./index.ts";

const stragglersOf = (scope: unknown): string[] => [...(scope as ScopeNode).tree.stragglers].map((each) => each.scope);

/** Virtual time stands still while a foreign promise is waited for: no deadline would come. */
const cancelSoon = (scope: Scope): void => void loopTurns().then(() => scope.cancel());

test(
  "interruptible returns what the foreign promise settles with",
  virtually(async () => {
    const error = new Error("no");

    expect(await interruptible(Promise.resolve(1))).toBe(1);
    expect(await interruptible(() => Promise.resolve(2))).toBe(2);
    expect(await thrownBy(interruptible(Promise.reject(error)))).toBe(error);
    expect(await thrownBy(interruptible(() => Promise.reject(error)))).toBe(error);
  }),
);

test(
  "a cancelled scope stops waiting for a foreign promise at once",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let thrown: unknown;
    await cancelScope(async (scope) => {
      cancelSoon(scope);
      thrown = await thrownBy(interruptible(promise));
    });
    resolve();

    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "the signal that a function is given aborts with the Cancelled, and only when its scope is cancelled",
  virtually(async () => {
    const signals: AbortSignal[] = [];
    const foreign = async (signal: AbortSignal): Promise<void> => {
      signals.push(signal);
      if (signals.length > 1) await once(signal, "abort");
    };
    let thrown: unknown;
    await cancelScope(async (scope) => {
      await interruptible(foreign);
      const waiting = thrownBy(interruptible(foreign));
      scope.cancel("stop");
      thrown = await waiting;
    });

    expect(signals.map((signal) => signal.aborted)).toEqual([false, true]);
    expect(signals[1]?.reason).toBe(thrown);
    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "work that obeys its signal ends, and leaves no listener",
  virtually(async () => {
    const emitter = new EventEmitter();
    await cancelScope(async (scope) => {
      const waiting = interruptible((signal) => once(emitter, "ready", { signal }));
      scope.cancel();
      await waiting;
    });
    await loopTurns();

    expect(emitter.listenerCount("ready")).toBe(0);
  }),
);

test(
  "a promise that was given up is listed as a straggler until it settles",
  virtually(async (root) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await cancelScope(
      async (scope) => {
        cancelSoon(scope);
        await interruptible(promise);
      },
      { name: "impatient" },
    );
    expect(stragglersOf(root)).toEqual(["impatient"]);
    resolve();
    await loopTurns();

    expect(stragglersOf(root)).toEqual([]);
  }),
);

test(
  "the late error of a promise that was given up becomes a warning, never an unhandled rejection",
  virtually(async (root) => {
    const error = new Error("late");
    const { promise, reject } = Promise.withResolvers<void>();
    const warnings = await warningsOf(async () => {
      await cancelScope(
        async (scope) => {
          cancelSoon(scope);
          await interruptible(promise);
        },
        { name: "impatient" },
      );
      reject(error);
      await loopTurns();
    });

    expect(warnings.map(({ name, message, cause }) => [name, message, cause])).toEqual([
      ["TaskwrightLateError", "A promise that impatient had stopped waiting for failed later", error],
    ]);
    expect(stragglersOf(root)).toEqual([]);
  }),
);

test(
  "that work which was told to stop stops with an AbortError is nothing to report",
  virtually(async () => {
    const warnings = await warningsOf(() =>
      cancelScope(async (scope) => {
        cancelSoon(scope);
        await interruptible((signal) => once(new EventEmitter(), "never", { signal }));
      }),
    );

    expect(warnings).toEqual([]);
  }),
);

test(
  "in a cancelled scope a promise is given up at once, and its error is reported",
  virtually(async () => {
    const error = new Error("late");
    let thrown: unknown;
    const warnings = await warningsOf(() =>
      cancelScope(async (scope) => {
        scope.cancel();
        thrown = await thrownBy(interruptible(Promise.reject(error)));
      }),
    );

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(warnings.map(({ cause }) => cause)).toEqual([error]);
  }),
);

test(
  "in a cancelled scope a function is not called",
  virtually(async () => {
    let calls = 0;
    await cancelScope(async (scope) => {
      scope.cancel();
      await interruptible(() => {
        calls++;
        return never;
      });
    });

    expect(calls).toBe(0);
  }),
);

test(
  "a function that cancels its own scope is told to stop, and what it returned is a straggler",
  virtually(async (root) => {
    const error = new Error("late");
    const { promise, reject } = Promise.withResolvers<void>();
    let given: AbortSignal | undefined;
    let thrown: unknown;
    const warnings = await warningsOf(async () => {
      await cancelScope(async (scope) => {
        thrown = await thrownBy(
          interruptible((signal) => {
            given = signal;
            scope.cancel();
            return promise;
          }),
        );
      });
      expect(given?.reason).toBe(thrown);
      expect(stragglersOf(root)).toEqual(["cancelScope"]);
      reject(error);
      await loopTurns();
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(warnings.map(({ cause }) => cause)).toEqual([error]);
  }),
);

test(
  "a function that throws rejects, and leaves nothing behind",
  virtually(async (root) => {
    const error = new Error("no");
    const throws = (): never => {
      throw error;
    };

    expect(await thrownBy(interruptible(throws))).toBe(error);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "what is no native promise may misbehave as it likes, and leaves nothing behind",
  virtually(async (root) => {
    const error = new Error("then");
    const throwing = thenable(() => {
      throw error;
    });
    const plainValue = (() => 5) as unknown as () => Promise<number>;

    expect(await interruptible(thenable((ok) => ok(1)))).toBe(1);
    expect(await interruptible(thenable((ok, no) => (ok(1), no(2), ok(3))))).toBe(1);
    expect(await thrownBy(interruptible(throwing))).toBe(error);
    expect(await thrownBy(interruptible(() => throwing))).toBe(error);
    expect(await interruptible(plainValue)).toBe(5);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "giving up one promise of many does not touch the others",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const values: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => values.push(await interruptible(promise)));
      await cancelScope(async (scope) => {
        scope.cancel();
        await interruptible(promise);
      });
      resolve("value");
    });

    expect(values).toEqual(["value"]);
  }),
);

test(
  "a foreign promise that settles before the cancellation arrives is received: value first",
  virtually(async () => {
    let value: unknown;
    await cancelScope(async (scope) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const waiting = interruptible(promise);
      resolve("value");
      await loopTurns();
      scope.cancel();
      value = await waiting;
    });

    expect(value).toBe("value");
  }),
);

test(
  "inside a shield a foreign promise is waited for although all around is cancelled",
  virtually(async () => {
    let value: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      value = await shield(() => interruptible(loopTurns(2).then(() => "value")));
    });

    expect(value).toBe("value");
  }),
);

test("a tree that ends while promises it gave up are unsettled says so", async () => {
  const warnings = await warningsOf(() =>
    run(
      () =>
        cancelScope(
          async (scope) => {
            scope.cancel();
            await interruptible(never);
          },
          { name: "impatient" },
        ),
      { signals: false },
    ),
  );

  expect(warnings.map(({ code, message }) => [code, message])).toEqual([
    [
      "TASKWRIGHT_STRAGGLERS",
      "run has ended while 1 foreign promises it stopped waiting for are unsettled (given up in: impatient)",
    ],
  ]);
});

/** Waits for `promise` so often, in a scope that is cancelled meanwhile. */
const giveUp = async (promise: PromiseLike<unknown>, times: number): Promise<void> => {
  for (let n = 0; n < times; n++) {
    await cancelScope(
      async (scope) => {
        const waiting = interruptible(promise);
        scope.cancel();
        await waiting;
      },
      { name: `impatient ${n}` },
    );
  }
};

test(
  "a promise that is given up again and again is one straggler, with one late error",
  virtually(async (root) => {
    const error = new Error("late");
    const { promise, reject } = Promise.withResolvers<void>();
    const warnings = await warningsOf(async () => {
      await giveUp(promise, 10);
      await cancelScope(async (scope) => {
        const waiting = Array.from({ length: 10 }, () => interruptible(promise));
        scope.cancel();
        await Promise.all(waiting);
      });
      expect(stragglersOf(root)).toEqual(["impatient 0"]);
      reject(error);
      await loopTurns();
    });

    expect(warnings.map(({ cause }) => cause)).toEqual([error]);
    expect(stragglersOf(root)).toEqual([]);
  }),
);

test(
  "the error of a promise that was given up, and is waited for again, comes late to nobody",
  virtually(async (root) => {
    const error = new Error("no");
    const { promise, reject } = Promise.withResolvers<void>();
    const warnings = await warningsOf(async () => {
      await giveUp(promise, 2);
      const again = [interruptible(promise), interruptible(promise)].map(thrownBy);
      reject(error);
      expect(await Promise.all(again)).toEqual([error, error]);
    });

    expect(warnings).toEqual([]);
    expect(stragglersOf(root)).toEqual([]);
    expect(await thrownBy(interruptible(promise))).toBe(error);
  }),
);

test(
  "a promise that settles with a value is received by all who wait again, in their order, and by who comes later",
  virtually(async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const log: string[] = [];
    await giveUp(promise, 2);
    await taskGroup((group) => {
      for (const name of ["a", "b"]) group.spawn(async () => log.push(name, await interruptible(promise)));
      resolve("value");
    });
    log.push(await interruptible(promise));

    expect(log).toEqual(["a", "value", "b", "value", "value"]);
  }),
);

test(
  "a promise that two trees have given up is a straggler in both, until it settles",
  virtually(async (root) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await giveUp(promise, 1);
    await run(
      async (inner) => {
        await giveUp(promise, 1);
        expect([stragglersOf(root).length, stragglersOf(inner).length]).toEqual([1, 1]);
        resolve();
        await loopTurns();
        expect([stragglersOf(root).length, stragglersOf(inner).length]).toEqual([0, 0]);
      },
      { signals: false },
    );
  }),
);

class Subclass<T> extends Promise<T> {}

test(
  "any promise is listened to once, however often it is waited for, and a hand-made thenable is asked each time",
  virtually(async () => {
    const settle: ((value: unknown) => void)[] = [];
    let thens = 0;
    const promise = new Subclass<unknown>((resolve) => settle.push(resolve));
    // oxlint-disable-next-line unicorn/no-thenable -- a subclass may have its own
    promise.then = ((...handlers: [() => void, () => void]) => {
      thens++;
      return Promise.prototype.then.apply(promise, handlers);
    }) as typeof promise.then;
    await giveUp(promise, 5);
    await giveUp(
      thenable((resolve) => settle.push(resolve)),
      5,
    );
    for (const each of settle) each(undefined);
    await loopTurns();

    expect([thens, settle.length]).toEqual([1, 6]);
  }),
);

test(
  "a promise that was given up keeps nothing of the context in which it was waited for",
  virtually(async () => {
    const variable = new ContextVar<object>("variable");
    const { promise, resolve } = Promise.withResolvers<void>();
    const waitWith = async (held: object): Promise<WeakRef<object>> => {
      await variable.run(held, () => giveUp(promise, 1));
      return new WeakRef(held);
    };
    const held = await waitWith({});
    // What was entered and waited for last is kept until the next.
    await cancelScope(() => sleep(1));
    globalThis.gc!();

    expect(held.deref()).toBeUndefined();
    resolve();
  }),
);

test(
  "a promise that cannot even be listened to rejects each wait, and leaves nothing behind",
  virtually(async (root) => {
    const error = new Error("then");
    const throwing = oddPromise(Promise.resolve(1), () => {
      throw error;
    });
    const unreadable = Object.defineProperty(Promise.resolve(1), "constructor", {
      get() {
        throw error;
      },
    });
    for (const promise of [throwing, unreadable, throwing, unreadable]) {
      expect(await thrownBy(interruptible(promise))).toBe(error);
    }
    const twice = oddPromise(Promise.resolve(0), (ok) => (ok(1), ok(2)));

    expect(await interruptible(twice)).toBe(1);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);
