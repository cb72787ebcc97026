import { createServer } from "node:net";
import { expect, test } from "vitest";
import { thrownBy, warningsOf } from "../../test/core/helpers.ts";
import {
  type Scope,
  type TaskGroup,
  Cancelled,
  Event,
  Queue,
  Semaphore,
  TaskCancelledError,
  TimeoutError,
  background,
  cancelScope,
  checkpoint,
  interruptible,
  isCancelled,
  moveOnAfter,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { type CancelPoint, CancelSweepError, DeadlockError, cancelEverywhere } from "./index.ts";

/** What a sweep over `fn` fails with. */
async function failureOf(...args: Parameters<typeof cancelEverywhere>): Promise<CancelSweepError> {
  const error = await thrownBy(cancelEverywhere(...args));
  expect(error).toBeInstanceOf(CancelSweepError);
  return error as CancelSweepError;
}

test("each checkpoint is cancelled as it is reached, while it waits, and after it has waited", async () => {
  const seen: string[] = [];
  const result = await cancelEverywhere(async () => {
    const log: string[] = [];
    try {
      await sleep(10);
      log.push("slept");
      using permit = await new Semaphore(1).acquire();
      log.push("acquired");
      permit.report({ ok: true, ms: 0 });
      await sleep(10);
      log.push("done");
    } catch (error) {
      if (!isCancelled(error)) throw error;
    } finally {
      seen.push(log.join(" "));
    }
  });

  expect(result).toEqual({ checkpoints: 3, runs: 8 });
  expect(seen).toEqual([
    // Not cancelled, twice.
    "slept acquired done",
    "slept acquired done",
    // The first sleep: before, while, after.
    "",
    "",
    "slept",
    // The acquire, which need not wait: the permit that was granted is received.
    "slept",
    "slept acquired",
    // The second sleep.
    "slept acquired",
    "slept acquired",
    "slept acquired done",
  ]);
});

test("a function may end with a value, or with its cancellation", async () => {
  const functions = [
    () => moveOnAfter(5, () => sleep(10)),
    () => sleep(10).catch(() => "a value"),
    async () => {
      background(() => sleep(10));
      await checkpoint();
    },
    (scope: Scope) => {
      scope.cancel();
      return sleep(1);
    },
  ];

  for (const fn of functions) expect((await cancelEverywhere(fn)).runs).toBeGreaterThan(1);
});

async function failsToCleanUp(): Promise<void> {
  try {
    await sleep(10);
  } catch {
    throw new TypeError("cannot clean up");
  }
}

test("an error after a cancellation fails the sweep, unless it is allowed", async () => {
  const error = await failureOf(failsToCleanUp);

  expect(error).toMatchObject({ code: "CANCEL_SWEEP_FAILED", point: { checkpoint: 1, moment: "before" }, left: [] });
  expect(error.cause).toEqual(new TypeError("cannot clean up"));
  expect(error.message).toMatch(/^cancelled at checkpoint 1, as it is reached, .*: TypeError: cannot clean up$/);
  expect(await cancelEverywhere(failsToCleanUp, { allow: (thrown) => thrown instanceof TypeError })).toEqual({
    checkpoints: 1,
    runs: 3,
  });
});

test("a function that fails without being cancelled fails the sweep", async () => {
  const cause = new TimeoutError("it", 1);
  const error = await failureOf(() => Promise.reject(cause), { allow: () => true });

  expect(error.point).toBeUndefined();
  expect(error.cause).toBe(cause);
  expect(error.message).toBe("not cancelled at all, the function: TimeoutError: it did not end within 1 ms");
});

test("a permit that is not given back is found, with the line of the checkpoint", async () => {
  const error = await failureOf(() =>
    taskGroup((group) => {
      group.spawn(
        async () => {
          const semaphore = new Semaphore(1);
          const permit = await semaphore.acquire();
          await sleep(5);
          permit.release();
        },
        { name: "careless" },
      );
    }),
  );

  expect(error.left).toEqual(["Semaphore: inUse is 1, was 0"]);
  expect(error.point).toEqual({ checkpoint: 1, moment: "while" });
  expect(error.message).toMatch(
    /^cancelled at checkpoint 1, while it waits, in group > careless, at .*cancel-everywhere\.test\.ts\S*:\d+:\d+\)?: leaves behind Semaphore: inUse is 1, was 0$/,
  );
});

test("what the checkpoint waits for is told", async () => {
  const messages: string[] = [];
  for (const moment of ["before", "while", "after"] as const) {
    const { message } = await failureOf(() => taskGroup(waitsAndFails), { only: { checkpoint: 2, moment } });
    messages.push(message.replace(/, in group > second.*/, ""));
  }

  expect(messages).toEqual([
    "cancelled at checkpoint 2, as it is reached",
    'cancelled at checkpoint 2, while it waits for Semaphore "db", place 1 of 1',
    'cancelled at checkpoint 2, after it has waited for Semaphore "db", place 1 of 1',
  ]);
});

