import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Scope,
  type Task,
  Cancelled,
  ContextVar,
  ScopeClosedError,
  TimeoutError,
  background,
  bindToRoot,
  cancelScope,
  checkpoint,
  effectiveDeadline,
  interruptible,
  moveOnAfter,
  now,
  retry,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";
import { currentScope } from "./index.ts";

const quiet = { signals: false };

test("run returns what main returns and throws what main throws", async () => {
  const error = new Error("no");

  expect(await run(() => 1, quiet)).toBe(1);
  expect(await run(async () => (await sleep(1), 2), quiet)).toBe(2);
  expect(await thrownBy(run(() => Promise.reject(error), quiet))).toBe(error);
  expect(
    await thrownBy(
      run(() => {
        throw error;
      }, quiet),
    ),
  ).toBe(error);
});

test("scope.cancel() in main cuts the run, which returns undefined", async () => {
  const value = await run(async (scope) => {
    scope.cancel();
    await sleep(1);
    return 1;
  }, quiet);

  expect(value).toBeUndefined();
});

test("the scope of run is named, and is the one main runs in", async () => {
  await run(
    (scope) => {
      expect(scope.name).toBe("mine");
      expect(currentScope()).toBe(scope);
    },
    { ...quiet, name: "mine" },
  );
});

test(
  "run waits for background tasks, and does not cancel them",
  virtually(async () => {
    const log: string[] = [];
    const value = await run(async () => {
      background(async () => {
        await sleep(50);
        log.push("background");
        background(async () => (await sleep(5), log.push("background of background")));
      });
      return "value";
    }, quiet);

    expect(value).toBe("value");
    expect(log).toEqual(["background", "background of background"]);
  }),
);

test(
  "a background task outlives the scope that started it",
  virtually(async () => {
    const log: string[] = [];
    await run(async () => {
      await moveOnAfter(5, async () => {
        background(async () => (await sleep(20), log.push("background")));
        await sleep(Infinity);
      });
      log.push("scope");
    }, quiet);

    expect(log).toEqual(["scope", "background"]);
  }),
);

test(
  "the error of a background task ends the run, when everything in it has ended",
  virtually(async () => {
    const error = new Error("no");
    const log: unknown[] = [];
    const running = run(async () => {
      background(() => sleep(5).then(() => Promise.reject(error)), { name: "mail" });
      try {
        await sleep(Infinity);
      } catch (cause) {
        log.push((cause as Cancelled).reason);
        await shield(() => sleep(10));
        log.push("main has ended");
      }
    }, quiet);

    expect(await thrownBy(running)).toBe(error);
    expect(log).toEqual([{ kind: "sibling-failed", task: "mail", error }, "main has ended"]);
  }),
);

test(
  "when main fails, background tasks are cancelled and waited for",
  virtually(async () => {
    const error = new Error("no");
    let task: Task<void> | undefined;
    const running = run(async () => {
      task = background(() => sleep(Infinity));
      await sleep(1);
      throw error;
    }, quiet);

    expect(await thrownBy(running)).toBe(error);
    expect(task?.state).toBe("cancelled");
  }),
);

test(
  "a background task can be joined and cancelled, and keeps the context variables of who started it",
  virtually(() =>
    run(async () => {
      const user = new ContextVar<string>("user");
      const task = user.run("Ada", () => background(async () => (await sleep(1), user.get())));
      expect(await task.join()).toBe("Ada");

      const endless = background(() => sleep(Infinity));
      endless.cancel();
      await expect(endless.join()).rejects.toThrow("task task was cancelled");
    }, quiet),
  ),
);

test(
  "background in a tree that has ended throws a ScopeClosedError",
  virtually(async () => {
    let floating: Promise<unknown> | undefined;
    await run(
      () => {
        floating = loopTurns(3).then(() => background(() => {}));
      },
      { ...quiet, name: "short" },
    );

    expect(await thrownBy(floating!)).toMatchObject({ code: "SCOPE_CLOSED", scope: "short" });
  }),
);

test(
  "a background task started in a cancelled run runs to its first checkpoint",
  virtually(async () => {
    const log: string[] = [];
    await run((scope) => {
      scope.cancel();
      background(async () => (log.push("ran"), await checkpoint(), log.push("not here")));
    }, quiet);

    expect(log).toEqual(["ran"]);
  }),
);

test(
  "bindToRoot makes a callback that may wait after its scope has ended",
  virtually(async () => {
    await run(async (root) => {
      let bound!: (a: number, b: number) => Promise<number>;
      await cancelScope(
        () => {
          bound = bindToRoot(async (a, b) => {
            expect(currentScope()).toBe(root);
            await sleep(1);
            return a + b;
          });
        },
        { name: "setup" },
      );

      expect(await bound(1, 2)).toBe(3);
      expect(await cancelScope((scope) => (scope.cancel(), bound(3, 4)))).toBe(7);
    }, quiet);
  }),
);

test(
  "what bindToRoot makes sees the variables and stores of where it was made, and passes `this` on",
  virtually(async () => {
    const user = new ContextVar<string>("user");
    const store = new AsyncLocalStorage<string>();
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    await store.run("maker", () =>
      user.run("Ada", () =>
        cancelScope(() => {
          const see = bindToRoot(function (this: unknown, event: string): void {
            seen.push(event, user.get(), store.getStore(), this === emitter, currentScope().name);
          });
          emitter.on("event", see);
        }),
      ),
    );
    await store.run("caller", () => user.run("Bob", () => cancelScope(() => void emitter.emit("event", "it"))));

    expect(seen).toEqual(["it", "Ada", "maker", true, "withVirtualTime"]);
  }),
);

