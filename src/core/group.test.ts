import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { brokenThenable, loopTurns, thenable, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Scope,
  type Task,
  type TaskGroup,
  Cancelled,
  GroupClosedError,
  Semaphore,
  TimeoutError,
  cancelScope,
  checkpoint,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

const fails = async (afterMs: number, error: unknown): Promise<never> => {
  await sleep(afterMs);
  throw error;
};

/** Sleeps, and when cancelled fails with `error` instead of ending quietly. */
const failsWhenCancelled = async (error: unknown): Promise<void> => {
  try {
    await sleep(Infinity);
  } catch {
    throw error;
  }
};

test(
  "the group returns the body's value when all tasks have ended",
  virtually(async () => {
    const ended: string[] = [];
    const value = await taskGroup(async (group) => {
      group.spawn(async () => (await sleep(30), ended.push("slow")));
      group.spawn(async () => (await sleep(10), ended.push("fast")));
      return 42;
    });

    expect(value).toBe(42);
    expect(ended).toEqual(["fast", "slow"]);
  }),
);

test(
  "a spawned function runs at once, up to its first await",
  virtually(() =>
    taskGroup((group) => {
      const steps: string[] = [];
      group.spawn(async () => {
        steps.push("started");
        await checkpoint();
        steps.push("went on");
      });
      steps.push("spawned");

      expect(steps).toEqual(["started", "spawned"]);
    }),
  ),
);

test(
  "a function that returns without awaiting is a task that has ended when spawn returns",
  virtually(() =>
    taskGroup((group) => {
      expect(group.spawn(() => 1).state).toBe("done");
    }),
  ),
);

test(
  "the first failure itself is thrown, not wrapped",
  virtually(async () => {
    const error = new Error("no");

    expect(await thrownBy(taskGroup((group) => void group.spawn(() => fails(5, error))))).toBe(error);
    expect(error).not.toHaveProperty("suppressed");
  }),
);

test(
  "a task that throws undefined fails its group with undefined",
  virtually(async () => {
    expect(await thrownBy(taskGroup((group) => void group.spawn(() => fails(1, undefined))))).toBe(undefined);
  }),
);

test(
  "a failing child cancels its siblings, and the group rejects when they have ended",
  virtually(async () => {
    const error = new Error("no");
    const log: unknown[] = [];
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(async (scope) => {
          try {
            await sleep(Infinity);
          } finally {
            log.push(scope.cancelled, now());
            await shield(() => sleep(100));
            log.push("cleaned up");
          }
        });
        group.spawn(() => fails(7, error), { name: "bad" });
      }),
    );

    expect(thrown).toBe(error);
    expect(log).toEqual([{ kind: "sibling-failed", task: "bad", error }, 7, "cleaned up"]);
    expect(now()).toBe(107);
  }),
);

test(
  "a failing child cancels the body",
  virtually(async () => {
    const error = new Error("no");
    let caught: unknown;
    const group = taskGroup(async (tasks) => {
      tasks.spawn(() => fails(5, error));
      caught = await thrownBy(sleep(Infinity));
      throw caught;
    });

    expect(await thrownBy(group)).toBe(error);
    expect(caught).toBeInstanceOf(Cancelled);
  }),
);

test(
  "a failing body cancels the tasks, and its error is thrown when they have ended",
  virtually(async () => {
    let why: unknown;
    const error = new Error("body");
    const thrown = await thrownBy(
      taskGroup(
        (group) => {
          group.spawn(async (scope) => {
            await thrownBy(sleep(Infinity));
            why = scope.cancelled;
          });
          throw error;
        },
        { name: "g" },
      ),
    );

    expect(thrown).toBe(error);
    expect(why).toEqual({ kind: "sibling-failed", task: "the body of g", error });
  }),
);

test(
  "errors that come after the first are in its enumerable suppressed array, in order",
  virtually(async () => {
    const [first, second, third] = [new Error("1"), new Error("2"), "three"];
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(() => failsWhenCancelled(second));
        group.spawn(async () => {
          await thrownBy(sleep(Infinity));
          await shield(() => sleep(10));
          throw third;
        });
        group.spawn(() => fails(5, first));
      }),
    );

    expect(thrown).toBe(first);
    expect(Object.entries(first as object)).toEqual([["suppressed", [second, third]]]);
  }),
);

const frozen = Object.freeze(new Error("frozen"));