/** Fails, once it is cancelled, with an error of its own. */
async function waitsAndFails(group: TaskGroup): Promise<void> {
  const semaphore = new Semaphore(1, { name: "db" });
  const permit = await semaphore.acquire();
  group.spawn(
    async () => {
      try {
        await semaphore.run(() => sleep(1));
      } catch {
        throw new Error("cannot clean up");
      }
    },
    { name: "second" },
  );
  await sleep(1);
  permit.release();
}

test("a permit is found although the semaphore lives longer than the run", async () => {
  const semaphore = new Semaphore(5);
  await semaphore.acquire();
  const error = await failureOf(async () => {
    const permit = await semaphore.acquire();
    await checkpoint();
    permit.release();
  });

  expect(error.left).toEqual(["Semaphore: inUse is 2, was 1"]);
});

test("who waited longest before its permit was lost is told, in whatever task", async () => {
  const error = await failureOf(
    () =>
      taskGroup((group) => {
        const turns: Event[] = [];
        let isTaken = false;
        const take = async (): Promise<void> => {
          if (!isTaken) isTaken = true;
          else {
            const turn = new Event();
            turns.push(turn);
            await turn.wait();
          }
          await sleep(1);
          const next = turns.shift();
          if (next === undefined) isTaken = false;
          else next.set();
        };
        for (const name of ["one", "two", "three"]) group.spawn(take, { name });
      }),
    { cancel: "task" },
  );

  expect(error.message).toContain("group > one");
  expect(error.cause).toBeInstanceOf(DeadlockError);
});

test("timers and sockets left open are found", async () => {
  const timers: NodeJS.Timeout[] = [];
  const timer = await failureOf(async () => {
    const one = setTimeout(() => {}, 60_000);
    timers.push(one);
    await sleep(10);
    clearTimeout(one);
  });
  for (const one of timers) clearTimeout(one);
  const servers: ReturnType<typeof createServer>[] = [];
  const server = await failureOf(async () => {
    const one = createServer().listen(0, "127.0.0.1");
    servers.push(one);
    await checkpoint();
    one.close();
  });
  for (const one of servers) one.close();

  expect(timer.left).toEqual(["Timeout"]);
  expect(server.left).toEqual(["TCPServerWrap"]);
});

async function cleansUp(): Promise<void> {
  try {
    await sleep(10);
  } finally {
    await shield(() => sleep(5));
  }
}

test("cleanup that nobody awaits is found", async () => {
  const error = await failureOf(async () => {
    const one = cleansUp();
    const two = cleansUp().then(() => sleep(5));
    await one.finally(() => void two.catch(() => {}));
  });

  expect(error.left).toEqual(["shield in cancelEverywhere, which nobody awaits"]);
});

test("a check of one's own is made after each run, when all has ended", async () => {
  let open = 0;
  const checks: number[] = [];
  const fn = async (): Promise<void> => {
    open++;
    await sleep(5);
    open--;
  };
  const error = await failureOf(fn, {
    check: async () => {
      await Promise.resolve();
      checks.push(open);
      if (open > 0) throw new Error(`${open} connections are open`);
    },
  });

  expect(checks).toEqual([0, 0, 1]);
  expect(error.cause).toEqual(new Error("1 connections are open"));
  expect(error.message).toContain(": Error: 1 connections are open");
});

/** Tries again what was cancelled. */
async function deaf(wait: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < 3;) {
    try {
      await wait();
      n++;
    } catch {
      // Goes on.
    }
  }
}

test("a function that does not end after its cancellation is found, whether time passes or not", async () => {
  const spinning = await failureOf(() => deaf(() => sleep(5)));
  const slow = await failureOf(() => deaf(async () => (await shield(() => sleep(1_000)), await checkpoint())), {
    endWithinMs: 60_000,
  });

  expect(spinning.message).toMatch(/it did not end: it took \d+ steps$/);
  expect(slow.message).toMatch(/it did not end: it reached \d+ ms of virtual time$/);
});

test("a function that waits for ever after its cancellation is found", async () => {
  const error = await failureOf(async () => {
    const queue = new Queue<number>();
    try {
      await sleep(5);
      queue.tryPut(1);
    } finally {
      await shield(() => queue.get());
    }
  });

  expect(error.cause).toBeInstanceOf(DeadlockError);
  expect((error.cause as DeadlockError).tree).toBe("cancelEverywhere\n└─ shield: waits for an item in Queue");
});

test("a function that waits for something foreign for ever is found, with who waits", async () => {
  const error = await failureOf(() =>
    taskGroup(async (group) => {
      const ready = Promise.withResolvers<void>();
      group.spawn(() => shield(() => ready.promise), { name: "listener" });
      await checkpoint();
      ready.resolve();
    }),
  );

  expect(error.point).toEqual({ checkpoint: 1, moment: "before" });
  expect(error.message).toContain(
    "it did not end: virtual time has been held for 10 s by tasks that compute, or wait for something foreign:",
  );
  expect((error.cause as Error).message).toContain("\nlistener\n└─ shield: computes, or waits for a foreign promise");
});