test(
  "a callback that is not bound to the root meets a ScopeClosedError that names its scope",
  virtually(async () => {
    let ticking: Promise<unknown> | undefined;
    await cancelScope(
      () => {
        ticking = thrownBy(loopTurns(2).then(() => sleep(1)));
      },
      { name: "setup" },
    );
    const thrown = await ticking;

    expect(thrown).toBeInstanceOf(ScopeClosedError);
    expect(thrown).toMatchObject({ scope: "setup" });
    expect((thrown as Error).message).toContain("setup has ended, but code started in it still runs");
  }),
);

test(
  "a nested run belongs to the tree: it is cancelled with it, and waited for",
  virtually(async () => {
    const log: unknown[] = [];
    const thrown = await thrownBy(
      timeout(10, async () => {
        await run(async (scope) => {
          background(async () => {
            await thrownBy(sleep(Infinity));
            await shield(() => sleep(5));
            log.push("background of the nested run");
          });
          try {
            await sleep(Infinity);
          } finally {
            log.push(scope.cancelled?.kind);
          }
        }, quiet);
        log.push("not here");
      }),
    );

    expect(log).toEqual(["deadline", "background of the nested run"]);
    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(now()).toBe(15);
  }),
);

test(
  "a nested run keeps its background tasks and its errors to itself",
  virtually(async () => {
    const error = new Error("no");
    const log: string[] = [];
    background(() => sleep(100));
    const running = run(async () => {
      background(async () => {
        await sleep(1);
        throw error;
      });
      await sleep(Infinity);
    }, quiet);
    expect(await thrownBy(running)).toBe(error);
    log.push("the outer run goes on");
    await checkpoint();

    expect(now()).toBe(1);
    await sleep(100);
  }),
);

test("a nested run is on the clock of the tree it belongs to", async () => {
  await withVirtualTime(async () => {
    await run(() => sleep(3_600_000), quiet);
    expect(now()).toBe(3_600_000);
  });
});

const hour = (): Promise<number> => withVirtualTime(async () => (await sleep(3_600_000), now()));

test("a tree under virtual time may be part of one that is not, and of one that is", async () => {
  expect(await run(hour, quiet)).toBe(3_600_000);
  expect(await run(() => timeout(5_000, hour), quiet)).toBe(3_600_000);
  expect(await withVirtualTime(hour)).toBe(3_600_000);
  expect(await new ContextVar<number>("n").run(1, hour)).toBe(3_600_000);
});

test("a run inside a scope that has ended is refused", async () => {
  let floating: Promise<unknown> | undefined;
  await cancelScope(
    () => {
      floating = loopTurns(3).then(() => run(() => 1, quiet));
    },
    { name: "gone" },
  );

  expect(await thrownBy(floating!)).toMatchObject({ code: "SCOPE_CLOSED", scope: "gone" });
});

test("two runs at once are two trees", async () => {
  const log: unknown[] = [];
  let first!: Scope;
  const cut = run(async (scope) => {
    first = scope;
    await sleep(Infinity);
  }, quiet);
  const other = run(async () => {
    first.cancel();
    await sleep(2);
    return "other";
  }, quiet);
  log.push(await cut, await other);

  expect(log).toEqual([undefined, "other"]);
});

test(
  "very many runs at once, inside another, are no more trouble than as many tasks",
  virtually(async () => {
    await Promise.all(Array.from({ length: 30_000 }, () => run(() => sleep(1), quiet)));

    expect(now()).toBe(1);
  }),
);

test("run refuses a graceMs that is none, before main is called", async () => {
  const calls: number[] = [];
  for (const graceMs of [NaN, -1]) {
    expect(await thrownBy(run(() => calls.push(1), { ...quiet, graceMs }))).toBeInstanceOf(RangeError);
  }

  expect(calls).toEqual([]);
});

const signalListeners = (): number => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");

test("without signals run leaves the process's handlers alone, and with them it takes its own away", async () => {
  const before = signalListeners();
  await run(() => expect(signalListeners()).toBe(before), quiet);
  await run(async () => {
    expect(signalListeners()).toBe(before + 2);
    await run(() => expect(signalListeners()).toBe(before + 2));
    expect(signalListeners()).toBe(before + 2);
  });
  await thrownBy(run(() => Promise.reject(new Error("no"))));

  expect(signalListeners()).toBe(before);
});

test("outside any run everything works, in a scope that is never cancelled", async () => {
  await sleep(1);
  await checkpoint();
  expect(effectiveDeadline()).toBe(Infinity);
  expect(await taskGroup((group) => group.spawn(async () => (await sleep(1), 1)).join())).toBe(1);
  expect(await timeout(1_000, () => interruptible(Promise.resolve(2)))).toBe(2);
  expect(await thrownBy(timeout(1, () => sleep(Infinity)))).toBeInstanceOf(TimeoutError);
  expect(await moveOnAfter(1, () => sleep(Infinity))).toBeUndefined();
  const task = background(() => 3);

  expect(await task.join()).toBe(3);
  expect(whatIsLeft(currentScope())).toEqual([]);
});

test("code outside any scope cannot be cancelled, nor given a deadline, by whoever is given its scope", async () => {
  const message = "Code outside any scope cannot be cancelled: put it into run(), or into cancelScope()";

  await expect(retry((_attempt, scope) => scope.cancel(), { attempts: 1 })).rejects.toThrow(message);
  await expect(retry((_attempt, scope) => void (scope.deadline = 0), { attempts: 1 })).rejects.toThrow(message);
  await sleep(1);
  expect(effectiveDeadline()).toBe(Infinity);
});