test.for([
  ["a primitive", "text"],
  ["an object that is no error", { code: 1 }],
  ["a frozen error", frozen],
  ["an error with a suppressed of its own", new SuppressedError(1, 2)],
])("where the first failure is %s, it and the later ones are thrown as an AggregateError", ([, first]) =>
  virtually(async () => {
    const later = new Error("later");
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(() => failsWhenCancelled(later));
        group.spawn(() => fails(1, first));
      }),
    );

    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).errors).toEqual([first, later]);
    expect((thrown as AggregateError).message).toBe("2 tasks failed");
  })(),
);

test(
  "the suppressed errors of an inner group stay what they are when the same error ends an outer group",
  virtually(async () => {
    const [error, inner, outer] = [new Error("e"), new Error("inner"), new Error("outer")];
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(() => failsWhenCancelled(outer));
        group.spawn(() =>
          taskGroup((nested) => {
            nested.spawn(() => failsWhenCancelled(inner));
            nested.spawn(() => fails(1, error));
          }),
        );
      }),
    );

    expect((thrown as AggregateError).errors).toEqual([error, outer]);
    expect(error).toHaveProperty("suppressed", [inner]);
  }),
);

test(
  "an error that a group has thrown alone carries no errors of the next group it ends",
  virtually(async () => {
    const [error, later] = [new Error("e"), new Error("later")];
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(() => failsWhenCancelled(later));
        group.spawn(() => taskGroup(() => fails(1, error)));
      }),
    );

    expect((thrown as AggregateError).errors).toEqual([error, later]);
    expect(error).not.toHaveProperty("suppressed");
  }),
);

test(
  "an error thrown by two tasks, or by a task and the body that joins it, is not its own suppressed",
  virtually(async () => {
    const error = new Error("shared");
    const thrown = await thrownBy(
      taskGroup(async (group) => {
        group.spawn(() => failsWhenCancelled(error));
        await group.spawn(() => fails(1, error)).join();
      }),
    );

    expect(thrown).toBe(error);
    expect(error).not.toHaveProperty("suppressed");
  }),
);

test(
  "an AbortError that nothing has cancelled carries no other errors: they would be gone where all is cancelled",
  virtually(async () => {
    const error = new Error("no");
    const thrown = await thrownBy(
      cancelScope((scope) =>
        taskGroup(async (outer) => {
          outer.spawn(() =>
            taskGroup((group) => {
              group.spawn(async () => {
                await thrownBy(sleep(Infinity));
                await shield(() => sleep(5));
                throw error;
              });
              group.spawn(() => fails(5, new DOMException("gone", "AbortError")));
            }),
          );
          await sleep(7);
          scope.cancel();
        }),
      ),
    );

    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).errors).toEqual([expect.any(DOMException), error]);
  }),
);

test.for([true, false])(
  "an error that comes back from who joined its task leads not to itself, failFast: %s",
  (failFast) =>
    virtually(async () => {
      const [first, second] = [new Error("1"), new Error("2")];
      const thrown = await thrownBy(
        taskGroup((outer) => {
          let task!: Task<unknown>;
          outer.spawn(() =>
            taskGroup(
              (group) => {
                group.spawn(async () => {
                  await sleep(5);
                  throw first;
                });
                task = group.spawn(async () => {
                  await sleep(6).catch(() => {});
                  throw second;
                });
              },
              { failFast },
            ),
          );
          outer.spawn(() => task.join());
        }),
      );

      // Whatever logs it may follow it to the end.
      const follow = (error: unknown): unknown[] => [
        error,
        ...[(error as AggregateError).errors, (error as { suppressed?: unknown }).suppressed]
          .flat()
          .filter((next) => next !== undefined)
          .flatMap(follow),
      ];
      expect(new Set(follow(thrown))).toContain(first);
      expect(new Set(follow(thrown))).toContain(second);
    })(),
);

test(
  "an error that another one holds as its suppressed leads not to itself",
  virtually(async () => {
    const first = new Error("1");
    const second = new SuppressedError(first, new Error("2"));
    const thrown = await thrownBy(
      taskGroup((group) => {
        group.spawn(() => fails(5, first));
        group.spawn(() => sleep(9).catch(() => Promise.reject(second)));
      }),
    );

    expect((thrown as AggregateError).errors).toEqual([first, second]);
    expect(first).not.toHaveProperty("suppressed");
  }),
);

