import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, warningsOf } from "../../test/core/helpers.ts";
import {
  Cancelled,
  ContextVar,
  ScopeClosedError,
  SingleFlight,
  TaskCancelledError,
  bindToRoot,
  cancelScope,
  gather,
  moveOnAfter,
  now,
  run,
  settle,
  shield,
  singleFlight,
  sleep,
  taskGroup,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

/** Work that takes 10 ms, counts its calls, and logs how it ends. */
function work(log: string[] = []): { calls: number; fn: () => Promise<number> } {
  const counted = {
    calls: 0,
    async fn(): Promise<number> {
      const call = ++counted.calls;
      try {
        await sleep(10);
        log.push(`${call} done at ${now()}`);
      } catch (error) {
        log.push(`${call} cancelled at ${now()}`);
        throw error;
      }
      return call;
    },
  };
  return counted;
}

test(
  "who asks while the work is under way waits for it, and who asks later starts anew",
  virtually(async () => {
    const flights = new SingleFlight<string, number>();
    const counted = work();
    const ask = () => flights.run("key", counted.fn);

    expect(await gather([ask, async () => (await sleep(5), ask()), ask])).toEqual([1, 1, 1]);
    expect(now()).toBe(10);
    expect(flights.statistics()).toEqual({ flights: 0, waiting: 0 });
    expect(await ask()).toBe(2);
  }),
);

test(
  "keys are compared as those of a Map, and one object's keys are not another's",
  virtually(async () => {
    const counted = work();
    const [some, others] = [new SingleFlight<unknown, number>(), new SingleFlight<unknown, number>()];
    const key = {};
    const keys = [key, key, {}, NaN, NaN, 1, "1"];

    expect(await gather(keys.map((each) => () => some.run(each, counted.fn)))).toEqual([1, 1, 2, 3, 3, 4, 5]);
    expect(await gather([() => some.run(key, counted.fn), () => others.run(key, counted.fn)])).toEqual([6, 7]);
    expect(await gather([() => singleFlight(key, counted.fn), () => some.run(key, counted.fn)])).toEqual([8, 9]);
    expect(await gather([() => singleFlight(key, counted.fn), () => singleFlight(key, counted.fn)])).toEqual([10, 10]);
  }),
);

test(
  "a waiter that is cancelled leaves at once; the work goes on for the others, whoever started it",
  virtually(async () => {
    const log: string[] = [];
    const { fn } = work(log);
    const flights = new SingleFlight<string, number>();
    await taskGroup((group) => {
      group.spawn(async () => {
        expect(await moveOnAfter(3, () => flights.run("key", fn))).toBe(undefined);
        expect(now()).toBe(3);
      });
      group.spawn(async () => {
        expect(await flights.run("key", fn)).toBe(1);
        expect(now()).toBe(10);
      });
    });

    expect(log).toEqual(["1 done at 10"]);
  }),
);

test(
  "the work is cancelled when every waiter is, and not waited for; who asks then starts anew",
  virtually(async () => {
    const log: string[] = [];
    const flights = new SingleFlight<string, string>();
    let calls = 0;
    const fn = async (): Promise<string> => {
      const call = ++calls;
      try {
        await sleep(10);
      } finally {
        await shield(() => sleep(20));
        log.push(`${call} ended at ${now()}`);
      }
      return `${call}`;
    };
    await gather([
      () => moveOnAfter(3, () => flights.run("key", fn)),
      () => moveOnAfter(5, () => flights.run("key", fn)),
    ]);
    expect(now()).toBe(5);
    expect(flights.statistics()).toEqual({ flights: 0, waiting: 0 });
    const ask = () => flights.run("key", fn);
    // The first work ends meanwhile, and takes nothing along.
    expect(await gather([ask, async () => (await sleep(22), ask())])).toEqual(["2", "2"]);
    expect(log).toEqual(["1 ended at 25", "2 ended at 35"]);
  }),
);

test(
  "an error reaches all who wait, and neither the root nor who asks later",
  virtually(async () => {
    const error = new Error("no");
    const flights = new SingleFlight<string, number>();
    const fail = async (): Promise<never> => {
      await sleep(1);
      throw error;
    };
    const outcomes = await settle([() => flights.run("key", fail), () => flights.run("key", fail)]);

    expect(outcomes).toEqual([
      { ok: false, error },
      { ok: false, error },
    ]);
    expect(await flights.run("key", () => 1)).toBe(1);
    expect(
      await thrownBy(
        flights.run("key", () => {
          throw error;
        }),
      ),
    ).toBe(error);
  }),
);

test(
  "the work has the context variables of who started it, and outlives that scope",
  virtually(async () => {
    const user = new ContextVar<string>("user");
    const flights = new SingleFlight<string, string>();
    const fn = async (): Promise<string> => {
      await sleep(10);
      return `for ${user.get()}`;
    };
    const ask = (name: string, ms: number) => user.run(name, () => moveOnAfter(ms, () => flights.run("key", fn)));

    expect(await gather([() => ask("Ada", 5), () => ask("Bob", 50)])).toEqual([undefined, "for Ada"]);
  }),
);

test(
  "work that cancels itself ends with a TaskCancelledError for all who wait",
  virtually(async () => {
    const flights = new SingleFlight<string, void>();
    const thrown = await thrownBy(
      flights.run("key", async function refresh(scope) {
        scope.cancel("stale");
        await sleep(1);
      }),
    );

    expect(thrown).toBeInstanceOf(TaskCancelledError);
    expect(thrown).toMatchObject({ task: "refresh", reason: { kind: "requested", why: "stale" } });
  }),
);

test("cancelled with the root, it ends with a TaskCancelledError for who waits in a shield", async () => {
  let thrown: unknown;
  await withVirtualTime(async (scope) => {
    const flights = new SingleFlight<string, void>();
    await taskGroup(async (group) => {
      group.spawn(() =>
        shield(async () => {
          thrown = await thrownBy(flights.run("key", () => sleep(Infinity)));
        }),
      );
      await sleep(5);
      scope.cancel("the end");
    });
  });

  expect(thrown).toBeInstanceOf(TaskCancelledError);
  expect(thrown).toMatchObject({ reason: { kind: "requested", why: "the end" } });
});

test(
  "work that waits for its own result is told so",
  virtually(async () => {
    const flights = new SingleFlight<string, number>();
    const again = (): Promise<number> => flights.run("key", again);

    await expect(again()).rejects.toThrow("again waits for its own result, and would wait for ever");
  }),
);

test(
  "a result that nobody waits for any more is disposed",
  virtually(async () => {
    const log: string[] = [];
    const flights = new SingleFlight<string, Disposable>();
    const fn = async (): Promise<Disposable> => {
      await thrownBy(sleep(10));
      return { [Symbol.dispose]: () => log.push("disposed") };
    };
    const warnings = await warningsOf(() => moveOnAfter(5, () => flights.run("key", fn)));
    await sleep(1);

    expect(log).toEqual(["disposed"]);
    expect(warnings).toEqual([]);
  }),
);

test(
  "in a cancelled scope nothing is called",
  virtually(async () => {
    const { calls, fn } = work();
    let thrown: unknown;
    await cancelScope(async (scope) => {
      scope.cancel();
      thrown = await thrownBy(singleFlight("key", fn));
    });

    expect(thrown).toBeInstanceOf(Cancelled);
    expect(calls).toBe(0);
  }),
);

test(
  "work that cancels who started it, before it waits, is cancelled itself",
  virtually(async () => {
    const flights = new SingleFlight<string, void>();
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const asking = flights.run("key", async (own) => {
        scope.cancel();
        log.push(own.cancelled?.kind);
        await sleep(10);
        log.push("not here");
      });
      log.push(await thrownBy(asking));
    });
    await sleep(20);

    expect(log).toEqual(["unneeded", expect.any(Cancelled)]);
  }),
);

