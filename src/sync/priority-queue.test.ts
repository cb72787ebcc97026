import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { PriorityQueue, Queue, cancelScope, checkpoint, moveOnAfter, now, sleep, taskGroup } from "../index.ts";

interface Job {
  readonly rank: number;
  readonly name: string;
}

const byRank = (a: Job, b: Job): number => a.rank - b.rank;
const job = (name: string): Job => ({ rank: Number(name[0]), name });

/** Takes everything out, without waiting. */
function drain<T>(queue: Queue<T>): T[] {
  return Array.from({ length: queue.size }, () => queue.tryGet()!);
}

test(
  "the smallest item is taken first, and equal ones in order of arrival",
  virtually(async () => {
    const queue = new PriorityQueue<Job>({ compare: byRank });
    for (const name of ["2a", "1a", "3a", "1b", "2b", "1c"]) await queue.put(job(name));

    expect(queue).toBeInstanceOf(Queue);
    expect((await queue.get()).name).toBe("1a");
    queue.tryPut(job("0a"));
    expect(drain(queue).map(({ name }) => name)).toEqual(["0a", "1b", "1c", "2a", "2b", "3a"]);
  }),
);

function sorted<T>(items: T[]): T[] {
  const queue = new PriorityQueue<T>();
  for (const item of items) queue.tryPut(item);
  return drain(queue);
}

test("numbers, bigints, strings and dates have an order of their own", () => {
  const [early, late] = [new Date(1_000), new Date(2_000)];

  expect(sorted([3, -Infinity, 3, 0.5, Infinity, -2, 3])).toEqual([-Infinity, -2, 0.5, 3, 3, 3, Infinity]);
  expect(sorted([3n, 2n ** 70n, -1n])).toEqual([-1n, 3n, 2n ** 70n]);
  expect(sorted(["b", "", "a", "B"])).toEqual(["", "B", "a", "b"]);
  expect(sorted([late, early])).toEqual([early, late]);
});

test.for<[unknown, string]>([
  [NaN, "`NaN` (number)"],
  [undefined, "`undefined` (undefined)"],
  [null, "`null` (object)"],
  [true, "`true` (boolean)"],
  [Symbol("s"), "`Symbol(s)` (symbol)"],
  [new Date(NaN), "`Invalid Date` (date)"],
  [{ rank: 1 }, "an object"],
])("without a compare, %s is refused", async ([item, shown]) => {
  const message = `Expected \`item\` to be a number, bigint, string or date, got ${shown}: give the queue a \`compare\``;
  const queue = new PriorityQueue<unknown>();

  expect(() => queue.tryPut(item)).toThrow(new TypeError(message));
  expect(await thrownBy(queue.put(item))).toEqual(new TypeError(message));
  expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 0 });
});

test("without a compare, items of different kinds are refused, also when one waits for them or there is no room", () =>
  virtually(async () => {
    const queue = new PriorityQueue<unknown>({ maxSize: 1 });
    await queue.put("text");
    const refusal = "Expected `item` to be a string as those before it, got `1` (number)";
    expect(() => queue.tryPut(1)).toThrow(refusal);
    await expect(queue.put(1)).rejects.toThrow(refusal);
    await queue.get();
    await taskGroup(async (group) => {
      group.spawn(async () => expect(await queue.get()).toBe("more text"));
      await expect(queue.put(1)).rejects.toThrow(refusal);
      await queue.put("more text");
    });
  })());

test("a compare that is no function is refused", () => {
  expect(() => new PriorityQueue({ compare: "rank" as never })).toThrow(
    new TypeError("Expected `compare` to be a function, got `rank` (string)"),
  );
  expect(() => new PriorityQueue({ maxSize: 0 })).toThrow("Expected `maxSize` to be an integer of 1 or more");
});

test(
  "when a get makes room, who has waited longest puts, whatever the item, and only then its order counts",
  virtually(async () => {
    const queue = new PriorityQueue<number>({ maxSize: 2 });
    await queue.put(5);
    await queue.put(6);
    await taskGroup(async (group) => {
      for (const item of [9, 1, 2]) group.spawn(() => queue.put(item));
      expect(queue.statistics().putting).toBe(3);
      // 1 and 2 are smaller than all, but not yet in the queue.
      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([5, 6, 1]);
      expect([await queue.get(), await queue.get()]).toEqual([2, 9]);
    });
  }),
);

test(
  "who waits for an item is handed it directly, in the order of arrival",
  virtually(async () => {
    const queue = new PriorityQueue<number>();
    const log: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["a", "b"]) group.spawn(async () => log.push(`${name} ${await queue.get()}`));
      await sleep(1);
      queue.tryPut(9);
      queue.tryPut(1);
    });

    expect(log).toEqual(["a 9", "b 1"]);
  }),
);

/** Compares by rank, and throws at every job whose name says so. */
const failing = (a: Job, b: Job): number => {
  if (a.name.endsWith("!") || b.name.endsWith("!")) throw new Error("cannot compare");
  return byRank(a, b);
};

