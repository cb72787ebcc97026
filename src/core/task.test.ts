import { expect, test } from "vitest";
import { loopTurns, oddPromise, thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  type Task,
  Cancelled,
  TaskCancelledError,
  cancelScope,
  checkpoint,
  isCancelled,
  shield,
  sleep,
  taskGroup,
} from "../index.ts";

test(
  "join waits for the value of a task, as often as it is asked",
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(async () => (await sleep(10), 7));
      const values = await Promise.all([task.join(), task.join()]);

      expect([...values, await task.join()]).toEqual([7, 7, 7]);
    }),
  ),
);

const named = async (): Promise<void> => sleep(1);

test(
  "a task tells its state, a name and an id of its own",
  virtually(async () => {
    let tasks: Task<unknown>[] = [];
    await thrownBy(
      taskGroup(async (group) => {
        tasks = [
          group.spawn(named),
          group.spawn(named, { name: "other" }),
          group.spawn(() => sleep(Infinity)),
          group.spawn(async () => {
            await sleep(5);
            throw new Error("no");
          }),
        ];
        expect(tasks.map((task) => task.state)).toEqual(["running", "running", "running", "running"]);
        await sleep(Infinity);
      }),
    );

    expect(tasks.map((task) => task.state)).toEqual(["done", "done", "cancelled", "failed"]);
    expect(tasks.map((task) => task.name)).toEqual(["named", "other", "task", "task"]);
    expect(new Set(tasks.map((task) => task.id)).size).toBe(4);
  }),
);

test(
  "returning a task from an async function does not join it",
  virtually(() =>
    taskGroup(async (group) => {
      const spawnOne = async (): Promise<Task<number>> => group.spawn(async () => (await sleep(10), 1));
      const task = await spawnOne();

      expect(task.state).toBe("running");
      expect(task).not.toHaveProperty("then");
    }),
  ),
);

test(
  "joining a failed task throws its error, and does not handle it for the group",
  virtually(async () => {
    const error = new Error("no");
    const caught: unknown[] = [];
    const thrown = await thrownBy(
      taskGroup(
        async (group) => {
          const task = group.spawn(async () => {
            await sleep(1);
            throw error;
          });
          caught.push(await thrownBy(task.join()), await thrownBy(task.join()));
        },
        { failFast: false },
      ),
    );

    expect(caught).toEqual([error, error]);
    expect((thrown as AggregateError).errors).toEqual([error]);
  }),
);

test(
  "joining a cancelled task throws a TaskCancelledError, which does not cancel the joiner",
  virtually(async () => {
    const caught: unknown[] = [];
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        const task = group.spawn(() => sleep(Infinity), { name: "worker" });
        task.cancel("not needed");
        caught.push(await thrownBy(task.join()));
        await sleep(1);
        await task.join();
      }),
    );

    expect(caught[0]).toBeInstanceOf(TaskCancelledError);
    expect(caught[0]).toMatchObject({
      code: "TASK_CANCELLED",
      task: "worker",
      reason: { kind: "requested", why: "not needed" },
    });
    expect(isCancelled(caught[0])).toBe(false);
    expect(thrown).toBeInstanceOf(TaskCancelledError);
  }),
);

test(
  "a TaskCancelledError in a cancelled scope is an error of its own, and wins over the cancellation",
  virtually(async () => {
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        const task = group.spawn(() => sleep(Infinity));
        await cancelScope(async (scope) => {
          scope.cancel();
          task.cancel();
          await shield(() => task.join());
        });
      }),
    );

    expect(thrown).toBeInstanceOf(TaskCancelledError);
  }),
);

test(
  "a task that joins itself, or one around it, is told so instead of waiting for ever",
  virtually(() =>
    taskGroup(async (group) => {
      const task: Task<void> = group.spawn(
        async () => {
          await checkpoint();
          await expect(task.join()).rejects.toThrow("task me joins itself");
          await expect(taskGroup((inner) => inner.spawn(() => task.join()).join())).rejects.toThrow("joins itself");
        },
        { name: "me" },
      );
    }),
  ),
);

test(
  "a joiner that is cancelled stops waiting, and the task goes on",
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(async () => (await sleep(10), 1));
      await cancelScope(async (scope) => {
        scope.cancel();
        await task.join();
      });
      await cancelScope(async (scope) => {
        scope.deadline = 5;
        await task.join();
      });

      expect(task.state).toBe("running");
      expect(await task.join()).toBe(1);
    }),
  ),
);

test(
  "joining in a cancelled scope throws, also for a task that is done",
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 1);
      let thrown: unknown;
      await cancelScope(async (scope) => {
        scope.cancel();
        thrown = await thrownBy(task.join());
      });

      expect(thrown).toBeInstanceOf(Cancelled);
    }),
  ),
);

