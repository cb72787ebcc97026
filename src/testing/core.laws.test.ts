/**
 * Laws of the core, in many orders, and cancelled at every checkpoint.
 *
 * What a story asserts must hold all the same; what need not if some of it was cancelled, it asserts where it is whole.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { expect, test } from "vitest";
import {
  type Scope,
  type Task,
  Cancelled,
  Queue,
  ScopeClosedError,
  Semaphore,
  TaskCancelledError,
  TimeoutError,
  background,
  bindToRoot,
  cancelScope,
  checkpoint,
  deadlineAt,
  effectiveDeadline,
  interruptible,
  isCancelled,
  mapStream,
  moveOnAfter,
  now,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { cancelEverywhere, explore } from "./index.ts";

class Boom extends Error {}

/** Works, cleans up taking its time, and says how many like it there are. */
class Workers {
  running = 0;

  async work(ms: number): Promise<number> {
    this.running++;
    try {
      await sleep(ms);
      await checkpoint();
      return ms;
    } finally {
      await shield(() => sleep(2));
      this.running--;
    }
  }
}

/** A tree that grows the same each time, with something different at each of its branches. */
class Storm {
  alive = 0;
  #branches = 0;

  async grow(height: number, ms: number): Promise<void> {
    const branch = this.#branches++;
    this.alive++;
    try {
      if (height === 0) await sleep(branch % 3);
      else await this.#fork(branch, height, ms);
      if (branch % 4 === 1) await shield(() => sleep(1));
    } finally {
      await shield(() => checkpoint());
      this.alive--;
    }
  }

  #fork(branch: number, height: number, ms: number): Promise<unknown> {
    const fork = (): Promise<void> =>
      taskGroup(async (group) => {
        for (let n = 0; n < 3; n++) group.spawn(() => this.grow(height - 1, ms - 1), { daemon: n === branch % 5 });
        if (branch % 6 === 2) {
          await sleep(2);
          group.cancel();
        }
      });
    switch (branch % 4) {
      case 0:
        return moveOnAfter(ms, fork);
      case 1:
        return shield(fork, { timeoutMs: ms }).catch(ifTimeout);
      case 2:
        return timeout(ms - 1, fork).catch(ifTimeout);
      default:
        return cancelScope(async (scope) => {
          scope.deadline = now() + ms;
          await fork();
        });
    }
  }
}

function ifTimeout(error: unknown): void {
  if (!(error instanceof TimeoutError)) throw error;
}

/** Lets `fn` fail with a Boom. */
async function orBoom<T>(fn: () => Promise<T>): Promise<T | Boom> {
  try {
    return await fn();
  } catch (error) {
    if (error instanceof Boom) return error;
    throw error;
  }
}

async function boomAfter(ms: number): Promise<never> {
  await sleep(ms);
  throw new Boom(`after ${ms}`);
}

/** What `fn` fails with; undefined where it does not. */
async function failure(fn: () => Promise<unknown>): Promise<unknown> {
  try {
    await fn();
  } catch (error) {
    return error ?? "nothing";
  }
  return undefined;
}

interface Story {
  /** Whether nothing of it is cancelled from outside. */
  readonly isWhole: boolean;
  readonly scope: Scope;
}