test(
  "errors whose chain of causes is deeper than the stack, or cannot be read, are thrown like any other",
  virtually(async () => {
    let deep = new Error("bottom");
    for (let n = 0; n < 100_000; n++) deep = new Error("next", { cause: deep });
    const unreadable = new Error("no");
    for (const name of ["cause", "message"]) {
      Object.defineProperty(unreadable, name, {
        get() {
          throw new Error("refused");
        },
      });
    }
    for (const later of [deep, unreadable]) {
      const first = new Error("1");
      const thrown = await thrownBy(
        taskGroup((group) => {
          group.spawn(() => fails(5, first));
          group.spawn(() => sleep(9).catch(() => Promise.reject(later)));
        }),
      );

      const { suppressed, errors } = thrown as { suppressed?: unknown[]; errors?: unknown[] };
      expect((suppressed ?? errors)?.at(-1) === later).toBe(true);
    }
    expect((await thrownBy(taskGroup((group) => group.spawn(() => fails(5, unreadable)).join()))) === unreadable).toBe(
      true,
    );
  }),
);

test(
  "with failFast: false nobody is cancelled, and the failures are thrown together",
  virtually(async () => {
    const ended: number[] = [];
    const work = async (ms: number): Promise<void> => (await sleep(ms), void ended.push(ms));
    const thrown = await thrownBy(
      taskGroup(
        (group) => {
          group.spawn(() => fails(1, "a"));
          group.spawn(() => work(10));
          group.spawn(() => fails(2, "b"));
          group.spawn(() => work(20));
          group.spawn(() => work(30));
        },
        { failFast: false },
      ),
    );

    expect((thrown as AggregateError).message).toBe("2 of 5 tasks failed");
    expect((thrown as AggregateError).errors).toEqual(["a", "b"]);
    expect(ended).toEqual([10, 20, 30]);
  }),
);

test(
  "with failFast: false a single failure is an AggregateError too",
  virtually(async () => {
    const thrown = await thrownBy(taskGroup((group) => void group.spawn(() => fails(1, "a")), { failFast: false }));

    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).message).toBe("1 of 1 tasks failed");
  }),
);

test(
  "with failFast: false a failing body cancels no task, and counts as one",
  virtually(async () => {
    let hasEnded = false;
    const thrown = await thrownBy(
      taskGroup(
        async (group) => {
          group.spawn(async () => (await sleep(50), (hasEnded = true)));
          group.spawn(() => fails(1, "task"));
          await sleep(2);
          throw "body";
        },
        { failFast: false },
      ),
    );

    expect(hasEnded).toBe(true);
    expect((thrown as AggregateError).message).toBe("2 of 3 tasks failed");
    expect((thrown as AggregateError).errors).toEqual(["task", "body"]);
  }),
);

test(
  "with failFast: false and no failure the body's value is returned",
  virtually(async () => {
    expect(await taskGroup((group) => (group.spawn(() => sleep(5)), "value"), { failFast: false })).toBe("value");
  }),
);

test(
  "of very many failures 1,000 are kept and the rest is counted",
  virtually(async () => {
    const all = (await thrownBy(
      taskGroup(
        (group) => {
          for (let n = 0; n < 1_500; n++) group.spawn(() => Promise.reject(new Error(`${n}`)));
        },
        { failFast: false },
      ),
    )) as AggregateError;
    const first = (await thrownBy(
      taskGroup((group) => {
        for (let n = 0; n < 1_500; n++) group.spawn(() => failsWhenCancelled(n));
        group.spawn(() => fails(1, "first"));
      }),
    )) as AggregateError;

    expect(all.message).toBe("1500 of 1500 tasks failed (the first 1000 are kept)");
    expect(all.errors.length).toBe(1_000);
    expect(first.message).toBe("1501 tasks failed (the first 1000 are kept)");
    expect(first.errors.length).toBe(1_000);
  }),
);

test(
  "daemon tasks are cancelled when body and other tasks have ended, and waited for",
  virtually(async () => {
    const log: unknown[] = [];
    await taskGroup(async (group) => {
      group.spawn(
        async (scope) => {
          await thrownBy(sleep(Infinity));
          log.push(scope.cancelled?.kind, now());
          await shield(() => sleep(5));
          log.push("ended");
        },
        { daemon: true },
      );
      group.spawn(() => sleep(20));
      await sleep(30);
    });

    expect(log).toEqual(["unneeded", 30, "ended"]);
    expect(now()).toBe(35);
  }),
);

