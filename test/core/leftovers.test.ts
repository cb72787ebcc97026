/** What is left in a scope when its function has ended: the calls of a stream that was read there, and what floats. */
import { describe, expect, test } from "vitest";
import {
  type ResultStream,
  type Scope,
  ScopeClosedError,
  batch,
  cancelScope,
  gather,
  mapStream,
  moveOnAfter,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../../src/index.ts";
import { thrownBy, virtually } from "./helpers.ts";

type InScope = <T>(fn: (scope: Scope) => Promise<T>) => Promise<unknown>;

const hour = 3_600_000;

const kinds: Readonly<Record<string, InScope>> = {
  task: (fn) => taskGroup((group) => group.spawn(fn).join()),
  "task group": (fn) => taskGroup((_, scope) => fn(scope)),
  run: (fn) => run(fn, { signals: false }),
  cancelScope: (fn) => cancelScope(fn),
  timeout: (fn) => timeout(hour, fn),
  moveOnAfter: (fn) => moveOnAfter(hour, fn),
  shield: (fn) => shield(fn),
  gather: async (fn) => (await gather([fn]))[0],
};

/** A stream whose second call takes its time, to stop as well. */
function streamOf(events: string[]): ResultStream<number> {
  const call = async (n: number): Promise<number> => {
    if (n === 1) return n;
    try {
      await sleep(hour);
    } finally {
      await shield(() => sleep(1_000));
      events.push("the call has ended");
    }
    return n;
  };
  return mapStream([1, 2], call, { concurrency: 2 });
}

async function readOne(events: string[]): Promise<number | void> {
  const { value } = await streamOf(events).next();
  return value;
}

describe.for(Object.entries(kinds))("a %s in which a stream was read, and not to its end,", ([, inScope]) => {
  test(
    "returns its value when the calls of the stream have been cancelled and have ended",
    virtually(async () => {
      const events: string[] = [];
      const value = await inScope(() => readOne(events));
      events.push(`returned ${String(value)}`);

      expect(events).toEqual(["the call has ended", "returned 1"]);
    }),
  );

  test(
    "throws its error only then",
    virtually(async () => {
      const events: string[] = [];
      const failure = new Error("no");
      const failing = async (): Promise<never> => {
        await readOne(events);
        throw failure;
      };
      const thrown = await thrownBy(inScope(failing));
      events.push("threw");

      expect(thrown).toBe(failure);
      expect(events).toEqual(["the call has ended", "threw"]);
    }),
  );
});

test(
  "when only daemons are left in a group, a scope in it that nobody waits for is not cancelled, but ends with it",
  virtually(async () => {
    let reason: unknown;
    const { floating } = await taskGroup((group) => {
      group.spawn(() => sleep(hour), { daemon: true });
      const left = cancelScope((scope) => thrownBy(sleep(hour)).finally(() => (reason = scope.cancelled)));
      return { floating: left };
    });

    expect(await floating).toBeInstanceOf(ScopeClosedError);
    expect(reason).toBeUndefined();
  }),
);

test(
  "a group waits for a stream that its reader has left without waiting for it",
  virtually(async () => {
    const events: string[] = [];
    await taskGroup(async () => {
      const stream = streamOf(events);
      await stream.next();
      void stream.return();
    });
    events.push("the group has ended");

    expect(events).toEqual(["the call has ended", "the group has ended"]);
  }),
);

test(
  "a stream waits for one inside its source that the source has left open",
  virtually(async () => {
    const events: string[] = [];
    async function* source(): AsyncGenerator {
      yield (await streamOf(events).next()).value;
      yield "more";
    }
    for await (const values of batch(source(), { size: 1 })) {
      events.push(`read ${values.join()}`);
      break;
    }
    events.push("left");

    expect(events).toEqual(["read 1", "the call has ended", "left"]);
  }),
);
