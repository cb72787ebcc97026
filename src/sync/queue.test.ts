import fc from "fast-check";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, times, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type Task,
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

    expect(() => queue.taskDone()).toThrow("taskDone() was called more often than items were put");
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

/** What is done to the queue next. Which of the tasks is meant is chosen by the number. */
type Step = "put" | "get" | "tryPut" | "tryGet" | "taskDone" | "shutdown" | "shutdown now" | "pause" | number;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom<Step>("put", "get") },
  { weight: 8, arbitrary: fc.constantFrom<Step>("tryPut", "tryGet", "taskDone", "pause") },
  { weight: 4, arbitrary: fc.nat() },
  { weight: 1, arbitrary: fc.constantFrom<Step>("shutdown", "shutdown now") },
);

/** A queue so simple that it must be right. Tasks are known by their number, items too. */
class Model {
  items: number[] = [];
  putters: { task: number; item: number }[] = [];
  getters: number[] = [];
  unfinished = 0;
  isShutDown = false;
  /** What became of each task: the item it got, "put", or "refused". Nothing yet, or cancelled, is no entry. */
  readonly outcomes = new Map<number, number | string>();
  readonly maxSize: number;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  accept(item: number): boolean {
    const getter = this.getters.shift();
    if (getter !== undefined) this.outcomes.set(getter, item);
    else if (this.items.length < this.maxSize) this.items.push(item);
    else return false;
    this.unfinished++;
    return true;
  }

  take(): number | undefined {
    const item = this.items.shift();
    if (item === undefined) return undefined;
    const putter = this.putters.shift();
    if (putter !== undefined) {
      this.items.push(putter.item);
      this.unfinished++;
      this.outcomes.set(putter.task, "put");
    }
    return item;
  }

  put(task: number, item: number): void {
    if (this.isShutDown) this.outcomes.set(task, "refused");
    else if (this.accept(item)) this.outcomes.set(task, "put");
    else this.putters.push({ task, item });
  }

  get(task: number): void {
    const item = this.take();
    if (item !== undefined) this.outcomes.set(task, item);
    else if (this.isShutDown) this.outcomes.set(task, "refused");
    else this.getters.push(task);
  }

  cancel(task: number): void {
    this.putters = this.putters.filter((putter) => putter.task !== task);
    this.getters = this.getters.filter((getter) => getter !== task);
  }

  shutdown(immediate: boolean): number[] {
    this.isShutDown = true;
    const removed = immediate ? this.items.splice(0) : [];
    this.unfinished -= removed.length;
    for (const task of [...this.putters.splice(0).map((putter) => putter.task), ...this.getters.splice(0)]) {
      this.outcomes.set(task, "refused");
    }
    return removed;
  }
}

/** What a call returns, or the name of the error it throws. */
function resultOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Error).name;
  }
}

test("whatever the order of put, get, cancel, taskDone and shutdown: every item is delivered exactly once, in turn", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 2, 5, Infinity), (steps, maxSize) =>
      withVirtualTime(async (root) => {
        const queue = new Queue<number>({ maxSize });
        const model = new Model(maxSize);
        const outcomes = new Map<number, number | string>();
        const tasks: Task<void>[] = [];
        let lastItem = 0;
        await taskGroup(async (group) => {
          const start = (call: () => Promise<number | void>): number => {
            const id = tasks.length;
            const task = group.spawn(async () => {
              try {
                outcomes.set(id, (await call()) ?? "put");
              } catch (error) {
                if (!(error instanceof QueueShutDownError)) throw error;
                outcomes.set(id, "refused");
              }
            });
            tasks.push(task);
            return id;
          };
          for (const next of steps) {
            let seen: unknown;
            let expected: unknown;
            switch (next) {
              case "put": {
                const item = ++lastItem;
                const task = start(() => queue.put(item));
                model.put(task, item);
                break;
              }
              case "get":
                model.get(start(() => queue.get()));
                break;
              case "tryPut":
                seen = resultOf(() => queue.tryPut(++lastItem));
                expected = model.isShutDown ? "QueueShutDownError" : model.accept(lastItem);
                break;
              case "tryGet":
                seen = queue.tryGet();
                expected = model.take();
                break;
              case "taskDone":
                seen = resultOf(() => queue.taskDone());
                expected = model.unfinished === 0 ? "Error" : undefined;
                model.unfinished = Math.max(0, model.unfinished - 1);
                break;
              case "shutdown":
              case "shutdown now":
                seen = queue.shutdown({ immediate: next === "shutdown now" });
                expected = model.shutdown(next === "shutdown now");
                break;
              case "pause":
                await loopTurns();
                break;
              default:
                if (tasks.length === 0) break;
                tasks[next % tasks.length]!.cancel();
                model.cancel(next % tasks.length);
            }
            expect(seen).toEqual(expected);
            expect(queue.statistics()).toEqual({
              size: model.items.length,
              maxSize,
              putting: model.putters.length,
              getting: model.getters.length,
              unfinished: model.unfinished,
              isShutDown: model.isShutDown,
            });
          }
          await loopTurns();
          group.cancel();
        });

        expect(outcomes).toEqual(model.outcomes);
        expect(whatIsLeft(root)).toEqual([]);
      }),
    ),
    times(150),
  ));
