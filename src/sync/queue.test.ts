import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  Cancelled,
  Queue,
  QueueShutDownError,
  cancelScope,
  checkpoint,
  moveOnAfter,
  now,
  sleep,
  taskGroup,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test(
  "items are received in the order in which they were put",
  virtually(async () => {
    const queue = new Queue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);

    expect(queue.size).toBe(3);
    expect([await queue.get(), await queue.get(), queue.tryGet(), queue.tryGet()]).toEqual([1, 2, 3, undefined]);
  }),
);

test(
  "get waits for an item, and those who wait are served in the order of arrival",
  virtually(async () => {
    const queue = new Queue<number>();
    const log: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["a", "b"]) group.spawn(async () => log.push(`${name} ${await queue.get()}`));
      await sleep(5);
      expect(queue.statistics().getting).toBe(2);
      expect(queue.tryPut(1)).toBe(true);
      await queue.put(2);
    });

    expect(log).toEqual(["a 1", "b 2"]);
    expect(now()).toBe(5);
  }),
);

test(
  "put waits while the queue is full, and those who wait put in the order of arrival",
  virtually(async () => {
    const queue = new Queue<string>({ maxSize: 1 });
    const log: string[] = [];
    await queue.put("first");
    expect(queue.tryPut("no room")).toBe(false);
    await taskGroup(async (group) => {
      for (const name of ["a", "b"]) group.spawn(async () => (await queue.put(name), log.push(name)));
      await checkpoint();
      expect([log.length, queue.statistics().putting]).toEqual([0, 2]);
      expect(await queue.get()).toBe("first");
      await checkpoint();
      expect(log).toEqual(["a"]);
      expect(queue.tryGet()).toBe("a");
      await checkpoint();
      expect(log).toEqual(["a", "b"]);
    });

    expect(queue.tryGet()).toBe("b");
  }),
);

test(
  "a put that is cancelled has put nothing, and a get has taken nothing",
  virtually(async () => {
    const queue = new Queue<string>({ maxSize: 1 });
    await moveOnAfter(5, () => queue.get());
    await queue.put("first");
    await moveOnAfter(5, () => queue.put("second"));

    expect(queue.statistics()).toMatchObject({ size: 1, putting: 0, getting: 0, unfinished: 1 });
    expect([queue.tryGet(), queue.tryGet()]).toEqual(["first", undefined]);
  }),
);

test(
  "an item handed over before the cancellation arrives is received, and the next checkpoint throws",
  virtually(async () => {
    const queue = new Queue<string>();
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const waiting = queue.get();
      queue.tryPut("item");
      scope.cancel();
      log.push(await waiting, await thrownBy(queue.get()), await thrownBy(queue.put("x")));
    });

    expect(log).toEqual(["item", expect.any(Cancelled), expect.any(Cancelled)]);
    expect(queue.size).toBe(0);
  }),
);

test(
  "a put that had room before the cancellation arrives has put",
  virtually(async () => {
    const queue = new Queue<number>({ maxSize: 1 });
    await queue.put(1);
    await cancelScope(async (scope) => {
      const waiting = queue.put(2);
      expect(queue.tryGet()).toBe(1);
      scope.cancel();
      await waiting;
    });

    expect(queue.tryGet()).toBe(2);
  }),
);

test(
  "the items of a queue may be undefined",
  virtually(async () => {
    const queue = new Queue<undefined>();
    await queue.put(undefined);
    expect(queue.size).toBe(1);
    expect(await queue.get()).toBeUndefined();

    expect(queue.size).toBe(0);
  }),
);

test(
  "after shutdown nothing can be put, what is in it can be taken, and then get is refused",
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.put(1);
    expect(queue.shutdown()).toEqual([]);
    expect(queue.shutdown()).toEqual([]);

    expect(await thrownBy(queue.put(2))).toBeInstanceOf(QueueShutDownError);
    expect(() => queue.tryPut(2)).toThrow(QueueShutDownError);
    expect(await queue.get()).toBe(1);
    expect(await thrownBy(queue.get())).toMatchObject({ code: "QUEUE_SHUT_DOWN", message: "the queue was shut down" });
    expect(queue.tryGet()).toBeUndefined();
  }),
);

test(
  "shutdown refuses everybody who waits to put or to get",
  virtually(async () => {
    const full = new Queue<number>({ maxSize: 1 });
    const empty = new Queue<number>();
    await full.put(1);
    const outcomes: unknown[] = [];
    await taskGroup((group) => {
      for (let n = 0; n < 2; n++) {
        group.spawn(async () => outcomes.push(await thrownBy(full.put(2))));
        group.spawn(async () => outcomes.push(await thrownBy(empty.get())));
      }
      full.shutdown();
      empty.shutdown();
    });

    expect(outcomes).toEqual(Array(4).fill(expect.any(QueueShutDownError)));
    expect(full.statistics()).toMatchObject({ size: 1, putting: 0, unfinished: 1, isShutDown: true });
  }),
);

test(
  "shutdown({ immediate: true }) takes everything out, counts it as done, and ends who joins",
  virtually(async () => {
    const queue = new Queue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);
    await queue.get();
    await taskGroup(async (group) => {
      const joiner = group.spawn(() => queue.join());
      expect(queue.shutdown({ immediate: true })).toEqual([2, 3]);
      await checkpoint();
      expect(joiner.state).toBe("running");
      queue.taskDone();
    });

    expect(queue.statistics()).toEqual({
      size: 0,
      maxSize: Infinity,
      putting: 0,
      getting: 0,
      joining: 0,
      unfinished: 0,
      isShutDown: true,
    });
  }),
);