test(
  "a group of nothing but daemons ends with its body",
  virtually(async () => {
    const value = await taskGroup((group) => {
      for (let n = 0; n < 3; n++) group.spawn(() => sleep(Infinity), { daemon: true });
      return "value";
    });

    expect(value).toBe("value");
    expect(now()).toBe(0);
  }),
);

test(
  "very many daemons are dismissed, each of them once",
  virtually(async () => {
    let dismissed = 0;
    await taskGroup(async (group) => {
      for (let n = 0; n < 50_000; n++) {
        group.spawn(() => sleep(Infinity).finally(() => dismissed++), { daemon: true });
      }
    });

    expect(dismissed).toBe(50_000);
  }),
);

test(
  "a daemon that fails fails its group",
  virtually(async () => {
    const error = new Error("no");
    const running = taskGroup(async (group) => {
      group.spawn(() => fails(5, error), { daemon: true });
      await sleep(Infinity);
    });

    expect(await thrownBy(running)).toBe(error);
  }),
);

test(
  "a daemon that fails while it is dismissed fails its group",
  virtually(async () => {
    const error = new Error("no");
    const running = taskGroup((group) => void group.spawn(() => failsWhenCancelled(error), { daemon: true }));

    expect(await thrownBy(running)).toBe(error);
  }),
);

test(
  "tasks and daemons that a daemon spawns while it is dismissed are waited for and dismissed in turn",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(
        async () => {
          await thrownBy(sleep(Infinity));
          group.spawn(async () => (await sleep(10), log.push("task")));
          group.spawn(async () => (await thrownBy(sleep(Infinity)), log.push("daemon")), { daemon: true });
          log.push("first daemon");
        },
        { daemon: true },
      );
    });

    expect(log).toEqual(["first daemon", "task", "daemon"]);
  }),
);

test(
  "group.cancel() cuts body and tasks, and the group resolves with undefined",
  virtually(async () => {
    const reasons: unknown[] = [];
    const value = await taskGroup(async (group) => {
      group.spawn(async (scope) => {
        await thrownBy(sleep(Infinity));
        reasons.push(scope.cancelled);
      });
      group.spawn(async () => (await sleep(5), group.cancel("enough")));
      await sleep(Infinity);
      return "never";
    });

    expect(value).toBeUndefined();
    expect(reasons).toEqual([{ kind: "requested", why: "enough" }]);
  }),
);

test(
  "a body that has returned, or swallows Cancelled and returns, keeps its value when the group is cancelled",
  virtually(async () => {
    const returned = await taskGroup((group) => {
      group.spawn(async () => (await sleep(5), group.cancel()));
      group.spawn(() => sleep(Infinity));
      return "returned";
    });
    const swallowed = await taskGroup(async (group) => {
      group.cancel();
      await thrownBy(sleep(Infinity));
      return "swallowed";
    });

    expect([returned, swallowed]).toEqual(["returned", "swallowed"]);
  }),
);

test(
  "a deadline set on a group's scope ends the group as cancel() does",
  virtually(async () => {
    const value = await taskGroup(async (group) => {
      group.scope.deadline = now() + 25;
      await sleep(Infinity);
      return 1;
    });

    expect(value).toBeUndefined();
    expect(now()).toBe(25);
  }),
);

test(
  "a task spawned into a cancelled group runs to its first checkpoint",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) => {
      group.cancel();
      group.spawn(async () => {
        log.push("ran");
        await Promise.resolve();
        log.push("ran on");
        await sleep(0);
        log.push("not here");
      });
    });

    expect(log).toEqual(["ran", "ran on"]);
  }),
);

test(
  "spawning into a group that has ended throws a GroupClosedError that names both",
  virtually(async () => {
    let ended!: TaskGroup;
    await taskGroup((group) => void (ended = group), { name: "workers" });

    expect(() => ended.spawn(() => {}, { name: "late" })).toThrow(GroupClosedError);
    expect(() => ended.spawn(() => {}, { name: "late" })).toThrow(/cannot spawn late: workers has ended/);
    expect(() => ended.spawn(() => {})).toThrow(/cannot spawn task: workers has ended/);
  }),
);

test(
  "while tasks run after the body has returned, more can be spawned, and are waited for",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(async () => {
        await sleep(10);
        group.spawn(async () => (await sleep(10), log.push("second")));
      });
    });

    expect(log).toEqual(["second"]);
  }),
);

