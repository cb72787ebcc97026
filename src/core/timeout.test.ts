import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Scope,
  Cancelled,
  TimeoutError,
  cancelScope,
  checkpoint,
  deadlineAt,
  effectiveDeadline,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

const swallows = async (): Promise<string> => {
  await thrownBy(sleep(Infinity));
  return "late";
};

/** How long sleeping lasts when the deadline, 50 ms away, is moved after 10 ms. */
const endsAt = async (move: (scope: Scope) => void): Promise<number> => {
  const startedMs = now();
  await moveOnAfter(50, async (scope) => {
    await sleep(10);
    move(scope);
    await sleep(200);
  });
  return now() - startedMs;
};

test(
  "a function that ends in time keeps its value or its error",
  virtually(async () => {
    const error = new Error("no");

    expect(await timeout(10, async () => (await sleep(5), 1))).toBe(1);
    expect(await thrownBy(timeout(10, () => Promise.reject(error)))).toBe(error);
    expect(await timeout(10, () => 2)).toBe(2);
  }),
);

test(
  "timeout waits for its function to end before it throws",
  virtually(async () => {
    const log: unknown[] = [];
    const thrown = await thrownBy(
      timeout(50, async (scope) => {
        try {
          await sleep(Infinity);
        } finally {
          log.push(scope.cancelled, now());
          await shield(() => sleep(30));
          log.push("cleaned up");
        }
      }),
    );

    expect(log).toEqual([{ kind: "deadline", deadline: 50 }, 50, "cleaned up"]);
    expect(now()).toBe(80);
    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(thrown).toMatchObject({ code: "TIMEOUT", timeoutMs: 50, message: "timeout did not end within 50 ms" });
  }),
);

test(
  "a result that arrives although the time is up is returned",
  virtually(async () => {
    expect(await timeout(5, swallows)).toBe("late");
    expect(await moveOnAfter(5, swallows)).toBe("late");
    expect(await deadlineAt(now() + 5, swallows)).toBe("late");
  }),
);

test(
  "an ordinary error during cancellation wins over the TimeoutError",
  virtually(async () => {
    const error = new Error("cleanup failed");
    const running = timeout(5, async () => {
      await thrownBy(sleep(Infinity));
      throw error;
    });

    expect(await thrownBy(running)).toBe(error);
  }),
);

test(
  "a TimeoutError is an ordinary error: the scope around it goes on",
  virtually(async () => {
    await cancelScope(async (scope) => {
      await thrownBy(timeout(5, () => sleep(10)));
      await sleep(10);
      expect(scope.cancelled).toBeUndefined();
    });

    expect(now()).toBe(15);
  }),
);

test(
  "moveOnAfter returns undefined when the time is up, and waits as timeout does",
  virtually(async () => {
    const value = await moveOnAfter(10, async () => {
      try {
        await sleep(Infinity);
      } finally {
        await shield(() => sleep(5));
      }
      return 1;
    });

    expect(value).toBeUndefined();
    expect(now()).toBe(15);
  }),
);

test(
  "deadlineAt is on the clock of now(), and in the past cancels at the first checkpoint",
  virtually(async () => {
    await sleep(100);
    const log: unknown[] = [];
    const late = (): Promise<unknown> =>
      deadlineAt(40, async () => (log.push("ran"), await checkpoint(), log.push("not here")));

    expect(await thrownBy(deadlineAt(130, () => sleep(Infinity)))).toBeInstanceOf(TimeoutError);
    expect(now()).toBe(130);
    expect(await thrownBy(late())).toBeInstanceOf(TimeoutError);
    expect(log).toEqual(["ran"]);
  }),
);

test.for([0, -5, -Infinity])("a timeout of %d cancels at the first checkpoint, not before", (ms) =>
  virtually(async () => {
    const log: unknown[] = [];
    const thrown = await thrownBy(
      timeout(ms, async (scope) => {
        log.push(scope.cancelled?.kind);
        await checkpoint();
        log.push("not here");
      }),
    );

    expect(log).toEqual(["deadline"]);
    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(await timeout(ms, () => "no checkpoint")).toBe("no checkpoint");
  })(),
);

