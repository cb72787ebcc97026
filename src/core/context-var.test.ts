import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  ContextVar,
  cancelScope,
  checkpoint,
  map,
  mapStream,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";
import { currentFrame, currentScope } from "./index.ts";

const user = new ContextVar<string>("user", { default: "nobody" });

test("a variable has its default, or undefined, where nothing is bound", () => {
  expect(user.get()).toBe("nobody");
  expect(new ContextVar<string>("other").get()).toBeUndefined();
  expect(user.name).toBe("user");
});

test("run binds for its function alone, and returns or throws what that does", () => {
  const error = new Error("no");

  expect(user.run("Ada", () => user.get())).toBe("Ada");
  expect(user.get()).toBe("nobody");
  expect(() =>
    user.run("Ada", () => {
      throw error;
    }),
  ).toThrow(error);
  expect(user.get()).toBe("nobody");
});

test("bindings nest, hide each other, and may be undefined", () => {
  const other = new ContextVar<number | undefined>("other", { default: 1 });
  const seen = user.run("Ada", () =>
    other.run(2, () => [user.get(), other.get(), user.run("Bob", () => [user.get(), other.get()]), user.get()]),
  );

  expect(seen).toEqual(["Ada", 2, ["Bob", 2], "Ada"]);
  expect(other.run(undefined, () => other.get())).toBeUndefined();
  expect(other.get()).toBe(1);
});

test("what is bound again and again keeps only the newest value, and what else is bound", () => {
  const [one, two] = [new ContextVar<number>("one"), new ContextVar<number>("two")];
  const bindDeeply = (n: number, atTheBottom: () => unknown[]): unknown[] =>
    n === 0
      ? atTheBottom()
      : one.run(n, () =>
          n === 50 ? two.run(n, () => bindDeeply(n - 1, atTheBottom)) : bindDeeply(n - 1, atTheBottom),
        );
  const seen = user.run("Ada", () =>
    bindDeeply(100, () => {
      let count = 0;
      for (let bound = currentFrame()?.bindings; bound !== undefined; bound = bound.outer) count++;
      return [one.get(), two.get(), user.get(), count];
    }),
  );

  expect(seen).toEqual([1, 50, "Ada", 3]);
});

test(
  "a task sees what was bound where it was spawned, in every kind of scope",
  virtually(async () => {
    const seen: unknown[] = [];
    await user.run("Ada", () =>
      taskGroup(async (group) => {
        group.spawn(() => seen.push(user.get()));
        user.run("Bob", () => group.spawn(async () => (await sleep(1), seen.push(user.get()))));
        await sleep(5);
        seen.push(user.get());
        await timeout(5, async () => (await sleep(1), seen.push(user.get())));
        await moveOnAfter(5, () => seen.push(user.get()));
        await shield(() => seen.push(user.get()));
        await cancelScope(() => seen.push(user.get()));
        await map([1], () => seen.push(user.get()), { concurrency: 1 });
        await race([() => seen.push(user.get())]);
        await run(() => seen.push(user.get()), { signals: false });
      }),
    );

    expect(seen).toEqual(["Ada", "Bob", ...Array(8).fill("Ada")]);
  }),
);

test(
  "a binding inside a task reaches neither its group nor its siblings",
  virtually(() =>
    taskGroup(async (group) => {
      group.spawn(() => user.run("Ada", () => sleep(5)));
      group.spawn(async () => (await sleep(1), expect(user.get()).toBe("nobody")));
      await sleep(10);
      expect(user.get()).toBe("nobody");
    }),
  ),
);

test(
  "what is bound stays bound across awaits, timers, microtasks and emitters",
  virtually(() =>
    user.run("Ada", async () => {
      const seen: unknown[] = [];
      const see = (): void => void seen.push(user.get());
      await checkpoint();
      see();
      await Promise.resolve();
      see();
      queueMicrotask(see);
      process.nextTick(see);
      setImmediate(see);
      setTimeout(see, 0);
      const emitter = new EventEmitter().on("event", see);
      user.run("Bob", () => emitter.emit("event"));
      await new Promise((resolve) => setTimeout(resolve, 5));

      // A listener runs where emit is called.
      expect(seen).toEqual(["Ada", "Ada", "Bob", "Ada", "Ada", "Ada", "Ada"]);
    }),
  ),
);

test(
  "a generator sees what is bound where next is called",
  virtually(async () => {
    const values = function* (): Generator<string | undefined> {
      for (;;) yield user.get();
    };
    const asyncValues = async function* (): AsyncGenerator<string | undefined> {
      for (;;) {
        await checkpoint();
        yield user.get();
      }
    };
    const source = values();
    const asyncSource = asyncValues();
    const streamed = mapStream(asyncValues(), (value) => value, { concurrency: 1 });

    expect([user.run("Ada", () => source.next().value), source.next().value]).toEqual(["Ada", "nobody"]);
    expect((await user.run("Ada", () => asyncSource.next())).value).toBe("Ada");
    expect((await asyncSource.next()).value).toBe("nobody");
    expect((await user.run("Ada", () => streamed.next())).value).toBe("Ada");
    await streamed.return();
  }),
);

test(
  "entering a binding does not change the scope",
  virtually(() =>
    cancelScope(async (scope) => {
      await user.run("Ada", async () => {
        expect(currentScope()).toBe(scope);
        await checkpoint();
        expect(currentScope()).toBe(scope);
        scope.cancel();
        await thrownBy(checkpoint());
      });
    }),
  ),
);

