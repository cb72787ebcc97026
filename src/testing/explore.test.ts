import { expect, test } from "vitest";
import { loopTurns, thrownBy } from "../../test/core/helpers.ts";
import {
  type Task,
  Barrier,
  Cancelled,
  Channel,
  Event,
  Lock,
  Queue,
  Semaphore,
  breathe,
  cancelScope,
  checkpoint,
  map,
  moveOnAfter,
  now,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { DeadlockError, ExploreError, explore, replay, withVirtualTime } from "./index.ts";

/** What `write` writes down in the order of each seed. */
async function logs(write: (log: string[]) => unknown, seeds = 50): Promise<string[]> {
  const all: string[] = [];
  await explore(
    async () => {
      const log: string[] = [];
      await write(log);
      all.push(log.join(" "));
    },
    { seeds },
  );
  return all;
}

/** The orders in which the tasks of `waits` go on. */
async function ordersOf(waits: readonly (() => Promise<unknown>)[], seeds?: number): Promise<string[]> {
  const all = await logs(
    (log) =>
      taskGroup((group) => {
        for (const [index, wait] of waits.entries()) {
          group.spawn(async () => {
            await wait();
            log.push(String(index));
          });
        }
      }),
    seeds,
  );
  return [...new Set(all)].toSorted();
}

test.for([
  ["sleeps until the same millisecond", () => sleep(5)],
  ["checkpoints", () => checkpoint()],
  ["breaths", () => breathe()],
  ["free permits", () => new Semaphore(1).acquire()],
  ["free locks", () => new Lock().acquire()],
  ["items there are", () => itemThere()],
  ["room there is", () => new Queue().put(1)],
  ["events that are set", () => eventSet()],
  ["values of a channel with room", () => new Channel({ capacity: 1 }).send(1)],
  ["barriers for one", () => new Barrier(1).wait()],
  ["cancelled waits", () => moveOnAfter(0, () => sleep(1))],
] as const)("%s go on in every order", async ([, wait]) => {
  const orders = await ordersOf([wait, wait, wait]);

  expect(orders).toEqual(["0 1 2", "0 2 1", "1 0 2", "1 2 0", "2 0 1", "2 1 0"]);
});

function itemThere(): Promise<number> {
  const queue = new Queue<number>();
  queue.tryPut(1);
  return queue.get();
}

function eventSet(): Promise<void> {
  const event = new Event();
  event.set();
  return event.wait();
}

test("joins of a task that has ended go on in every order", async () => {
  const all = await logs((log) =>
    taskGroup((group) => {
      const ended = group.spawn(() => {});
      for (const name of ["a", "b"]) {
        group.spawn(async () => {
          await ended.join();
          log.push(name);
        });
      }
    }),
  );

  expect(new Set(all)).toEqual(new Set(["a b", "b a"]));
});

test("a group whose last task ends and who joined that task go on in either order", async () => {
  const all = await logs((log) =>
    taskGroup(async (group) => {
      const task = await group.start<Task<void>>(async (started) => {
        await taskGroup((inner) => started(inner.spawn(() => sleep(1))));
        log.push("group");
      });
      await task.join();
      log.push("joiner");
    }),
  );

  expect(new Set(all)).toEqual(new Set(["group joiner", "joiner group"]));
});

test("a deadline and a sleep that end in the same millisecond come in either order", async () => {
  const all = await logs(async (log) => {
    log.push((await moveOnAfter(5, () => sleep(5).then(() => "slept"))) ?? "moved on");
  });

  expect(new Set(all)).toEqual(new Set(["slept", "moved on"]));
});

test("tasks start at once, in the order in which they are spawned, and time passes in its own", async () => {
  const all = await logs((log) =>
    taskGroup((group) => {
      for (const ms of [3, 1, 2]) {
        group.spawn(async () => {
          log.push(`start ${ms}`);
          await sleep(ms);
          log.push(`${now()}`);
        });
      }
    }),
  );

  expect(new Set(all)).toEqual(new Set(["start 3 start 1 start 2 1 2 3"]));
});

test("what one wait sets off comes to rest before the next goes on", async () => {
  await explore(() =>
    taskGroup((group) => {
      let isWorking = false;
      for (let n = 0; n < 3; n++) {
        group.spawn(async () => {
          await sleep(1);
          expect(isWorking).toBe(false);
          isWorking = true;
          for (let step = 0; step < 10; step++) await Promise.resolve();
          isWorking = false;
        });
      }
    }),
  );
});

test("a task may be left far behind the others", async () => {
  const most: number[] = [];
  await explore(
    async () => {
      const steps = [0, 0];
      let lead = 0;
      await taskGroup((group) => {
        for (const task of [0, 1]) {
          group.spawn(async () => {
            for (let step = 0; step < 20; step++) {
              await checkpoint();
              steps[task]!++;
              lead = Math.max(lead, Math.abs(steps[0]! - steps[1]!));
            }
          });
        }
      });
      most.push(lead);
    },
    { seeds: 20 },
  );

  expect(Math.max(...most)).toBeGreaterThanOrEqual(15);
});

/** Tasks that get in each other's way, in waits of many kinds. */
async function story(log: string[]): Promise<void> {
  const semaphore = new Semaphore(2);
  const queue = new Queue<number>({ maxSize: 1 });
  await taskGroup((group) => {
    for (let n = 0; n < 6; n++) {
      group.spawn(async () => {
        await moveOnAfter(n % 4, () => semaphore.run(() => sleep(n % 3)));
        await queue.put(n);
        log.push(`put ${n} at ${now()}`);
      });
      group.spawn(async () => {
        await checkpoint();
        log.push(`got ${await queue.get()}`);
      });
    }
  });
}

test("the same seed gives the same order, each time and in a replay", async () => {
  const [first, second] = [await logs(story), await logs(story)];
  const replayed: string[] = [];
  for (let seed = 1; seed <= 50; seed++) {
    const log: string[] = [];
    await replay(() => story(log), seed);
    replayed.push(log.join(" "));
  }

  expect(second).toEqual(first);
  expect(replayed).toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(45);
});

test("it says how many seeds were tried, and how many orders those were", async () => {
  expect(await explore(() => story([]))).toEqual({ seeds: 100, orders: 100 });
  expect(await explore(() => sleep(1), { seeds: 20 })).toEqual({ seeds: 20, orders: 1 });
  expect(await explore(() => {}, { seeds: [7, 9, 7] })).toEqual({ seeds: 3, orders: 1 });
});

/** Fails where the second task is the first to go on. */
const racy = async (): Promise<void> => {
  let first: string | undefined;
  await taskGroup((group) => {
    for (const name of ["one", "two"]) {
      group.spawn(async () => {
        await checkpoint();
        first ??= name;
      });
    }
  });
  if (first === "two") throw new Error("two was first");
};

test("an order that fails is named by its seed, and a replay of the seed fails alike", async () => {
  const error = (await thrownBy(explore(racy))) as ExploreError;

  expect(error).toBeInstanceOf(ExploreError);
  expect(error.code).toBe("EXPLORE_FAILED");
  expect(error.cause).toEqual(new Error("two was first"));
  expect(error.message).toBe(
    `seed ${error.seed} of 100 failed; replay it with replay(fn, ${error.seed}): Error: two was first`,
  );
  expect(await thrownBy(replay(racy, error.seed))).toEqual(new Error("two was first"));
});

test("only the seeds of a list are tried", async () => {
  const { seed } = (await thrownBy(explore(racy))) as ExploreError;

  expect(await explore(racy, { seeds: Array.from({ length: seed - 1 }, (_, index) => index + 1) })).toHaveProperty(
    "seeds",
    seed - 1,
  );
  expect(await thrownBy(explore(racy, { seeds: [seed] }))).toMatchObject({ seed });
});

test("a deadlock that only some orders lead to is found, and drawn", async () => {
  const error = (await thrownBy(
    explore(async () => {
      const [left, right] = [new Lock({ name: "left" }), new Lock({ name: "right" })];
      await taskGroup((group) => {
        group.spawn(() => left.run(() => right.run(() => {})), { name: "left first" });
        group.spawn(() => checkpoint().then(() => right.run(() => left.run(() => {}))), { name: "right first" });
      });
    }),
  )) as ExploreError;

  expect(error.cause).toBeInstanceOf(DeadlockError);
  expect((error.cause as DeadlockError).tree).toBe(
    [
      `seed ${error.seed}`,
      "└─ group",
      '   ├─ left first: waits for Lock "right", place 1 of 1',
      '   └─ right first: waits for Lock "left", place 1 of 1',
    ].join("\n"),
  );
});

test("a run that never ends fails, and its code does not go on", async () => {
  let turns = 0;
  const error = (await thrownBy(
    explore(
      async () => {
        for (;;) {
          turns++;
          await new Semaphore(1).acquire();
        }
      },
      { seeds: [3], maxSteps: 1_000 },
    ),
  )) as ExploreError;

  expect(error.cause).toEqual(new Error("it did not end: it took 1000 steps"));
  await loopTurns(5);
  expect(turns).toBe(1_001);
});

test("a tree inside is explored with the one around it, and another clock inside is its own", async () => {
  const all = await logs(async (log) => {
    await taskGroup((group) => {
      for (const name of ["a", "b"]) {
        group.spawn(() =>
          run(
            async () => {
              await sleep(1);
              log.push(name);
            },
            { signals: false },
          ),
        );
      }
    });
    await withVirtualTime(async () => {
      await sleep(50);
      log.push(String(now()));
    });
  });

  expect(new Set(all)).toEqual(new Set(["a b 50", "b a 50"]));
});

test("cancelling who explores ends the run, and is no fault of the seed", async () => {
  let thrown: unknown;
  let runs = 0;
  await cancelScope(async (scope) => {
    thrown = await thrownBy(
      explore(async () => {
        if (++runs === 3) scope.cancel();
        await shield(() => checkpoint());
        await checkpoint();
      }),
    );
  });

  expect(thrown).toBeInstanceOf(Cancelled);
  expect(runs).toBe(3);
});

test("what is thrown at once, or is no error, fails the seed as well", async () => {
  const cause = new TypeError("at once");
  const atOnce = await thrownBy(
    explore(() => {
      throw cause;
    }),
  );

  expect(atOnce).toMatchObject({ seed: 1, cause });
  expect(await thrownBy(explore(() => Promise.reject("text")))).toMatchObject({ cause: "text" });
});

test("limits, timeouts and maps keep their promises in every order", async () => {
  const { orders } = await explore(async () => {
    let [running, most] = [0, 0];
    const doubled = await map(
      [1, 2, 3, 4, 5, 6],
      async (n) => {
        most = Math.max(most, ++running);
        await timeout(50, () => sleep(1));
        running--;
        return n * 2;
      },
      { concurrency: 3 },
    );
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12]);
    expect(most).toBe(3);
  });

  expect(orders).toBeGreaterThan(10);
});

test.for([
  [0, RangeError],
  [1.5, RangeError],
  [Infinity, RangeError],
  ["3", TypeError],
  [[1, -1], RangeError],
  [[1, "2"], TypeError],
] as const)("seeds that make no sense are refused: %j", async ([seeds, kind]) => {
  const error = await thrownBy(explore(() => {}, { seeds: seeds as number }));

  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toContain("`seeds`");
});

test("a seed that makes no sense is not replayed", async () => {
  expect(await thrownBy(replay(() => {}, -1))).toEqual(
    new RangeError("Expected `seed` to be an integer of 0 or more, got `-1` (number)"),
  );
});
