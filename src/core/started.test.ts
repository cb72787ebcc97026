import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  type TaskGroup,
  Cancelled,
  GroupClosedError,
  TaskCancelledError,
  cancelScope,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

test(
  "start waits until the task calls started, returns its value, and the task goes on",
  virtually(async () => {
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      const port = await group.start<number>(async (started) => {
        await sleep(10);
        started(8080);
        await sleep(10);
        log.push("ended", now());
      });
      log.push(port, now());
    });

    expect(log).toEqual([8080, 10, "ended", 20]);
  }),
);

test(
  "a task that starts before its first await has started",
  virtually(() =>
    taskGroup(async (group) => {
      expect(await group.start<number>((started) => started(1))).toBe(1);
      expect(await group.start((started) => started(undefined))).toBeUndefined();
    }),
  ),
);

test(
  "a task that fails before it has started fails start alone, and the group goes on",
  virtually(async () => {
    const error = new Error("no");
    const value = await taskGroup(async (group) => {
      expect(
        await thrownBy(
          group.start(async () => {
            await sleep(5);
            throw error;
          }),
        ),
      ).toBe(error);
      expect(
        await thrownBy(
          group.start(() => {
            throw error;
          }),
        ),
      ).toBe(error);
      await sleep(5);
      return "went on";
    });

    expect(value).toBe("went on");
  }),
);

test(
  "a task that fails after it has started fails its group",
  virtually(async () => {
    const error = new Error("no");
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        await group.start(async (started) => {
          started();
          await sleep(5);
          throw error;
        });
        await sleep(Infinity);
      }),
    );

    expect(thrown).toBe(error);
  }),
);

test(
  "a task that fails in the moment it starts fails its group, and start returns",
  virtually(async () => {
    const error = new Error("no");
    let value: unknown;
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        value = await group.start<number>((started) => {
          started(1);
          throw error;
        });
      }),
    );

    expect(thrown).toBe(error);
    expect(value).toBe(1);
  }),
);

test(
  "a task that ends without calling started fails start",
  virtually(() =>
    taskGroup(async (group) => {
      await expect(group.start(() => sleep(5), { name: "server" })).rejects.toThrow(
        "task server ended without calling started()",
      );
    }),
  ),
);

test(
  "calling started twice is a failure of the task",
  virtually(async () => {
    const running = taskGroup(async (group) => {
      await group.start<number>(
        (started) => {
          started(1);
          started(2);
        },
        { name: "server" },
      );
    });

    await expect(running).rejects.toThrow("task server called started() twice");
  }),
);

test(
  "when the caller of start is cancelled the task is cancelled, and its group waits for it",
  virtually(async () => {
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      await cancelScope(async (scope) => {
        const starting = group.start(async (_started, own) => {
          try {
            await sleep(Infinity);
          } finally {
            log.push(own.cancelled?.kind);
            await shield(() => sleep(10));
            log.push("task ended");
          }
        });
        scope.cancel();
        await starting;
      });
      log.push("caller went on");
    });

    expect(log).toEqual(["unneeded", "caller went on", "task ended"]);
  }),
);

test(
  "a task that fails in its cleanup after the caller of start has left fails its group",
  virtually(async () => {
    const error = new Error("cleanup failed");
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        await cancelScope(async (scope) => {
          const starting = group.start(async () => {
            await thrownBy(sleep(Infinity));
            throw error;
          });
          scope.cancel();
          await starting;
        });
        await sleep(Infinity);
      }),
    );

    expect(thrown).toBe(error);
  }),
);

test(
  "a task whose function cancels the caller of start is cancelled with it",
  virtually(async () => {
    let reason: unknown;
    await taskGroup((group) =>
      cancelScope(async (scope) => {
        await group.start(async (_started, own) => {
          scope.cancel();
          await thrownBy(sleep(Infinity));
          reason = own.cancelled?.kind;
        });
      }),
    );

    expect(reason).toBe("unneeded");
  }),
);

test(
  "a task that has started is not cancelled with the caller of start",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (group) => {
      await cancelScope(async (scope) => {
        await group.start(async (started) => {
          started();
          await sleep(10);
          log.push("task ended by itself");
        });
        scope.cancel();
        await sleep(Infinity);
      });
    });

    expect(log).toEqual(["task ended by itself"]);
  }),
);

test(
  "calling started after the caller was cancelled does no harm",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) =>
      cancelScope(async (scope) => {
        const starting = group.start(async (started) => {
          await thrownBy(sleep(Infinity));
          started();
          log.push("started late");
        });
        scope.cancel();
        await starting;
      }),
    );

    expect(log).toEqual(["started late"]);
  }),
);

test(
  "when the group is cancelled, a caller from outside it gets a TaskCancelledError",
  virtually(async () => {
    let handle!: TaskGroup;
    let thrown: unknown;
    await taskGroup(async (outer) => {
      outer.spawn(() =>
        taskGroup(async (group) => {
          handle = group;
          await sleep(5);
          group.cancel("closing");
        }),
      );
      thrown = await thrownBy(handle.start(() => sleep(Infinity), { name: "server" }));
    });

    expect(thrown).toBeInstanceOf(TaskCancelledError);
    expect(thrown).toMatchObject({ task: "server", reason: { kind: "requested", why: "closing" } });
  }),
);

test(
  "when the group is cancelled, a caller inside it gets the Cancelled",
  virtually(async () => {
    let thrown: unknown;
    await taskGroup(async (group) => {
      group.spawn(async () => (await sleep(5), group.cancel()));
      thrown = await thrownBy(group.start(() => sleep(Infinity)));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
  }),
);

test(
  "start in a cancelled scope is a checkpoint: nothing is started",
  virtually(async () => {
    let hasRun = false;
    await taskGroup(async (group) => {
      group.cancel();
      await group.start(() => {
        hasRun = true;
      });
    });

    expect(hasRun).toBe(false);
  }),
);

test(
  "start in a group that has ended rejects with a GroupClosedError",
  virtually(async () => {
    let ended!: TaskGroup;
    await taskGroup((group) => void (ended = group));

    expect(await thrownBy(ended.start((started) => started(undefined)))).toBeInstanceOf(GroupClosedError);
  }),
);

test(
  "a timeout around start cancels the task that does not get ready",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (group) => {
      const starting = timeout(50, () =>
        group.start(async () => {
          await thrownBy(sleep(Infinity));
          log.push("cancelled");
        }),
      );
      await expect(starting).rejects.toThrow("did not end within 50 ms");
    });

    expect(log).toEqual(["cancelled"]);
  }),
);

test(
  "a daemon that was started is dismissed when the others have ended",
  virtually(async () => {
    await taskGroup(async (group) => {
      await group.start(
        async (started) => {
          started();
          await sleep(Infinity);
        },
        { daemon: true },
      );
      await sleep(5);
    });

    expect(now()).toBe(5);
  }),
);

test(
  "with failFast: false a task that fails before it has started is not counted as a failure",
  virtually(async () => {
    const value = await taskGroup(
      async (group) => {
        await thrownBy(group.start(() => Promise.reject(new Error("no"))));
        return 1;
      },
      { failFast: false },
    );

    expect(value).toBe(1);
  }),
);