test(
  "task.cancel() ends this task alone, and counts once",
  virtually(async () => {
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async (scope) => {
        await thrownBy(sleep(Infinity));
        log.push(scope.cancelled);
        await checkpoint();
      });
      group.spawn(async () => (await sleep(5), log.push("sibling")));
      task.cancel("first");
      task.cancel("second");
      await thrownBy(task.join());
      log.push(task.state);
    });

    expect(log).toEqual([{ kind: "requested", why: "first" }, "cancelled", "sibling"]);
  }),
);

test(
  "cancelling a task that has ended changes nothing",
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 1);
      task.cancel();

      expect(task.state).toBe("done");
      expect(await task.join()).toBe(1);
    }),
  ),
);

test(
  "a cancelled task that swallows the Cancelled and returns is done, with its value",
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(async () => {
        await thrownBy(sleep(Infinity));
        return "value";
      });
      task.cancel();

      expect(await task.join()).toBe("value");
      expect(task.state).toBe("done");
    }),
  ),
);

test(
  "a cancelled task that throws an ordinary error has failed, and fails its group",
  virtually(async () => {
    const error = new Error("no");
    const thrown = await thrownBy(
      taskGroup((group) => {
        const task = group.spawn(async () => {
          await thrownBy(sleep(Infinity));
          throw error;
        });
        task.cancel();
      }),
    );

    expect(thrown).toBe(error);
  }),
);

test(
  "joiners outside the group get the task's error when it fails",
  virtually(async () => {
    const error = new Error("no");
    const caught: unknown[] = [];
    await taskGroup(async (outer) => {
      let task!: Task<void>;
      outer.spawn(async () => {
        caught.push(
          await thrownBy(
            taskGroup((group) => {
              task = group.spawn(async () => {
                await sleep(5);
                throw error;
              });
            }),
          ),
        );
      });
      caught.push(await thrownBy(task.join()));
    });

    expect(caught).toEqual([error, error]);
  }),
);

test(
  "a task waits for what was started in it before it ends",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        await taskGroup((inner) => void inner.spawn(async () => (await sleep(10), log.push("inner"))));
      });
      await task.join();
      log.push("joined");
    });

    expect(log).toEqual(["inner", "joined"]);
  }),
);

test(
  "a task that is cancelled while it awaits a foreign promise ends when that settles",
  virtually(() =>
    taskGroup(async (group) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const task = group.spawn(async () => {
        const value = await promise;
        await checkpoint();
        return value;
      });
      task.cancel();
      await loopTurns(2);
      expect(task.state).toBe("running");
      resolve("late");
      await loopTurns(1);

      expect(task.state).toBe("cancelled");
    }),
  ),
);

test(
  "what a task's function leaves running meets a ScopeClosedError and not the group",
  virtually(async () => {
    let floating: Promise<unknown> | undefined;
    await taskGroup((group) => {
      group.spawn(
        () => {
          floating = thrownBy(sleep(1_000));
        },
        { name: "careless" },
      );
    });

    expect(await floating).toMatchObject({ code: "SCOPE_CLOSED", scope: "careless" });
  }),
);

test(
  "a task may return a promise that calls its handlers at once, late, elsewhere, twice, or throws",
  virtually(async () => {
    const error = new Error("then");
    const kept: ((value: number) => void)[] = [];
    const odd: Promise<number>[] = [
      oddPromise(Promise.resolve(0), (ok) => ok(1)),
      oddPromise(Promise.resolve(0), (ok) => (ok(1), ok(2))),
      oddPromise(Promise.resolve(0), (ok, no) => (ok(1), no(error))),
      oddPromise(Promise.resolve(0), (ok) => kept.push(ok)),
    ];
    const values = taskGroup((group) => Promise.all(odd.map((promise) => group.spawn(() => promise).join())));
    await loopTurns();
    kept[0]!(1);

    expect(await values).toEqual([1, 1, 1, 1]);
    const throwing = oddPromise(Promise.resolve(0), () => {
      throw error;
    });
    expect(await thrownBy(taskGroup((group) => group.spawn(() => throwing).join()))).toBe(error);
  }),
);

/** What two tasks return that join each other, until something else ends them. */
const joinEachOther = async (end: (a: Task<string>, b: Task<string>) => void): Promise<string[]> => {
  const tasks: Task<string>[] = [];
  const join = async (other: number): Promise<string> => {
    await checkpoint();
    try {
      return `got "${await tasks[other]!.join()}"`;
    } catch {
      return "cut";
    }
  };
  return taskGroup(async (group) => {
    tasks.push(
      group.spawn(() => join(1)),
      group.spawn(() => join(0)),
    );
    await sleep(5);
    end(tasks[0]!, tasks[1]!);
    return Promise.all(tasks.map((task) => task.join()));
  });
};

test(
  "two tasks that join each other wait until one of them is cancelled",
  virtually(async () => {
    expect(await joinEachOther((a) => a.cancel())).toEqual(["cut", 'got "cut"']);
    expect(await joinEachOther((_, b) => b.cancel())).toEqual(['got "cut"', "cut"]);
  }),
);