const stories: Record<string, (story: Story) => unknown> = {
  "a group does not end before its tasks, nor an inner group before its own": async () => {
    const [outer, inner] = [new Workers(), new Workers()];
    try {
      await taskGroup(async (group) => {
        group.spawn(() => outer.work(3));
        group.spawn(async () => {
          try {
            await taskGroup((nested) => {
              nested.spawn(() => inner.work(1));
              nested.spawn(() => inner.work(3));
            });
          } finally {
            equal(inner.running, 0);
          }
        });
        await checkpoint();
        group.spawn(() => outer.work(3));
      });
    } finally {
      equal(outer.running, 0);
    }
  },

  "the first failure is thrown, carries the later ones, and cancels the rest": async ({ isWhole }) => {
    const workers = new Workers();
    const ends: unknown[] = [];
    const error: unknown = await orBoom(() =>
      taskGroup((group) => {
        for (const ms of [2, 2, 3]) group.spawn(() => boomAfter(ms).catch((thrown: unknown) => failWith(ends, thrown)));
        group.spawn(() => workers.work(10));
      }),
    );

    equal(workers.running, 0);
    const booms = ends.filter((end) => end instanceof Boom);
    equal(error, booms[0]);
    deepEqual((error as { suppressed?: unknown[] } | undefined)?.suppressed ?? [], booms.slice(1));
    if (isWhole) ok(error instanceof Boom);
    ok(now() <= 5);
  },

  "with failFast: false nobody is cancelled, and all failures are told": async ({ isWhole }) => {
    const workers = new Workers();
    const error = await failure(() =>
      taskGroup(
        (group) => {
          group.spawn(() => boomAfter(1));
          group.spawn(() => boomAfter(1));
          group.spawn(() => workers.work(3));
        },
        { failFast: false },
      ),
    );

    equal(workers.running, 0);
    if (isCancelled(error)) throw error;
    const errors = error instanceof AggregateError ? error.errors : [];
    ok(errors.every((each) => each instanceof Boom));
    if (isWhole) equal(errors.length, 2);
  },

  "a timeout gives the value or a TimeoutError, and either way the work has ended": async () => {
    const workers = new Workers();
    for (const ms of [4, 5, 6]) {
      const startedMs = now();
      let value: number | undefined;
      try {
        value = await timeout(5, () => workers.work(ms));
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        equal(error.timeoutMs, 5);
        ok(now() >= startedMs + 5);
      } finally {
        equal(workers.running, 0);
      }
      ok(value === undefined || value === ms);
    }
  },

  "timeouts compose as their minimum, and the outer one is not taken for the inner": async () => {
    const error = await failure(() =>
      timeout(5, async () => {
        equal(effectiveDeadline(), now() + 5);
        await deadlineAt(now() + 50, () => timeout(20, () => sleep(30)));
      }),
    );

    if (isCancelled(error)) throw error;
    ok(error instanceof TimeoutError);
    equal(error.timeoutMs, 5);
  },

  "moveOnAfter and cancelScope keep their cancellation to themselves": async ({ isWhole }) => {
    const workers = new Workers();
    const moved = await moveOnAfter(2, () => workers.work(3));
    const cut = await cancelScope(async (scope) => {
      await taskGroup((group) => {
        group.spawn(() => workers.work(5));
        group.spawn(async () => {
          await sleep(1);
          scope.cancel();
          scope.cancel("again");
        });
      });
      return "whole";
    });

    equal(workers.running, 0);
    equal(moved, undefined);
    if (isWhole) equal(cut, undefined);
    await checkpoint();
  },

  "once a scope is cancelled, each checkpoint in it throws the same, until it is left": async ({ scope }) => {
    const thrown = new Set<unknown>();
    await cancelScope(async (inner) => {
      inner.cancel("enough");
      for (let n = 0; n < 3; n++) thrown.add(await failure(() => checkpoint()));
      thrown.add(await failure(() => sleep(1)));
      equal(await shield(async () => (await sleep(1), 7)), 7);
      thrown.add(await failure(() => new Queue().get()));
    });

    // Where it is cancelled from around at the same time, what is thrown may change once.
    ok([...thrown].every((error) => isCancelled(error)));
    ok(thrown.size === 1 || scope.cancelled !== undefined);
  },

  "what a shield protects runs to its end, and the next checkpoint throws": async ({ isWhole }) => {
    let [begun, ended] = [0, 0];
    const protectedWork = async (): Promise<void> => {
      begun++;
      await sleep(2);
      await taskGroup((group) => void group.spawn(() => sleep(2)));
      ended++;
    };
    try {
      await moveOnAfter(3, async () => {
        await shield(protectedWork);
        await checkpoint();
        if (isWhole) throw new Error("went on");
      });
      await shield(() => shield(protectedWork));
    } finally {
      equal(ended, begun);
    }
  },

  "a shield that takes too long is cut": async () => {
    let error: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      error = await failure(() => shield(() => sleep(10), { timeoutMs: 5 }));
    });
    ok(error instanceof Cancelled);
    const late = await failure(() => shield(() => sleep(10), { timeoutMs: 5 }));
    ok(late instanceof TimeoutError || late instanceof Cancelled);
  },

  "start returns what its task started with, and the task goes on in the group": async () => {
    const workers = new Workers();
    try {
      await taskGroup(async (group) => {
        const value = await group.start<number>(async (started) => {
          await sleep(2);
          started(7);
          await workers.work(3);
        });
        equal(value, 7);
        const refused = await failure(() => group.start(() => boomAfter(1)));
        if (isCancelled(refused)) throw refused;
        ok(refused instanceof Boom || refused instanceof TaskCancelledError);
      });
    } finally {
      equal(workers.running, 0);
    }
  },

  "who is cancelled while it starts a task takes the task along": async () => {
    const workers = new Workers();
    await taskGroup(async (group) => {
      const moved = await moveOnAfter(2, () =>
        group.start<string>(async (started) => {
          await workers.work(2);
          started("too late, or just in time");
        }),
      );
      ok(moved === undefined || moved.startsWith("too late"));
      await moveOnAfter(2, () => group.start(() => workers.work(1_000)));
    });
    equal(workers.running, 0);
    ok(now() < 1_000);
  },

  "daemons are cancelled when all others have ended, and waited for": async ({ isWhole }) => {
    const [workers, daemons] = [new Workers(), new Workers()];
    const startedMs = now();
    try {
      await taskGroup(async (group) => {
        group.spawn(() => daemons.work(Infinity), { daemon: true });
        group.spawn(async () => {
          await workers.work(3);
          if (isWhole) equal(daemons.running, 2);
        });
        group.spawn(() => daemons.work(Infinity), { daemon: true });
        await sleep(1);
      });
    } finally {
      equal(workers.running + daemons.running, 0);
      ok(now() - startedMs <= 3 + 2 + 2);
    }
  },

  "background tasks outlive the scope that started them, and not the run": async ({ isWhole }) => {
    const workers = new Workers();
    try {
      await run(
        async () => {
          await taskGroup(() => void background(() => workers.work(5)));
          await checkpoint();
          if (isWhole) equal(workers.running, 1);
        },
        { signals: false },
      );
    } finally {
      equal(workers.running, 0);
    }
  },

  "the error of a background task ends the run": async ({ isWhole }) => {
    const workers = new Workers();
    const error = await orBoom(() =>
      run(
        async () => {
          background(() => boomAfter(2));
          await workers.work(50);
        },
        { signals: false },
      ),
    );
    equal(workers.running, 0);
    if (isWhole) ok(error instanceof Boom && now() < 50);
  },

  "a join gives the value, the failure, or says that the task was cancelled; and joining stops nothing": async ({
    isWhole,
  }) => {
    const ends: string[] = [];
    const join = async (task: Task<unknown>): Promise<void> => {
      const error = await failure(() => task.join());
      if (isCancelled(error)) throw error;
      equal(error instanceof TaskCancelledError, task.state === "cancelled");
      ends.push(task.state);
    };
    await taskGroup(async (group) => {
      const [one, two] = [group.spawn(() => sleep(2)), group.spawn(() => sleep(50))];
      group.spawn(() => join(one));
      group.spawn(() => join(two));
      const impatient = group.spawn(() => two.join());
      await moveOnAfter(1, () => one.join());
      impatient.cancel();
      await one.join();
      if (isWhole) equal(two.state, "running");
      two.cancel();
    });
    if (isWhole) deepEqual(ends.toSorted(), ["cancelled", "done"]);
  },

  "the signal of foreign work aborts when its wait is cancelled, and only then": async () => {
    const events = new EventTarget();
    let signal: AbortSignal | undefined;
    let came: unknown;
    try {
      await taskGroup((group) => {
        group.spawn(async () => {
          came = await interruptible((own) => once(events, "came", { signal: (signal = own) }));
        });
        group.spawn(async () => {
          try {
            await checkpoint();
          } finally {
            events.dispatchEvent(new Event("came"));
            group.cancel();
          }
        });
      });
    } finally {
      if (signal !== undefined) equal(signal.aborted, came === undefined);
    }
  },

  "a callback bound to the root may start what outlives the scope": async () => {
    let bound: (() => Promise<string>) | undefined;
    await taskGroup(() => {
      bound = bindToRoot(async () => (await sleep(1), "bound"));
    });
    equal(await bound?.(), "bound");
  },

  "in a tree of groups, timeouts, shields and cancellations, nothing outlives what is around it": async () => {
    const tree = new Storm();
    try {
      await tree.grow(3, 5);
    } finally {
      equal(tree.alive, 0);
    }
  },

  "what workers hand on arrives once, whoever of them is cut off": async ({ isWhole }) => {
    const [queue, semaphore] = [new Queue<number>({ maxSize: 2 }), new Semaphore(2)];
    const sent: number[] = [];
    const received: number[] = [];
    try {
      await taskGroup(async (group) => {
        for (let consumer = 0; consumer < 3; consumer++) {
          group.spawn(async () => {
            for await (const item of queue) {
              received.push(item);
              await semaphore.run(() => moveOnAfter(2, () => sleep(item % 4)));
            }
          });
        }
        await taskGroup((producers) => {
          for (let first = 0; first < 12; first += 4) {
            producers.spawn(async () => {
              for (let item = first; item < first + 4; item++) {
                await moveOnAfter(3, async () => {
                  await queue.put(item);
                  sent.push(item);
                });
              }
            });
          }
        });
        queue.shutdown();
      });
    } finally {
      equal(new Set(received).size, received.length);
      // A value that was put is in the queue, or was received; its producer may have been cut off right after.
      const left = queue.shutdown({ immediate: true });
      ok(sent.every((item) => received.includes(item) || left.includes(item)));
      if (isWhole) equal(left.length, 0);
      equal(semaphore.statistics().inUse, 0);
    }
  },

  "a group waits for what is spawned into it while its last task ends": async () => {
    const workers = new Workers();
    await taskGroup(async (outer) => {
      try {
        await taskGroup((group) => {
          const last = group.spawn(() => sleep(2));
          outer.spawn(async () => {
            await failure(() => last.join());
            // In some orders the group has ended by now.
            await failure(async () => void group.spawn(() => workers.work(2)));
          });
        });
      } finally {
        equal(workers.running, 0);
      }
    });
  },

  "a stream ends with the scope or the task that reads it, however that ends": async () => {
    const workers = new Workers();
    const read = async (upTo: number): Promise<void> => {
      const stream = mapStream([1, 2, 3, 4, 5, 6], (n) => workers.work(n), { concurrency: 3 });
      for await (const n of stream) if (n === upTo) throw new Boom("enough");
    };
    for (const upTo of [1, 2]) {
      await failure(async () => cancelScope(() => read(upTo)));
      equal(workers.running, 0);
    }
    await moveOnAfter(3, () => read(6));
    equal(workers.running, 0);
    await failure(async () => taskGroup((group) => void group.spawn(() => read(2))));
    equal(workers.running, 0);
    const leave = async (): Promise<never> => {
      await mapStream([1, 2, 3], (n) => workers.work(n), { concurrency: 3 }).next();
      throw new Boom("left it half read");
    };
    await failure(() => cancelScope(leave));
    equal(workers.running, 0);
    await failure(() => taskGroup((group) => group.spawn(leave).join()));
    equal(workers.running, 0);
    await moveOnAfter(1, async () => {
      const abandoned = mapStream([10, 20], (n) => workers.work(n), { concurrency: 2 });
      await Promise.allSettled([abandoned.next(), abandoned.next()]);
    });
    equal(workers.running, 0);
  },

  "a scope that is cancelled, and then from around as well, belongs to what is around": async ({ scope }) => {
    let wasCancelled = false;
    const cutItself = async (inner: Scope): Promise<void> => {
      try {
        await sleep(2);
      } finally {
        wasCancelled = scope.cancelled !== undefined;
        inner.cancel();
      }
      await checkpoint();
    };
    await cancelScope(cutItself);
    ok(!wasCancelled, "went on although it was cancelled");
    await moveOnAfter(10, cutItself);
    ok(!wasCancelled, "went on although it was cancelled");
    await failure(() => timeout(10, cutItself)).then((error) => ok(!wasCancelled || isCancelled(error)));
  },

  "of two that cancel and one that ends, in whatever order, each says what happened to it": async () => {
    const workers = new Workers();
    let states: string[] = [];
    try {
      await taskGroup(async (group) => {
        const tasks = [1, 2, 3].map((ms) => group.spawn(() => workers.work(ms)));
        group.spawn(async () => {
          await sleep(2);
          for (const task of tasks) task.cancel();
        });
        group.spawn(async () => {
          await sleep(2);
          group.cancel();
        });
        await sleep(100);
      });
      equal(workers.running, 0);
    } finally {
      states = [String(workers.running)];
    }
    deepEqual(states, ["0"]);
  },
};

