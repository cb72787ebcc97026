import { EventEmitter, on } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Source,
  Cancelled,
  TaskCancelledError,
  cancelScope,
  map,
  mapStream,
  now,
  shield,
  sleep,
} from "../index.ts";

const one = { concurrency: 1 };

/** Sources that give 1 and then wait for something of their own, with what says that they were closed. */
const stalled = {
  "a Node stream": () => {
    const stream = new PassThrough({ objectMode: true });
    stream.write(1);
    return { source: stream, isClosed: () => stream.destroyed };
  },
  "a web stream": () => {
    let isClosed = false;
    const source = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: () => void (isClosed = true),
    });
    return { source, isClosed: () => isClosed };
  },
  "events of an emitter": () => {
    const emitter = new EventEmitter();
    const source = on(emitter, "number");
    emitter.emit("number", 1);
    return { source, isClosed: () => emitter.listenerCount("number") === 0 };
  },
  "an iterator by hand": () => {
    const stall = Promise.withResolvers<IteratorResult<number>>();
    let isClosed = false;
    const steps = [Promise.resolve({ done: false, value: 1 }), stall.promise];
    const iterator: AsyncIterator<number> = {
      next: () => steps.shift()!,
      async return() {
        isClosed = true;
        stall.resolve({ done: true, value: undefined });
        return { done: true, value: undefined };
      },
    };
    return { source: { [Symbol.asyncIterator]: () => iterator }, isClosed: () => isClosed };
  },
} satisfies Record<string, () => { source: Source<unknown>; isClosed: () => boolean }>;

const kinds = Object.keys(stalled) as (keyof typeof stalled)[];

test.for(kinds)("leaving a stream whose source is %s that owes an item closes it, and waits for nothing", (kind) =>
  virtually(async (root) => {
    const { source, isClosed } = stalled[kind]();
    for await (const _ of mapStream(source as Source<unknown>, (n) => n, { concurrency: 2 })) {
      await loopTurns(3);
      expect(isClosed()).toBe(false);
      break;
    }

    expect(isClosed()).toBe(true);
    expect(whatIsLeft(root)).toEqual([]);
  })(),
);

test.for(kinds)(
  "cancelling map while its source is %s that owes an item closes it, and is no end of the source",
  (kind) =>
    virtually(async () => {
      const { source, isClosed } = stalled[kind]();
      let thrown: unknown;
      await cancelScope(async (scope) => {
        const mapping = map(source as Source<unknown>, (n) => n, { concurrency: 2 });
        await loopTurns(3);
        scope.cancel();
        thrown = await thrownBy(mapping);
      });

      expect(thrown).toBeInstanceOf(Cancelled);
      expect(isClosed()).toBe(true);
    })(),
);

test(
  "a stream that is cut while its source owes an item says so to a reader outside",
  virtually(async () => {
    const stream = mapStream(stalled["a Node stream"]().source, (n: unknown) => n, one);
    await cancelScope(async (scope) => {
      await stream.next();
      await loopTurns(3);
      scope.cancel();
    });

    expect(await thrownBy(stream.next())).toBeInstanceOf(TaskCancelledError);
  }),
);

test(
  "sources of every kind are read to their end, and let go",
  virtually(async () => {
    const web = new ReadableStream<number>({
      start(controller) {
        for (const n of [1, 2, 3]) controller.enqueue(n);
        controller.close();
      },
    });
    const node = Readable.from([1, 2, 3]);

    for (const source of [web, node, [1, 2, 3], new Set([1, 2, 3]), [1, 2, 3].values()] as Source<number>[]) {
      expect(await map(source, (n) => n, one)).toEqual([1, 2, 3]);
    }
    expect(web.locked).toBe(false);
    expect(node.destroyed).toBe(true);
  }),
);

test(
  "an error of a stream is the error, and a web stream that is being read already is refused",
  virtually(async () => {
    const error = new Error("no");
    const broken = new ReadableStream({ start: (controller) => controller.error(error) });
    const read = new ReadableStream();
    read.getReader();

    expect(await thrownBy(map(broken, (n) => n, one))).toBe(error);
    expect(await thrownBy(map(read, (n) => n, one))).toBeInstanceOf(TypeError);
    expect(
      await thrownBy(
        map(
          new Readable({
            read() {
              this.destroy(error);
            },
          }),
          (n) => n,
          one,
        ),
      ),
    ).toBe(error);
  }),
);

test(
  "a source that ends its read by itself when it is cancelled is not closed besides",
  virtually(async () => {
    const log: string[] = [];
    const iterator: AsyncIterator<number> = {
      async next() {
        try {
          await sleep(Infinity);
        } finally {
          await shield(() => loopTurns(0));
          log.push("next ended");
        }
        return { done: true, value: undefined };
      },
      async return() {
        log.push("return");
        return { done: true, value: undefined };
      },
    };
    await cancelScope(async (scope) => {
      const stream = mapStream({ [Symbol.asyncIterator]: () => iterator }, (n) => n, one);
      void loopTurns().then(() => scope.cancel());
      await stream.next();
    });
    await loopTurns(2);

    expect(log).toEqual(["next ended"]);
  }),
);

test(
  "an error of closing a source that owed an item is thrown where the reader leaves",
  virtually(async () => {
    const error = new Error("closing");
    const source = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel() {
        throw error;
      },
    });
    const leaving = async (): Promise<void> => {
      for await (const _ of mapStream(source, (n) => n, { concurrency: 2 })) {
        await loopTurns(2);
        break;
      }
    };

    expect(await thrownBy(leaving())).toBe(error);
  }),
);

test(
  "a web stream that is left between two items is cancelled, and nobody holds it any more",
  virtually(async () => {
    const reasons: unknown[] = [];
    const source = new ReadableStream<number>({
      pull: (controller) => controller.enqueue(1),
      cancel: (reason) => void reasons.push(reason),
    });
    for await (const _ of mapStream(source, (n) => n, one)) break;

    expect(reasons).toEqual([undefined]);
    expect(source.locked).toBe(false);
  }),
);

test(
  "a source that is closed while it owes an item may take its time for that",
  virtually(async (root) => {
    const stall = Promise.withResolvers<IteratorResult<number>>();
    const iterator: AsyncIterator<number> = {
      next: () => stall.promise,
      async return() {
        stall.resolve({ done: true, value: undefined });
        await sleep(5);
        return { done: true, value: undefined };
      },
    };
    await cancelScope(async () => {
      const stream = mapStream({ [Symbol.asyncIterator]: () => iterator }, (n) => n, one);
      const reading = stream.next();
      await loopTurns(2);
      await stream.return();
      await thrownBy(reading);
    });

    expect(now()).toBe(5);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);