test(
  "a timeout of Infinity is none",
  virtually(async () => {
    expect(await timeout(Infinity, async (scope) => (await sleep(1_000_000), scope.deadline))).toBe(Infinity);
    expect(await deadlineAt(Infinity, () => 1)).toBe(1);
    expect(await moveOnAfter(Infinity, () => 1)).toBe(1);
  }),
);

test.for([
  ["NaN", NaN, RangeError],
  ["a string", "5", TypeError],
  ["undefined", undefined, TypeError],
  ["a bigint", 5n, TypeError],
] as const)("%s is no time: nothing is opened or called", ([, ms, Kind]) =>
  virtually(async (root) => {
    const calls: string[] = [];
    const given = ms as number;

    for (const [what, running] of [
      ["timeout", timeout(given, () => calls.push("timeout"))],
      ["deadlineAt", deadlineAt(given, () => calls.push("deadlineAt"))],
      ["moveOnAfter", moveOnAfter(given, () => calls.push("moveOnAfter"))],
    ] as const) {
      expect(await thrownBy(running), what).toBeInstanceOf(Kind);
    }
    expect(() => {
      root.deadline = given;
    }).toThrow(Kind);
    expect(root.deadline).toBe(Infinity);
    expect(calls).toEqual([]);
    expect(whatIsLeft(root)).toEqual([]);
  })(),
);

test(
  "the message of a bad argument says what was expected and what was given",
  virtually(async () => {
    await expect(timeout("5" as unknown as number, () => {})).rejects.toThrow(
      "Expected `ms` to be a number of milliseconds, got `5` (string)",
    );
  }),
);

test(
  "nested timeouts: the nearest deadline counts, whichever scope it is on",
  virtually(async () => {
    const inner = await thrownBy(timeout(100, () => timeout(10, () => sleep(Infinity))));
    expect([inner, now()]).toEqual([expect.objectContaining({ timeoutMs: 10 }), 10]);

    const outer = await thrownBy(timeout(10, () => timeout(100, () => sleep(Infinity))));
    expect([outer, now()]).toEqual([expect.objectContaining({ timeoutMs: 10 }), 20]);
  }),
);

test(
  "when two deadlines pass in the same millisecond the outer timeout throws",
  virtually(async () => {
    const caught: unknown[] = [];
    const thrown = await thrownBy(
      timeout(10, async () => {
        caught.push(await thrownBy(timeout(10, () => sleep(Infinity))));
        throw caught[0];
      }),
    );

    expect(caught).toEqual([expect.any(Cancelled)]);
    expect(thrown).toBeInstanceOf(TimeoutError);
  }),
);

test(
  "ownership is decided when the error arrives: a cancellation from around that comes meanwhile is the one thrown",
  virtually(async () => {
    let caught: unknown;
    await cancelScope(async (outer) => {
      caught = await thrownBy(
        timeout(5, async () => {
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(1));
            outer.cancel("outer");
          }
        }),
      );
      throw caught;
    });

    expect(caught).toBeInstanceOf(Cancelled);
    expect((caught as Cancelled).reason).toEqual({ kind: "requested", why: "outer" });
  }),
);

test(
  "cancelScope returns what its function returns, or undefined if it was cut short",
  virtually(async () => {
    expect(await cancelScope(async (scope) => (await sleep(1), scope.name))).toBe("cancelScope");
    expect(await cancelScope((scope) => scope.name, { name: "mine" })).toBe("mine");
    expect(await cancelScope(async (scope) => (scope.cancel(), await sleep(1), 1))).toBeUndefined();
    expect(await cancelScope((scope) => (scope.cancel(), "value"))).toBe("value");
  }),
);

