/** Each flow function in every order that a seed can make of it, and cancelled at each of its checkpoints. */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { expect, test } from "vitest";
import { Ledger, type Thing } from "../../test/flow/ledger.ts";
import {
  Semaphore,
  SingleFlight,
  TaskCancelledError,
  any,
  asCompleted,
  batch,
  gather,
  hedge,
  isCancelled,
  map,
  mapStream,
  merge,
  moveOnAfter,
  now,
  race,
  retry,
  settle,
  shield,
  sleep,
  taskGroup,
  throttle,
} from "../index.ts";
import { cancelEverywhere, explore } from "../testing/index.ts";

/** Reads a stream and leaves after so many; checks that its items come once, and in order if they should. */
async function readThings(
  ledger: Ledger,
  stream: AsyncIterable<Thing>,
  { count = Infinity, workMs = 0, isOrdered = true }: { count?: number; workMs?: number; isOrdered?: boolean } = {},
): Promise<void> {
  const names: number[] = [];
  for await (const thing of stream) {
    names.push(ledger.receive(thing));
    if (names.length === count) break;
    if (workMs > 0) await sleep(workMs);
  }
  if (isOrdered) deepStrictEqual(names, [...names.keys()]);
}

/** Reads to the end, also when cancelled, so that nothing is lost. */
async function readAll(ledger: Ledger, stream: AsyncIterable<Thing | Thing[]>, isOrdered = true): Promise<void> {
  const names: number[] = [];
  const read = async (): Promise<void> => {
    for await (const things of stream) for (const thing of [things].flat()) names.push(ledger.receive(thing));
  };
  try {
    await read();
  } finally {
    await shield(read);
    equal(names.length, ledger.things.length);
    if (isOrdered) deepStrictEqual(names, [...names.keys()]);
  }
}