test(
  "when comparing fails nothing is lost: put or get throws the error, and the queue is as it was",
  virtually(async () => {
    let isBroken = false;
    const queue = new PriorityQueue<Job>({ compare: (a, b) => (isBroken ? failing(job("!"), b) : byRank(a, b)) });
    for (const name of ["2", "1", "3", "4"]) await queue.put(job(name));
    const before = queue.statistics();
    isBroken = true;
    expect(() => queue.tryPut(job("0"))).toThrow("cannot compare");
    await expect(queue.put(job("0"))).rejects.toThrow("cannot compare");
    expect(() => queue.tryGet()).toThrow("cannot compare");
    await expect(queue.get()).rejects.toThrow("cannot compare");
    expect(() => queue.shutdown({ immediate: true })).toThrow("cannot compare");
    isBroken = false;

    expect(queue.statistics()).toEqual({ ...before, isShutDown: true });
    expect(drain(queue).map(({ name }) => name)).toEqual(["1", "2", "3", "4"]);
  }),
);

test(
  "a waiting put whose item cannot be compared fails alone: the get has its item, and the next one puts",
  virtually(async () => {
    const queue = new PriorityQueue<Job>({ maxSize: 2, compare: failing });
    await queue.put(job("1"));
    await queue.put(job("2"));
    await taskGroup(async (group) => {
      group.spawn(() => expect(queue.put(job("0!"))).rejects.toThrow("cannot compare"));
      group.spawn(() => queue.put(job("3")));
      expect((await queue.get()).name).toBe("1");
    });

    expect(queue.statistics()).toMatchObject({ size: 2, putting: 0, unfinished: 3 });
    expect(drain(queue).map(({ name }) => name)).toEqual(["2", "3"]);
  }),
);

test("shutdown refuses everybody who waits even if the items cannot be compared", () =>
  virtually(async () => {
    let isBroken = false;
    const compare = (a: number, b: number): number => {
      if (isBroken) throw new Error("cannot compare");
      return a - b;
    };
    const queue = new PriorityQueue<number>({ maxSize: 2, compare });
    for (const item of [1, 2]) await queue.put(item);
    await taskGroup(async (group) => {
      group.spawn(() => expect(queue.put(3)).rejects.toMatchObject({ code: "QUEUE_SHUT_DOWN" }));
      isBroken = true;
      expect(() => queue.shutdown({ immediate: true })).toThrow("cannot compare");
      await checkpoint();
    });

    isBroken = false;
    expect(queue.shutdown({ immediate: true })).toEqual([1, 2]);
  })());

test("a compare that uses the queue is refused, and the queue is as it was", () => {
  let meddle: (() => unknown) | undefined;
  const queue = new PriorityQueue<number>({
    compare: (a, b) => {
      meddle?.();
      return a - b;
    },
  });
  for (const item of [3, 1, 2]) queue.tryPut(item);
  const meddlings = [() => queue.tryGet(), () => queue.tryPut(0), () => queue.shutdown({ immediate: true })];
  for (const each of meddlings) {
    meddle = each;
    expect(() => queue.tryPut(0)).toThrow("`compare` must not use the queue whose items it compares");
  }
  meddle = undefined;

  expect(drain(queue)).toEqual([1, 2, 3]);
});

test(
  "shutdown, join, iteration and cancellation are those of every queue",
  virtually(async () => {
    const queue = new PriorityQueue<number>({ name: "jobs", maxSize: 3 });
    const taken: number[] = [];
    await cancelScope(async (scope) => {
      const waiting = queue.get();
      queue.tryPut(7);
      scope.cancel();
      taken.push(await waiting);
      queue.taskDone();
    });
    expect(await moveOnAfter(5, () => queue.get())).toBeUndefined();
    await taskGroup(async (group) => {
      for (const item of [3, 1, 2]) await queue.put(item);
      group.spawn(async () => {
        for await (const item of queue) {
          taken.push(item);
          queue.taskDone();
        }
      });
      await queue.join();
      queue.shutdown();
    });

    expect([...taken, now()]).toEqual([7, 1, 2, 3, 5]);
    expect(await thrownBy(queue.put(1))).toMatchObject({ code: "QUEUE_SHUT_DOWN" });
  }),
);

test("a stable order is kept over many equal items", () => {
  const queue = new PriorityQueue<{ rank: number; arrived: number }>({ compare: (a, b) => a.rank - b.rank });
  for (let arrived = 0; arrived < 100_000; arrived++) queue.tryPut({ rank: arrived % 3, arrived });
  let last = { rank: -1, arrived: -1 };
  let overtaken = 0;
  for (const item of drain(queue)) {
    if (item.rank < last.rank || (item.rank === last.rank && item.arrived < last.arrived)) overtaken++;
    last = item;
  }

  expect(overtaken).toBe(0);
});