test(
  "a cancel() inside a timeout is no timeout: there is no value to return, so the Cancelled goes on",
  virtually(async () => {
    const thrown = await thrownBy(
      timeout(5, async (scope) => {
        scope.cancel("enough");
        await sleep(10);
      }),
    );

    expect(thrown).toBeInstanceOf(Cancelled);
    expect((thrown as Cancelled).reason).toEqual({ kind: "requested", why: "enough" });
  }),
);

test(
  "a deadline can be moved earlier, later, into the past, and taken away",
  virtually(async () => {
    expect(await endsAt((scope) => (scope.deadline -= 20))).toBe(30);
    expect(await endsAt((scope) => (scope.deadline += 20))).toBe(70);
    expect(await endsAt((scope) => (scope.deadline = now()))).toBe(10);
    expect(await endsAt((scope) => (scope.deadline = -1))).toBe(10);
    expect(await endsAt((scope) => (scope.deadline = Infinity))).toBe(210);
    expect(
      await endsAt((scope) => {
        scope.deadline = Infinity;
        scope.deadline = now() + 5;
        scope.deadline = now() + 7;
      }),
    ).toBe(17);
  }),
);

const later = (scope: Scope): void => void (scope.deadline += 25);
const away = (scope: Scope): void => void (scope.deadline = Infinity);
const awayAndBack = (scope: Scope): void => {
  const { deadline } = scope;
  scope.deadline = Infinity;
  scope.deadline = deadline;
};

const setsSeven = async (scope: Scope): Promise<void> => {
  scope.deadline = now() + 7;
  await sleep(10);
};

/** What a TimeoutError says when the deadline, at 50 ms, is moved after 10 ms. */
const saidAfter = async (move: (scope: Scope) => void): Promise<unknown[]> => {
  const thrown = await thrownBy(
    timeout(50, async (scope) => {
      await sleep(10);
      move(scope);
      await sleep(200);
    }),
  );
  const { message, timeoutMs } = thrown as TimeoutError;
  return [message, timeoutMs];
};

test(
  "a TimeoutError tells the time that was allowed in the end, not the one that was set first",
  virtually(async () => {
    const late = "timeout did not end within";
    expect(await saidAfter((scope) => (scope.deadline += 20))).toEqual([`${late} 70 ms`, 70]);
    expect(await saidAfter((scope) => (scope.deadline -= 20))).toEqual([`${late} 30 ms`, 30]);
    expect(await saidAfter((scope) => (scope.deadline = now()))).toEqual([`${late} 10 ms`, 10]);
    expect(await saidAfter((scope) => (scope.deadline = -1))).toEqual([`${late} 0 ms`, 0]);
    expect(await saidAfter((scope) => (scope.deadline += 0.1 + 0.2))).toEqual([`${late} 50.3 ms`, 50.3]);
    expect(await saidAfter(awayAndBack)).toEqual([`${late} 50 ms`, 50]);

    await sleep(100);
    expect(await thrownBy(timeout(Infinity, setsSeven))).toMatchObject({ timeoutMs: 7 });
    expect(await thrownBy(deadlineAt(now() + 5, setsSeven))).toMatchObject({ timeoutMs: 7 });
    expect(await thrownBy(shield(setsSeven))).toMatchObject({ timeoutMs: 7 });
    expect(await thrownBy(timeout(-5, () => sleep(1)))).toMatchObject({ timeoutMs: 0 });
    expect(await thrownBy(deadlineAt(-Infinity, () => sleep(1)))).toMatchObject({ timeoutMs: 0 });
  }),
);

/** When what sleeps longer is cut at 50 ms. */
const lastsTo50 = async (start: (scope: Scope) => void): Promise<number> => {
  await moveOnAfter(50, (scope) => (start(scope), sleep(1_000)));
  return now();
};