test("trees do not share their work: it belongs to the root of one", async () => {
  const flights = new SingleFlight<string, number>();
  const { fn } = work();
  const inTree = () => run(() => flights.run("key", fn), { signals: false });

  expect(await Promise.all([inTree(), inTree()])).toEqual([1, 2]);
});

test("when the run has ended, it is refused, and later asks are too", async () => {
  const flights = new SingleFlight<string, number>();
  const { fn } = work();
  const ask = await run(() => bindToRoot(() => flights.run("key", fn)), { signals: false });

  expect(await thrownBy(ask())).toBeInstanceOf(ScopeClosedError);
  expect(await thrownBy(ask())).toBeInstanceOf(ScopeClosedError);
});

test("works outside any run", async () => {
  let calls = 0;
  const ask = () =>
    singleFlight("outside", async () => {
      await loopTurns();
      return ++calls;
    });

  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
});

test(
  "statistics tell how much is under way, and how many wait for it",
  virtually(async () => {
    const flights = new SingleFlight<string, void>();
    const asks = ["a", "a", "b"].map((key) => flights.run(key, () => sleep(10)));

    expect(flights.statistics()).toEqual({ flights: 2, waiting: 3 });
    await Promise.all(asks);
    expect(flights.statistics()).toEqual({ flights: 0, waiting: 0 });
  }),
);