test(
  "a task spawned by who learned of the last task's end is waited for",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (outer) => {
      let inner!: TaskGroup;
      let last!: Task<void>;
      outer.spawn(async () => {
        await taskGroup((group) => {
          inner = group;
          last = group.spawn(() => sleep(5));
        });
        log.push("the group has returned");
      });
      await last.join();
      inner.spawn(async () => (await sleep(10), log.push("its task has ended")));
    });

    expect(log).toEqual(["its task has ended", "the group has returned"]);
  }),
);

test(
  "a function that throws before its first await fails the group, and spawn returns its task",
  virtually(async () => {
    const error = new Error("no");
    let task: Task<unknown> | undefined;
    const thrown = await thrownBy(
      taskGroup((group) => {
        task = group.spawn(() => {
          throw error;
        });
      }),
    );

    expect(thrown).toBe(error);
    expect(task?.state).toBe("failed");
  }),
);

test(
  "an ordinary error during cancellation wins over the cancellation, from inside and from around",
  virtually(async () => {
    const error = new Error("cleanup failed");
    const own = taskGroup((group) => {
      group.spawn(() => failsWhenCancelled(error));
      group.cancel();
    });
    const around = cancelScope((scope) =>
      taskGroup((group) => {
        group.spawn(() => failsWhenCancelled(error));
        scope.cancel();
      }),
    );

    expect(await thrownBy(own)).toBe(error);
    expect(await thrownBy(around)).toBe(error);
  }),
);

test(
  "an ordinary error during cancellation wins over the TimeoutError",
  virtually(async () => {
    const error = new Error("cleanup failed");
    const late = timeout(5, () => taskGroup((group) => void group.spawn(() => failsWhenCancelled(error))));

    expect(await thrownBy(late)).toBe(error);
  }),
);

test(
  "a group that is cut from around throws the cancellation although its body has returned a value",
  virtually(async () => {
    let result: unknown = "nothing thrown";
    await cancelScope(async (scope) => {
      try {
        await taskGroup((group) => {
          group.spawn(() => sleep(Infinity));
          group.spawn(async () => (await sleep(5), scope.cancel("stop")));
          return "value";
        });
      } catch (error) {
        result = error;
        throw error;
      }
    });

    expect(result).toBeInstanceOf(Cancelled);
    expect((result as Cancelled).reason).toEqual({ kind: "requested", why: "stop" });
  }),
);

test(
  "a group in which nothing was cut keeps its value when the scope around it is cancelled",
  virtually(async () => {
    const value = await cancelScope((scope) =>
      taskGroup((group) => {
        group.spawn(async () => {
          scope.cancel();
          await thrownBy(sleep(Infinity));
        });
        return "value";
      }),
    );

    expect(value).toBe("value");
  }),
);

test(
  "daemons that are cut from around are no loss: the body's value is returned",
  virtually(async () => {
    const value = await cancelScope((scope) =>
      taskGroup((group) => {
        group.spawn(() => sleep(Infinity), { daemon: true });
        scope.cancel();
        return "value";
      }),
    );

    expect(value).toBe("value");
  }),
);

test(
  "a body that swallows a cancellation from around keeps its value, as far as no task was cut",
  virtually(async () => {
    const value = await cancelScope((scope) =>
      taskGroup(async () => {
        scope.cancel();
        await thrownBy(sleep(1));
        return "value";
      }),
    );

    expect(value).toBe("value");
  }),
);

test(
  "a group does not return before a task that ignores its cancellation",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(async () => {
        await nextTurn();
        await nextTurn();
        log.push("task");
      });
      group.cancel();
    });
    log.push("group");

    expect(log).toEqual(["task", "group"]);
  }),
);

test(
  "group.scope is the scope that the body is given, and tasks live in it",
  virtually(() =>
    taskGroup(async (group, scope) => {
      expect(group.scope).toBe(scope);
      const task = group.spawn((own) => own);
      expect(await task.join()).not.toBe(scope);
    }),
  ),
);

test(
  "an AbortError in a group that is not cancelled is a failure like any other",
  virtually(async () => {
    const error = new DOMException("gone", "AbortError");

    expect(await thrownBy(taskGroup((group) => void group.spawn(() => fails(1, error))))).toBe(error);
  }),
);