/** Moves the deadline of one scope in the same moment in which it passes, from the abort listener of another. */
const movedInItsMoment = (first: "mover" | "moved", move: (scope: Scope) => void): Promise<number> => {
  let other!: Scope;
  const mover = (): Promise<number> =>
    lastsTo50((scope) => scope.signal.addEventListener("abort", () => move(other), { once: true }));
  const moved = (): Promise<number> => lastsTo50((scope) => void (other = scope));
  return taskGroup(async (group) => {
    const tasks = (first === "mover" ? [mover, moved] : [moved, mover]).map((fn) => group.spawn(fn));
    return tasks[first === "mover" ? 1 : 0]!.join();
  });
};

test(
  "a deadline that is due in this moment, and has not fired, can still be moved; one that has fired cannot",
  virtually(async () => {
    expect(await withVirtualTime(() => movedInItsMoment("mover", later))).toBe(75);
    expect(await withVirtualTime(() => movedInItsMoment("mover", away))).toBe(1_000);
    expect(await withVirtualTime(() => movedInItsMoment("mover", awayAndBack))).toBe(50);
    for (const move of [later, away, awayAndBack]) {
      expect(await withVirtualTime(() => movedInItsMoment("moved", move))).toBe(50);
    }
  }),
);

test(
  "a deadline can be set on a scope that had none",
  virtually(async () => {
    await cancelScope(async (scope) => {
      expect(scope.deadline).toBe(Infinity);
      scope.deadline = 25;
      await sleep(Infinity);
    });

    expect(now()).toBe(25);
  }),
);

test(
  "once a deadline has passed it cannot be taken back",
  virtually(async () => {
    const value = await moveOnAfter(5, async (scope) => {
      await thrownBy(sleep(Infinity));
      scope.deadline = Infinity;
      await checkpoint();
      return "not here";
    });

    expect(value).toBeUndefined();
  }),
);

test(
  "moving the deadline of a scope that has ended does nothing",
  virtually(async (root) => {
    let ended!: Scope;
    await cancelScope((scope) => void (ended = scope));
    ended.deadline = now() + 5;
    ended.deadline = -1;
    await sleep(10);

    expect(ended.cancelled).toBeUndefined();
    expect(ended.deadline).toBe(Infinity);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "an abort listener may move the deadline that has just passed: nothing changes",
  virtually(async () => {
    const value = await moveOnAfter(5, async (scope) => {
      scope.signal.addEventListener("abort", () => (scope.deadline = Infinity));
      await sleep(Infinity);
      return "not here";
    });

    expect(value).toBeUndefined();
  }),
);

test(
  "effectiveDeadline is the nearest one around, as it stands now",
  virtually(async () => {
    expect(effectiveDeadline()).toBe(Infinity);
    await timeout(100, (outer) =>
      timeout(200, async (inner) => {
        expect(effectiveDeadline()).toBe(100);
        inner.deadline = 50;
        expect(effectiveDeadline()).toBe(50);
        outer.deadline = 20;
        expect(effectiveDeadline()).toBe(20);
        await taskGroup((group) => group.spawn(() => expect(effectiveDeadline()).toBe(20)).join());
      }),
    );
  }),
);

test("a deadline on another clock is none here", async () => {
  const nearest = timeout(5_000, () => withVirtualTime(() => timeout(1e9, () => effectiveDeadline())));

  expect(await nearest).toBe(1e9);
});

test(
  "time stands still while a function computes, so its deadline passes at the next checkpoint or not at all",
  virtually(async () => {
    expect(await timeout(1, () => nextTurn("foreign"))).toBe("foreign");
  }),
);

test(
  "a timeout that ended in time leaves no timer that would hold up the clock",
  virtually(async (root) => {
    await timeout(1_000_000, () => sleep(1));
    await moveOnAfter(1_000_000, () => thrownBy(Promise.reject(new Error("no"))));
    await sleep(5);
    await loopTurns();

    expect(now()).toBe(6);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "in a cancelled scope a timeout runs its function to the first checkpoint, and throws the cancellation",
  virtually(async () => {
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      scope.cancel();
      log.push(await thrownBy(timeout(5, async () => (log.push("ran"), await sleep(1), log.push("not here")))));
    });

    expect(log).toEqual(["ran", expect.any(Cancelled)]);
  }),
);
