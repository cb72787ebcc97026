import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  Cancelled,
  TimeoutError,
  cancelScope,
  checkpoint,
  effectiveDeadline,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

test(
  "cleanup in a shield runs to its end in a cancelled scope, and the next checkpoint throws",
  virtually(async () => {
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      scope.cancel();
      log.push(await shield(async () => (await sleep(10), "cleaned up")), now());
      log.push(await thrownBy(checkpoint()));
    });

    expect(log).toEqual(["cleaned up", 10, expect.any(Cancelled)]);
  }),
);

test(
  "a shield protects from a cancellation that comes while it runs",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (scope) => {
      scope.deadline = 5;
      await shield(async (own) => {
        await sleep(10);
        expect([own.cancelled, own.signal.aborted]).toEqual([undefined, false]);
        log.push("shielded work ended");
      });
      log.push("a shield is no checkpoint");
      await checkpoint();
      log.push("not here");
    });

    expect(log).toEqual(["shielded work ended", "a shield is no checkpoint"]);
  }),
);

test(
  "tasks and scopes opened in a shield are protected too",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (scope) => {
      scope.cancel();
      await shield(() =>
        taskGroup((group) => {
          group.spawn(async () => (await sleep(5), log.push("task")));
          group.spawn(() => timeout(100, async () => (await sleep(6), log.push("timeout"))));
        }),
      );
    });

    expect(log).toEqual(["task", "timeout"]);
  }),
);

test(
  "a scope inside a shield is cancelled by itself all the same",
  virtually(async () => {
    const value = await shield(() => moveOnAfter(5, () => sleep(Infinity)));

    expect(value).toBeUndefined();
    expect(now()).toBe(5);
  }),
);

test(
  "past its time a shield cancels its function, waits for it, and throws a TimeoutError",
  virtually(async () => {
    const thrown = await thrownBy(
      shield(
        async () => {
          try {
            await sleep(Infinity);
          } finally {
            await shield(() => sleep(7));
          }
        },
        { timeoutMs: 20 },
      ),
    );

    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(thrown).toMatchObject({ message: "shield did not end within 20 ms", timeoutMs: 20 });
    expect(now()).toBe(27);
  }),
);

test(
  "past its time a shield throws the Cancelled of the scope around it, if that is cancelled",
  virtually(async () => {
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel("stop");
      thrown = await thrownBy(shield(() => sleep(Infinity), { timeoutMs: 20 }));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect((thrown as Cancelled).reason).toEqual({ kind: "requested", why: "stop" });
  }),
);

test(
  "past its time a shield throws the outermost of the cancellations around it",
  virtually(async () => {
    let thrown: unknown;
    await cancelScope((outer) =>
      cancelScope(async (inner) => {
        inner.cancel("inner");
        outer.cancel("outer");
        thrown = await thrownBy(shield(() => sleep(Infinity), { timeoutMs: 20 }));
        throw thrown;
      }),
    );

    expect((thrown as Cancelled).reason).toEqual({ kind: "requested", why: "outer" });
  }),
);

test(
  "a shield whose time is up inside another shield throws a TimeoutError, whatever is cancelled outside",
  virtually(async () => {
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      await shield(async () => {
        thrown = await thrownBy(shield(() => sleep(Infinity), { timeoutMs: 5 }));
      });
    });

    expect(thrown).toBeInstanceOf(TimeoutError);
  }),
);

test(
  "a result that arrives although the time of the shield is up is returned",
  virtually(async () => {
    const value = await shield(
      async () => {
        await thrownBy(sleep(Infinity));
        return "late";
      },
      { timeoutMs: 5 },
    );

    expect(value).toBe("late");
  }),
);

test(
  "an ordinary error passes a shield, and wins over the cancellation around it",
  virtually(async () => {
    const error = new Error("cleanup failed");
    const running = cancelScope(async (scope) => {
      scope.cancel();
      await shield(async () => {
        await sleep(1);
        throw error;
      });
    });

    expect(await thrownBy(running)).toBe(error);
  }),
);

test(
  "an AbortError from inside a shield that was not cancelled is an error like any other there, and the trace of the cancellation around it outside",
  virtually(async () => {
    const error = new DOMException("gone", "AbortError");
    const fails = (): Promise<never> => shield(() => Promise.reject(error));

    expect(await thrownBy(fails())).toBe(error);
    expect(await cancelScope(async (scope) => (scope.cancel(), await fails()))).toBeUndefined();
  }),
);

test(
  "a shield hides the deadlines around it, and not its own",
  virtually(() =>
    timeout(100, async () => {
      expect(effectiveDeadline()).toBe(100);
      expect(await shield(() => effectiveDeadline())).toBe(Infinity);
      expect(await shield(() => effectiveDeadline(), { timeoutMs: 30 })).toBe(30);
      expect(await shield(() => timeout(500, () => effectiveDeadline()))).toBe(500);
    }),
  ),
);

test(
  "shields nest: cancelling the scope between two reaches neither the inner shield nor beyond the outer",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (outermost) => {
      await shield(async () => {
        await cancelScope(async (between) => {
          await shield(async () => {
            between.cancel();
            outermost.cancel();
            await sleep(5);
            log.push("inner shield");
          });
          await thrownBy(sleep(5));
          log.push("between");
        });
        await sleep(5);
        log.push("outer shield");
      });
      await thrownBy(sleep(5));
      log.push("outermost");
    });

    expect(log).toEqual(["inner shield", "between", "outer shield", "outermost"]);
    expect(now()).toBe(10);
  }),
);

test(
  "a shield can be cancelled through its own scope",
  virtually(async () => {
    const thrown = await thrownBy(
      shield(async (scope) => {
        scope.cancel("enough");
        await sleep(5);
      }),
    );

    expect(thrown).toBeInstanceOf(Cancelled);
    expect((thrown as Cancelled).reason).toEqual({ kind: "requested", why: "enough" });
  }),
);

test.for([
  ["no number", "20", TypeError],
  ["NaN", NaN, RangeError],
  ["null", null, TypeError],
] as const)("a shield refuses a timeoutMs that is %s, and opens no scope", ([, timeoutMs, Kind]) =>
  virtually(async (root) => {
    let hasRun = false;
    const shielding = shield(() => (hasRun = true), { timeoutMs: timeoutMs as number });

    const thrown = await thrownBy(shielding);
    expect(thrown).toBeInstanceOf(Kind);
    expect((thrown as Error).message).toContain("Expected `timeoutMs` to be a number of milliseconds");
    expect(hasRun).toBe(false);
    expect(whatIsLeft(root)).toEqual([]);
  })(),
);

test(
  "a timeout of nothing cancels the shielded function at its first checkpoint",
  virtually(async () => {
    const log: string[] = [];
    const thrown = await thrownBy(
      shield(async () => (log.push("ran"), await checkpoint(), log.push("not here")), { timeoutMs: 0 }),
    );

    expect(thrown).toBeInstanceOf(TimeoutError);
    expect(log).toEqual(["ran"]);
  }),
);

test(
  "a wait in a shield that outlives its scope meets a ScopeClosedError",
  virtually(async () => {
    let floating: Promise<unknown> | undefined;
    await cancelScope(() => {
      floating = thrownBy(shield(() => sleep(10)));
    });
    await loopTurns();

    expect(await floating).toMatchObject({ code: "SCOPE_CLOSED", scope: "shield" });
  }),
);