function failWith(ends: unknown[], error: unknown): never {
  ends.push(error);
  throw error;
}

const names = Object.keys(stories);
/** Many runs, on a machine that may be busy. */
/** Sweeps over the larger stories take as many points as these, evenly spread, for each seed. */
const maxRuns = 100;

test.for(names)("%s: in 100 orders", async (name) => {
  const { orders } = await explore((scope) => stories[name]!({ isWhole: true, scope }), { seeds: 100 });

  expect(orders).toBeGreaterThan(0);
});

test.for(names)("%s: cancelled at every checkpoint, in 10 orders", async (name) => {
  const { runs } = await cancelEverywhere((scope) => stories[name]!({ isWhole: false, scope }), {
    seeds: 10,
    maxRuns,
    allow: (error) => error instanceof Boom,
  });

  expect(runs).toBeGreaterThanOrEqual(20);
});

/** A call of a stream that is cancelled alone is a failure that nobody comes for any more, which is told as a warning. */
const ofTasks = names.filter((name) => !name.startsWith("a stream"));

test.for(ofTasks)("%s: each task cancelled at each of its checkpoints, in 10 orders", async (name) => {
  const { runs } = await cancelEverywhere((scope) => stories[name]!({ isWhole: false, scope }), {
    seeds: 10,
    maxRuns,
    cancel: "task",
    allow: (error) => error instanceof Boom,
  });

  expect(runs).toBeGreaterThanOrEqual(20);
});

test("code that outlives its scope is told, in 100 orders", async () => {
  await explore(async () => {
    let floating: Promise<unknown> | undefined;
    await taskGroup(async () => {
      floating = failure(() => sleep(5));
      await checkpoint();
    });

    expect(await floating).toBeInstanceOf(ScopeClosedError);
  });
});