test(
  "a Cancelled that is thrown again where nothing is cancelled is a failure like any other",
  virtually(async () => {
    let stale: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      stale = await thrownBy(sleep(1));
    });

    expect(await thrownBy(taskGroup((group) => void group.spawn(() => fails(1, stale))))).toBe(stale);
  }),
);

test(
  "a task may return a thenable that behaves badly",
  virtually(async () => {
    const error = new Error("then");
    const log: string[] = [];
    await taskGroup((group) => {
      group.spawn(() => thenable((ok) => (ok(1), ok(2))));
      group.spawn(() => thenable((ok, no) => (ok(1), no(2))));
      group.spawn(async () => (await sleep(10), log.push("the others have ended")));
    });
    const throwing = taskGroup((group) => {
      group.spawn(() =>
        thenable(() => {
          throw error;
        }),
      );
    });
    const throwingGetter = taskGroup((group) => {
      group.spawn(() => brokenThenable(error));
    });
    const nested = taskGroup((group) => group.spawn(() => thenable((ok) => ok(thenable((inner) => inner(7))))).join());

    expect(log).toEqual(["the others have ended"]);
    expect(await thrownBy(throwing)).toBe(error);
    expect(await thrownBy(throwingGetter)).toBe(error);
    expect(await nested).toBe(7);
  }),
);

test(
  "a body that throws before its first await, and one that is no async function, count as any other",
  virtually(async () => {
    const error = new Error("no");
    const throws = taskGroup(() => {
      throw error;
    });

    expect(await thrownBy(throws)).toBe(error);
    expect(await taskGroup(() => 1)).toBe(1);
  }),
);

test(
  "a task can end its own group, and a group can be ended from outside",
  virtually(async () => {
    const log: string[] = [];
    let handle!: TaskGroup;
    await taskGroup(async (outer) => {
      outer.spawn(async () => {
        await taskGroup(async (group) => {
          handle = group;
          await sleep(Infinity);
        });
        log.push("inner ended");
      });
      await sleep(5);
      handle.cancel();
    });

    expect(log).toEqual(["inner ended"]);
  }),
);

test(
  "tasks of nested groups see every cancellation around them, whichever comes first",
  virtually(async () => {
    const log: string[] = [];
    await taskGroup(async (outer) => {
      outer.spawn(() =>
        taskGroup((middle) => {
          middle.spawn(() =>
            taskGroup((inner) => {
              inner.spawn(async (scope) => {
                await thrownBy(sleep(Infinity));
                log.push(scope.cancelled?.kind ?? "open");
              });
            }),
          );
        }),
      );
      await sleep(1);
      outer.cancel({ kind: "disconnected", peer: "client" });
    });

    expect(log).toEqual(["disconnected"]);
  }),
);

test(
  "a moved-on group leaves nothing: its tasks have ended when moveOnAfter returns",
  virtually(async (root) => {
    const semaphore = new Semaphore(1);
    await moveOnAfter(10, () =>
      taskGroup((group) => {
        for (let n = 0; n < 5; n++) {
          group.spawn(() => semaphore.run(() => sleep(Infinity)));
        }
      }),
    );

    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a group that runs on keeps nothing of the tasks that have ended",
  virtually(() =>
    taskGroup(async (group, scope) => {
      for (let n = 0; n < 100; n++) group.spawn(() => checkpoint());
      await loopTurns(3);

      expect(whatIsLeft(scope)).toEqual([]);
    }),
  ),
);

test(
  "a group opened in a cancelled scope runs to its first checkpoint",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (scope) => {
      scope.cancel();
      await taskGroup(async (group, inner) => {
        log.push(inner.cancelled?.kind ?? "open");
        group.spawn(async () => (log.push("task"), await checkpoint(), log.push("not here")));
        await checkpoint();
        log.push("not here");
      });
    });

    expect(log).toEqual(["requested", "task"]);
  }),
);

test(
  "a TimeoutError of a task is an ordinary failure of its group",
  virtually(async () => {
    const thrown = await thrownBy(taskGroup((group) => void group.spawn(() => timeout(5, () => sleep(10)))));

    expect(thrown).toBeInstanceOf(TimeoutError);
  }),
);

test(
  "a task that cancels its own scope ends quietly",
  virtually(async () => {
    let task: Task<unknown> | undefined;
    await taskGroup(async (group) => {
      task = group.spawn(async (scope: Scope) => (scope.cancel(), await checkpoint()));
      await sleep(5);
    });

    expect(task?.state).toBe("cancelled");
  }),
);