test(
  "join waits until every item put was reported done, and not at all when there is none",
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.join();
    await taskGroup(async (group) => {
      await queue.put(1);
      await queue.put(2);
      group.spawn(async () => {
        for (let n = 0; n < 2; n++) {
          await queue.get();
          await sleep(10);
          queue.taskDone();
        }
      });
      await queue.join();
      expect(now()).toBe(20);
    });

    expect(() => queue.taskDone()).toThrow("taskDone() was called more often than items were taken");
  }),
);

test(
  "join counts items that are put while it waits, and those handed from hand to hand",
  virtually(async () => {
    const queue = new Queue<number>({ maxSize: 1 });
    let hasJoined = false;
    await taskGroup(async (group) => {
      await queue.put(1);
      group.spawn(async () => (await queue.join(), (hasJoined = true)));
      group.spawn(() => queue.put(2));
      queue.tryGet();
      queue.taskDone();
      await checkpoint();
      expect(hasJoined).toBe(false);
      queue.tryGet();
      const receiving = queue.get();
      await queue.put(3);
      queue.taskDone();
      await checkpoint();
      expect(hasJoined).toBe(false);
      expect(await receiving).toBe(3);
      queue.taskDone();
    });

    expect(hasJoined).toBe(true);
  }),
);

test(
  "a joiner that is cancelled stops waiting",
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.put(1);
    await moveOnAfter(5, () => queue.join());

    expect(now()).toBe(5);
  }),
);

test(
  "several may iterate, each item goes to one of them, and all end with the queue",
  virtually(async () => {
    const queue = new Queue<number>();
    const taken: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["a", "b"]) {
        group.spawn(async () => {
          for await (const item of queue) {
            taken.push(`${name}${item}`);
            await sleep(10);
          }
        });
      }
      for (let n = 0; n < 5; n++) await queue.put(n);
      queue.shutdown();
    });

    expect(taken).toEqual(["a0", "b1", "a2", "b3", "a4"]);
  }),
);

test(
  "iterating ends at once when the queue was shut down empty, and a cancellation leaves the loop",
  virtually(async () => {
    const ended = new Queue<number>();
    ended.shutdown();
    for await (const item of ended) throw new Error(`got ${item}`);
    const log: string[] = [];
    await moveOnAfter(5, async () => {
      for await (const item of new Queue<number>()) log.push(`got ${item}`);
      log.push("not here");
    });

    expect(log).toEqual([]);
  }),
);

test("statistics are a frozen picture of the moment", () => {
  const queue = new Queue<number>({ maxSize: 5 });
  const before = queue.statistics();
  queue.tryPut(1);

  expect(Object.isFrozen(before)).toBe(true);
  expect(before.size).toBe(0);
  expect(queue.statistics()).toEqual({
    size: 1,
    maxSize: 5,
    putting: 0,
    getting: 0,
    joining: 0,
    unfinished: 1,
    isShutDown: false,
  });
});

test.for([0, -1, 1.5, NaN])("a maxSize of %d is refused", (maxSize) => {
  expect(() => new Queue({ maxSize })).toThrow("Expected `maxSize` to be an integer of 1 or more");
});

test("very many getters are cancelled in no time", () =>
  withVirtualTime(async () => {
    const queue = new Queue<number>();
    await taskGroup((group) => {
      const tasks = Array.from({ length: 15_000 }, () => group.spawn(() => queue.get()));
      for (const task of tasks) task.cancel();
      expect(queue.statistics().getting).toBe(0);
    });
  }));

test("what has not been taken cannot be done, so that shutdown does not count it twice", async () => {
  const queue = new Queue<number>();
  queue.tryPut(1);
  expect(() => queue.taskDone()).toThrow("taskDone() was called more often than items were taken");
  queue.shutdown({ immediate: true });
  await queue.join();

  expect(queue.statistics().unfinished).toBe(0);
});

test(
  "what an abort listener puts is not given to who was cancelled",
  virtually(async () => {
    const queue = new Queue<string>();
    await cancelScope(async (scope) => {
      scope.signal.addEventListener("abort", () => queue.tryPut("brought back"));
      const waiting = queue.get();
      scope.cancel();
      expect(await thrownBy(waiting)).toBeInstanceOf(Cancelled);
    });

    expect(queue.tryGet()).toBe("brought back");
  }),
);

test(
  "a queue shut down by an abort listener lets who was cancelled end as cancelled",
  virtually(async () => {
    const queue = new Queue<string>();
    const outcome = await cancelScope(async (scope) => {
      scope.signal.addEventListener("abort", () => queue.shutdown());
      queueMicrotask(() => scope.cancel());
      await queue.get();
    });

    expect(outcome).toBeUndefined();
  }),
);

test(
  "an iterator that is given up takes no item with it",
  virtually(async () => {
    const queue = new Queue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);
    for await (const item of queue) if (item === 2) break;
    const iterator = queue[Symbol.asyncIterator]();
    await iterator.return();

    expect([queue.tryGet(), queue.size]).toEqual([3, 0]);
  }),
);
