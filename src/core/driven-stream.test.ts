/** What is true of every stream that a task of its own drives. */
import { describe, expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  Cancelled,
  ScopeClosedError,
  TaskCancelledError,
  asCompleted,
  batch,
  cancelScope,
  mapStream,
  merge,
  now,
  shield,
  sleep,
  taskGroup,
  throttle,
} from "../index.ts";
import { type ScopeNode, drawTree } from "./index.ts";

async function* slowly(count: number, ms: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    await sleep(ms);
    yield n;
  }
}

/** Streams of so many values, each of which takes 10 ms. */
const streams: Record<string, (count: number) => AsyncGenerator<unknown, void, void>> = {
  mapStream: (count) => mapStream(slowly(count, 10), (n) => n, { concurrency: 1 }),
  asCompleted: (count) => asCompleted(Array.from({ length: count }, (_, n) => () => sleep(10 * (n + 1)))),
  batch: (count) => batch(slowly(count, 10), { size: 1 }),
  merge: (count) => merge(slowly(count, 10)),
  throttle: (count) => throttle(slowly(count, 10), { everyMs: 1 }),
};

describe.for(Object.entries(streams))("%s", ([name, open]) => {
  test(
    "a reader that waits in another scope learns that the stream was cut with its own scope",
    virtually(async (root) => {
      let thrown: unknown;
      await taskGroup(async (group) => {
        const stream = open(5);
        const owner = group.spawn(async () => {
          await stream.next();
          await sleep(Infinity);
        });
        await sleep(12);
        group.spawn(async () => {
          thrown = await thrownBy(stream.next());
          expect(await stream.next()).toEqual({ done: true, value: undefined });
        });
        await sleep(1);
        owner.cancel("no more");
      });

      expect(thrown).toBeInstanceOf(TaskCancelledError);
      expect(thrown).toMatchObject({ task: name });
      expect(whatIsLeft(root)).toEqual([]);
    }),
  );

  test(
    "a reader that comes when all was given waits for nothing, and gets the end as often as it asks",
    virtually(async (root) => {
      const stream = open(1);
      await stream.next();
      await sleep(100);
      for (let count = 0; count < 3; count++) expect(await stream.next()).toEqual({ done: true, value: undefined });
      expect(await stream.return()).toEqual({ done: true, value: undefined });
      expect(whatIsLeft(root)).toEqual([]);
    }),
  );

  test(
    "one reader's break ends the stream for another that waits",
    virtually(async () => {
      const stream = open(5);
      let thrown: unknown;
      await taskGroup(async (group) => {
        await stream.next();
        group.spawn(async () => {
          thrown = await thrownBy(stream.next());
        });
        await stream.return();
      });

      expect(thrown).toBeInstanceOf(TaskCancelledError);
    }),
  );

  test(
    "code that outlives its scope is told so, and ends the stream",
    virtually(async (root) => {
      const stream = open(5);
      await stream.next();
      const { floating } = await cancelScope(() => ({
        floating: thrownBy(loopTurns(1).then(() => stream.next())),
      })).then((outcome) => outcome!);

      expect(await floating).toBeInstanceOf(ScopeClosedError);
      await stream.return();
      expect(whatIsLeft(root)).toEqual([]);
    }),
  );

  test(
    "when a next() is cancelled, nothing of the stream is left in its scope before it rejects",
    virtually(() =>
      cancelScope(async (scope) => {
        const stream = open(5);
        await stream.next();
        scope.deadline = now() + 5;
        expect(await thrownBy(stream.next())).toBeInstanceOf(Cancelled);
        expect(whatIsLeft(scope)).toEqual([]);
      }),
    ),
  );

  test(
    "in a cancelled scope nothing begins, and the stream can be read elsewhere no more",
    virtually(async () => {
      const stream = open(5);
      await cancelScope(async (scope) => {
        scope.cancel();
        expect(await thrownBy(stream.next())).toBeInstanceOf(Cancelled);
      });

      expect(await stream.next()).toEqual({ done: true, value: undefined });
    }),
  );

  test(
    "return() and next() at once, and return() twice, all come to an end",
    virtually(async (root) => {
      const stream = open(5);
      await stream.next();
      const ends = await Promise.allSettled([stream.return(), stream.next(), stream.return(), stream.next()]);

      expect(ends.map(({ status }) => status).filter((status) => status === "rejected").length).toBeLessThanOrEqual(1);
      expect(ends[2]).toEqual({ status: "fulfilled", value: { done: true, value: undefined } });
      expect(whatIsLeft(root)).toEqual([]);
    }),
  );

  test(
    "it can be read in a shield while everything around is cancelled",
    virtually(async () => {
      const values: unknown[] = [];
      await cancelScope(async (scope) => {
        scope.cancel();
        await shield(async () => {
          for await (const value of open(2)) values.push(value);
        });
      });

      expect(values.length).toBe(2);
    }),
  );

  test("works outside any run", async () => {
    const stream = open(1);
    expect((await stream.next()).done).toBe(false);
    expect((await stream.next()).done).toBe(true);
  });
});

test.for([
  ["batch", (source: AsyncIterable<number>) => batch(source, { size: 1 })],
  ["merge", (source: AsyncIterable<number>) => merge(source)],
  ["throttle", (source: AsyncIterable<number>) => throttle(source, { everyMs: 1 })],
] as const)("%s: a cancelled next() is told of an error of closing the source, and then nothing is left", ([, open]) =>
  virtually(() =>
    cancelScope(async (scope) => {
      const error = new Error("closing");
      const source = async function* (): AsyncGenerator<number> {
        yield 1;
        await thrownBy(sleep(Infinity));
        throw error;
      };
      const stream = open(source());
      await stream.next();
      scope.deadline = 5;
      expect(await thrownBy(stream.next())).toBe(error);
      expect(whatIsLeft(scope)).toEqual([]);
    }),
  )(),
);

test(
  "the tree of tasks says what a stream waits for",
  virtually(async (root) => {
    const stall = Promise.withResolvers<IteratorResult<number>>();
    const stalled = { [Symbol.asyncIterator]: () => ({ next: () => stall.promise }) };
    await taskGroup(async (group) => {
      const full = mapStream([1, 2], (n) => n, { concurrency: 1 });
      const unread = asCompleted([() => 1, () => 2]);
      const waiting = batch(stalled, { size: 1 });
      await Promise.all([full.next(), unread.next()]);
      group.spawn(() => waiting.next(), { name: "reader" });
      await loopTurns(2);

      const lines = drawTree(root as ScopeNode).split("\n");
      expect(lines.map((line) => line.replace(/^[ │├└─]+/, "")).filter((line) => !line.includes("computes"))).toEqual([
        "withVirtualTime",
        "group",
        "mapStream: waits for a reader of mapStream",
        "asCompleted",
        "unread: waits for a reader of asCompleted",
        "reader: waits for the next result of batch",
        "batch",
        "source: waits for an item of its source",
      ]);
      stall.resolve({ done: true, value: undefined });
      await Promise.all([full.return(), unread.return()]);
    });
  }),
);