const scenarios: Record<string, (ledger: Ledger) => Promise<unknown>> = {
  map: async (ledger) => {
    const doubled = await map(ledger.source(4), (n) => ledger.work(() => n * 2), { concurrency: 2 });
    deepStrictEqual(doubled, [0, 2, 4, 6]);
    ok(ledger.peak <= 2);
  },

  "map with a limiter": async (ledger) => {
    const limiter = new Semaphore(2);
    const doubled = await map(ledger.source(4), (n) => ledger.work(() => n * 2), { limiter });
    deepStrictEqual(doubled, [0, 2, 4, 6]);
    ok(ledger.peak <= 2);
    equal(limiter.statistics().inUse, 0);
  },

  "mapStream, read to its end": (ledger) =>
    readThings(
      ledger,
      mapStream(ledger.source(4), (n) => ledger.make(n, 3 - n, n === 2), { concurrency: 2 }),
    ),

  "mapStream as completed, left early": async (ledger) => {
    const options = { concurrency: 3, ordered: false, limiter: new Semaphore(2) };
    const stream = mapStream(ledger.source(9), (n) => ledger.make(n, 3 - n, n === 1), options);
    await readThings(ledger, stream, { count: 2, workMs: 1, isOrdered: false });
    ok(ledger.peak <= 2);
  },

  "mapStream with a call that fails": async (ledger) => {
    const call = (n: number): Promise<Thing> => (n === 2 ? ledger.fail(2) : ledger.make(n, n, n === 3));
    const reading = readThings(ledger, mapStream(ledger.source(5), call, { concurrency: 3 }));
    await reading.catch((error: unknown) => {
      if (error !== ledger.error) throw error;
    });
  },

  "mapStream that nobody reads to its end": async (ledger) => {
    const stream = mapStream(ledger.source(5), (n) => ledger.make(n, 1), { concurrency: 2 });
    const { value } = await stream.next();
    ledger.receive(value as Thing);
    await sleep(3);
  },

  "mapStream of a mapStream": (ledger) => {
    const inner = mapStream(ledger.source(5), (n) => ledger.work(() => n), { concurrency: 2 });
    return readThings(
      ledger,
      mapStream(inner, (n) => ledger.make(n, 1), { concurrency: 2 }),
      { count: 2 },
    );
  },

  gather: async (ledger) => {
    const list = await gather([() => ledger.work(() => 1), () => ledger.work(() => sleep(1)), () => 3]);
    deepStrictEqual(list, [1, undefined, 3]);
  },

  "gather with a failure": async (ledger) => {
    const gathering = gather([() => ledger.fail(1), () => ledger.work(() => sleep(5)), () => ledger.fail(1)]);
    await gathering.catch((error: unknown) => {
      if (error !== ledger.error) throw error;
    });
  },

  settle: async (ledger) => {
    const { good, bad } = await settle({ good: () => ledger.work(() => 1), bad: () => ledger.fail(1) });
    ok(good.ok ? good.value === 1 : good.error instanceof TaskCancelledError);
    ok(!bad.ok && (bad.error === ledger.error || bad.error instanceof TaskCancelledError));
  },

  race: async (ledger) => {
    ledger.receive(await race([1, 2, 2].map((ms, index) => () => ledger.make(index, ms, true))));
  },

  any: async (ledger) => {
    ledger.receive(await any([() => ledger.fail(0), () => ledger.make(1, 1, true), () => ledger.make(2, 2, true)]));
  },

  hedge: async (ledger) => {
    const call = (attempt: number): Promise<Thing> =>
      attempt === 2 ? ledger.fail(1) : ledger.make(attempt, attempt === 1 ? 6 : 1, true);
    ledger.receive(await hedge(call, { afterMs: 2, attempts: 3 }));
  },

  "asCompleted, left early": async (ledger) => {
    const fns = [() => ledger.make(0, 2, true), () => ledger.fail(1), () => ledger.make(2, 4, true)] as const;
    for await (const completion of asCompleted(fns)) {
      if (!completion.ok) continue;
      ledger.receive(completion.value);
      break;
    }
  },

  batch: (ledger) => readAll(ledger, batch(ledger.flowOf(5, 1), { size: 3, withinMs: 2 })),

  "batch, left early": async (ledger) => {
    for await (const things of batch(ledger.flowOf(9), { size: 2 })) {
      for (const thing of things) ledger.receive(thing);
      await sleep(1);
      break;
    }
  },

  merge: async (ledger) => {
    await readAll(ledger, merge(ledger.flowOf(3), ledger.flowOf(2, 1)), false);
    equal(ledger.things.length, 5);
  },

  "merge, left early": (ledger) =>
    readThings(ledger, merge(ledger.flowOf(5), ledger.flowOf(5, 1)), { count: 3, workMs: 1, isOrdered: false }),

  "merge with a source that fails": async (ledger) => {
    const failing = async function* (): AsyncGenerator<never> {
      if (now() >= 0) await ledger.fail(2);
      yield* [];
    };
    const reading = readThings(ledger, merge(ledger.flowOf(9, 1), failing()), { workMs: 1 });
    await reading.catch((error: unknown) => {
      if (error !== ledger.error) throw error;
    });
  },

  throttle: (ledger) => readAll(ledger, throttle(ledger.flowOf(3), { everyMs: 2 })),

  "throttle with a limiter, left early": (ledger) =>
    readThings(ledger, throttle(ledger.flowOf(9), { limiter: new Semaphore(1) }), { count: 2, workMs: 1 }),

  retry: async (ledger) => {
    const value = await retry((attempt) => (attempt < 3 ? ledger.fail(1) : ledger.work(() => attempt)), {
      backoff: () => 2,
    });
    equal(value, 3);
    ok(ledger.peak <= 1);
  },

  singleFlight: async (ledger) => {
    const flights = new SingleFlight<string, number>();
    const ask = () => flights.run("key", () => ledger.work(() => sleep(3).then(() => 1)));
    await taskGroup((group) => {
      group.spawn(async () => equal(await ask(), 1));
      group.spawn(() => moveOnAfter(2, ask));
      group.spawn(async () => {
        await sleep(1);
        equal(await ask(), 1);
      });
    });
    deepStrictEqual(flights.statistics(), { flights: 0, waiting: 0 });
  },
};

for (const [name, play] of Object.entries(scenarios)) {
  let ledger = new Ledger();
  // A group: what nobody has read to its end ends with it.
  const scenario = (): Promise<unknown> => taskGroup(() => play((ledger = new Ledger())));
  const check = (): void => ledger.close();
  // An ordinary error wins over a cancellation.
  const allow = (error: unknown): boolean => error === ledger.error;

  test(`${name}, in every order`, async () => {
    const { orders } = await explore(async () => {
      await scenario();
      check();
    });

    expect(orders).toBeGreaterThan(name === "retry" ? 0 : 1);
  });

  test.for(["everything", "task"] as const)(`${name}, with %s cancelled at every checkpoint`, async (cancel) => {
    // The call of a limited map is a task, but one that nobody can cancel.
    const isOfTask = (error: unknown): boolean => cancel === "task" && isCancelled(error);
    const { runs } = await cancelEverywhere(scenario, {
      cancel,
      check,
      allow: (error) => allow(error) || isOfTask(error),
    });

    expect(runs).toBeGreaterThan(3);
  });

  test(`${name}, cancelled at every checkpoint in several orders`, async () => {
    const { runs } = await cancelEverywhere(scenario, { check, allow, seeds: 3 });

    expect(runs).toBeGreaterThan(9);
  });
}