test("one task is cancelled alone where that is asked for", async () => {
  const ends = new Set<string>();
  const fn = (): Promise<void> =>
    taskGroup(async (group) => {
      // The checkpoints of the body are no task's, so there everything is cancelled.
      const [one, two] = ["one", "two"].map((name) => group.spawn(() => sleep(10), { name }));
      await Promise.allSettled([one!.join(), two!.join()]);
      ends.add(`${one!.state} ${two!.state}`);
    });
  await cancelEverywhere(fn, { cancel: "task" });

  expect(ends).toEqual(new Set(["done done", "cancelled done", "done cancelled", "cancelled cancelled"]));
});

test("who joins a task that was cancelled alone may fail with that, and with no other error", async () => {
  const thrown = new Set<unknown>();
  const join = (): Promise<void> =>
    taskGroup((group) =>
      group
        .spawn(() => sleep(10))
        .join()
        .catch((error: unknown) => {
          thrown.add((error as Error).constructor);
          throw error;
        }),
    );
  await cancelEverywhere(join, { cancel: "task" });
  const error = await failureOf(() => join().catch(() => Promise.reject(new Error("other"))), { cancel: "task" });

  expect(thrown).toEqual(new Set([Cancelled, TaskCancelledError]));
  expect(error.cause).toEqual(new Error("other"));
});

test("a sweep can be made in the orders of seeds", async () => {
  const orders = new Set<string>();
  const fn = async (): Promise<void> => {
    const log: number[] = [];
    await taskGroup((group) => {
      for (const n of [1, 2, 3]) {
        group.spawn(async () => {
          await sleep(1);
          log.push(n);
        });
      }
    });
    orders.add(log.join(""));
  };

  expect(await cancelEverywhere(fn, { seeds: 30 })).toEqual({ checkpoints: 3, runs: 270 });
  expect(orders.size).toBe(6);
});

async function losesPermit(): Promise<void> {
  await sleep(1);
  await sleep(2);
  const permit = await new Semaphore(1).acquire();
  await sleep(3);
  permit.release();
}

test("the point of a failure can be tried alone", async () => {
  const { point } = await failureOf(losesPermit, { seeds: [4] });

  expect(point).toEqual<CancelPoint>({ checkpoint: 3, moment: "while", seed: 4 });
  expect(await failureOf(losesPermit, { only: point! })).toMatchObject({ point });
  expect(await cancelEverywhere(losesPermit, { only: { checkpoint: 2, moment: "after" } })).toEqual({
    checkpoints: 4,
    runs: 1,
  });
});

test("where there are more points than runs allowed, they are spread evenly", async () => {
  const cancelledAt: number[] = [];
  const result = await cancelEverywhere(
    async () => {
      let n = 0;
      try {
        for (; n < 100; n++) await sleep(1);
      } finally {
        cancelledAt.push(n);
      }
    },
    { maxRuns: 10 },
  );

  expect(result).toEqual({ checkpoints: 100, runs: 10 });
  expect(cancelledAt.slice(2)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
});

/** Settles after everything has been given up, if that is within this turn. */
function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("foreign promises that were given up are not held against it, nor warned of", async () => {
  const warnings = await warningsOf(() =>
    cancelEverywhere(() => taskGroup((group) => void group.spawn(() => moveOnAfter(5, () => interruptible(later()))))),
  );

  expect(warnings).toEqual([]);
});

test("a sweep inside a run names the scopes of the function alone", async () => {
  const error = await run(() => failureOf(failsToCleanUp), { signals: false });

  expect(error.message).toMatch(/^cancelled at checkpoint 1, as it is reached, at failsToCleanUp \(/);
});

test("cancelling who sweeps ends the sweep", async () => {
  let runs = 0;
  let thrown: unknown;
  await cancelScope(async (scope) => {
    thrown = await thrownBy(
      cancelEverywhere(async () => {
        if (++runs === 3) scope.cancel();
        await sleep(1);
      }),
    );
  });

  expect(thrown).toBeInstanceOf(Cancelled);
  expect(runs).toBe(3);
});

test("nothing of ours fails the sweep that it is part of", async () => {
  const { checkpoints } = await cancelEverywhere(
    async () => {
      const [semaphore, queue] = [new Semaphore(2), new Queue<number>({ maxSize: 1 })];
      await taskGroup(async (group) => {
        group.spawn(async () => {
          for await (const item of queue) await timeout(100, () => sleep(item));
        });
        await taskGroup((producers) => {
          for (const n of [1, 2, 3, 4]) producers.spawn(() => semaphore.run(() => queue.put(n)));
        });
        queue.shutdown();
      });
    },
    { seeds: 5 },
  );

  expect(checkpoints).toBeGreaterThan(10);
});

test.for([
  [{ maxRuns: 0 }, "maxRuns"],
  [{ seeds: -1 }, "seeds"],
  [{ endWithinMs: -1 }, "endWithinMs"],
  [{ only: { checkpoint: 0, moment: "while" } as const }, "only.checkpoint"],
] as const)("settings that make no sense are refused: %j", async ([options, name]) => {
  const error = await thrownBy(cancelEverywhere(() => {}, options));

  expect(error).toBeInstanceOf(RangeError);
  expect((error as Error).message).toContain(`\`${name}\``);
});