test("virtual time and runs inherit what is bound around them", async () => {
  expect(await user.run("Ada", () => withVirtualTime(() => user.get()))).toBe("Ada");
  expect(await user.run("Ada", () => run(async () => (await sleep(1), user.get()), { signals: false }))).toBe("Ada");
});

// What follows is about AsyncLocalStorages of other people: they and our scopes must not disturb each other.

const als = new AsyncLocalStorage<string>();
const other = new AsyncLocalStorage<number>();

test("a store set around a run is seen in every kind of scope and task", async () => {
  const seen: unknown[] = [];
  const see = (): void => void seen.push(als.getStore());
  await als.run("outside", () =>
    run(
      () =>
        taskGroup(async (group) => {
          see();
          group.spawn(async () => (await sleep(1), see()));
          await timeout(50, async () => (see(), await sleep(1), see()));
          await map([1, 2], async () => (await sleep(1), see()), { concurrency: 2 });
          await user.run("Ada", async () => (see(), await sleep(1), see()));
          await shield(async () => (await loopTurns(), see()));
        }),
      { signals: false },
    ),
  );

  expect(seen).toEqual(Array(9).fill("outside"));
  expect(als.getStore()).toBeUndefined();
});

test(
  "a store set inside a scope is seen by the tasks and scopes opened in it, and not outside",
  virtually(() =>
    taskGroup(async (group) => {
      const seen: unknown[] = [];
      await als.run("inside", async () => {
        group.spawn(async () => (await sleep(1), seen.push(als.getStore())));
        await cancelScope(async () => (await sleep(2), seen.push(als.getStore())));
        seen.push(als.getStore());
      });
      group.spawn(async () => (await sleep(1), seen.push(als.getStore())));
      await sleep(5);
      seen.push(als.getStore());

      expect(seen).toEqual(["inside", "inside", "inside", undefined, undefined]);
    }),
  ),
);

test(
  "our scope survives run, exit, enterWith and snapshot of another store, and so do our variables",
  virtually(() =>
    user.run("Ada", () =>
      cancelScope(async (scope) => {
        const seen: unknown[] = [];
        const see = (): void => void seen.push(currentScope() === scope && user.get());
        als.run("a", see);
        await als.run("a", async () => (await sleep(1), see(), other.run(1, see)));
        als.exit(see);
        await als.exit(async () => (await sleep(1), see()));
        const snapshot = AsyncLocalStorage.snapshot();
        await Promise.resolve().then(() => snapshot(see));
        AsyncLocalStorage.bind(see)();
        als.enterWith("entered");
        see();
        await sleep(1);
        see();
        expect(als.getStore()).toBe("entered");

        expect(seen).toEqual(Array(9).fill("Ada"));
      }),
    ),
  ),
);

test(
  "cancellation reaches waits that began inside another store",
  virtually(async () => {
    const value = await moveOnAfter(10, () =>
      als.run("a", () =>
        other.run(1, () => taskGroup((group) => void group.spawn(() => als.run("b", () => sleep(1e6))))),
      ),
    );

    expect(value).toBeUndefined();
  }),
);

test(
  "several stores, each set at another depth, are all seen at the bottom",
  virtually(async () => {
    const seen = await als.run("outer", () =>
      cancelScope(() =>
        other.run(7, () =>
          user.run("Ada", () =>
            taskGroup((group) =>
              group
                .spawn(() =>
                  als.run("inner", () =>
                    timeout(50, async () => (await sleep(1), [als.getStore(), other.getStore(), user.get()])),
                  ),
                )
                .join(),
            ),
          ),
        ),
      ),
    );

    expect(seen).toEqual(["inner", 7, "Ada"]);
    expect([als.getStore(), other.getStore()]).toEqual([undefined, undefined]);
  }),
);

test(
  "a store that is disabled is gone, and takes nothing of ours with it",
  virtually(() =>
    user.run("Ada", () =>
      cancelScope(async (scope) => {
        const mine = new AsyncLocalStorage<string>();
        await mine.run("value", () =>
          taskGroup(async () => {
            expect(mine.getStore()).toBe("value");
            mine.disable();
            expect(mine.getStore()).toBeUndefined();
            await sleep(1);
            expect(mine.getStore()).toBeUndefined();
          }),
        );
        expect([currentScope() === scope, user.get()]).toEqual([true, "Ada"]);
        expect(mine.run("again", () => mine.getStore())).toBe("again");
      }),
    ),
  ),
);

test(
  "a store with undefined in it, or set to undefined, is what it is",
  virtually(async () => {
    const seen = await als.run("set", () =>
      als.run(undefined as unknown as string, () => cancelScope(() => als.getStore())),
    );

    expect(seen).toBeUndefined();
  }),
);

test(
  "a task sees the stores of where it was spawned, not of where it is joined or resumed",
  virtually(() =>
    taskGroup(async (group) => {
      const gate = Promise.withResolvers<void>();
      const task = als.run("spawner", () => group.spawn(async () => (await gate.promise, als.getStore())));
      als.run("resumer", () => gate.resolve());
      expect(await als.run("joiner", () => task.join())).toBe("spawner");
    }),
  ),
);

test(
  "code that runs outside everything of ours after a scope sees no scope",
  virtually(async () => {
    const scopeAt: unknown[] = [];
    await cancelScope(async (scope) => {
      scopeAt.push(currentScope() === scope);
    });
    scopeAt.push(currentScope().name);

    expect(scopeAt).toEqual([true, "withVirtualTime"]);
  }),
);
