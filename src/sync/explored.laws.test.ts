/** Each primitive in every order that a seed can make of it, and cancelled at each of its checkpoints. */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import { expect, test } from "vitest";
import {
  type TaskGroup,
  Barrier,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  ReadWriteLock,
  Semaphore,
  checkpoint,
  moveOnAfter,
  sleep,
  taskGroup,
} from "../index.ts";
import { cancelEverywhere, explore } from "../testing/index.ts";

interface Pipe {
  readonly send: (item: number) => Promise<void>;
  readonly source: AsyncIterable<number>;
  /** Nothing more will be sent. */
  readonly end: () => void;
  /** What nobody has taken. */
  readonly left: () => number[];
}

/** Passes what producers send to consumers who leave at different times, and sees to it that each item comes once. */
async function passOn({ send, source, end, left }: Pipe): Promise<void> {
  const sent: number[] = [];
  const received: number[] = [];
  try {
    await taskGroup(async (group) => {
      for (const count of [1, Infinity]) {
        group.spawn(async () => {
          let wanted = count;
          for await (const item of source) {
            received.push(item);
            if (--wanted === 0) break;
            await checkpoint();
          }
        });
      }
      await taskGroup((producers) => {
        for (const first of [1, 4]) {
          producers.spawn(async () => {
            for (let item = first; item < first + 3; item++) {
              await send(item);
              sent.push(item);
            }
          });
        }
      });
      end();
    });
  } finally {
    deepStrictEqual([...received, ...left()].toSorted(byNumber), sent.toSorted(byNumber));
  }
}

const byNumber = (a: number, b: number): number => a - b;

const passOnThrough = (queue: Queue<number>): Promise<void> =>
  passOn({
    send: (item) => queue.put(item),
    source: queue,
    end: () => queue.shutdown(),
    left: () => queue.shutdown({ immediate: true }),
  });

/** Spawns a task that may come later than others that were spawned later. */
function come(group: TaskGroup, fn: () => unknown): void {
  group.spawn(async () => {
    await checkpoint();
    await fn();
  });
}

const scenarios: Record<string, () => Promise<void>> = {
  Semaphore: async () => {
    const semaphore = new Semaphore(3);
    let inside = 0;
    await taskGroup((group) => {
      for (const weight of [2, 3, 1, 1]) {
        come(group, () =>
          moveOnAfter(2 * weight, async () => {
            using permit = await semaphore.acquire(weight);
            inside += weight;
            ok(permit !== undefined && inside <= 3);
            await checkpoint().finally(() => (inside -= weight));
            await sleep(3);
          }),
        );
      }
    });
  },

  Lock: async () => {
    const lock = new Lock();
    let holders = 0;
    await taskGroup((group) => {
      for (let task = 0; task < 3; task++) {
        come(group, async () => {
          for (let turn = 0; turn < 2; turn++) {
            await lock.run(async () => {
              equal(++holders, 1);
              await checkpoint().finally(() => holders--);
            });
          }
        });
      }
      come(group, () => lock.tryAcquire()?.release());
    });
  },

  ReadWriteLock: async () => {
    const lock = new ReadWriteLock();
    let readers = 0;
    let writers = 0;
    const read = async (): Promise<void> => {
      readers++;
      equal(writers, 0);
      await checkpoint().finally(() => readers--);
    };
    const write = async (): Promise<void> => {
      writers++;
      deepStrictEqual([readers, writers], [0, 1]);
      await checkpoint().finally(() => writers--);
    };
    await taskGroup((group) => {
      for (let task = 0; task < 2; task++) {
        come(group, () => lock.runRead(read));
        come(group, () => moveOnAfter(task, () => lock.runWrite(write)));
        come(group, () => lock.runRead(read));
        come(group, () => lock.runWrite(write));
      }
    });
  },

  Condition: async () => {
    const lock = new Lock();
    const [filled, emptied] = [new Condition(lock), new Condition(lock)];
    const mustBeHeld = (): void => equal(lock.tryAcquire(), undefined);
    const made: number[] = [];
    const shelf: number[] = [];
    const taken: number[] = [];
    try {
      await taskGroup((group) => {
        for (const item of [1, 2, 3]) {
          come(group, () =>
            lock.run(async () => {
              await emptied.waitFor(() => shelf.length === 0).finally(mustBeHeld);
              shelf.push(item);
              made.push(item);
              filled.notify();
            }),
          );
          come(group, () =>
            lock.run(async () => {
              await filled.waitFor(() => shelf.length > 0).finally(mustBeHeld);
              taken.push(shelf.pop()!);
              emptied.notify();
            }),
          );
        }
      });
    } finally {
      deepStrictEqual([...taken, ...shelf].toSorted(byNumber), made.toSorted(byNumber));
    }
  },

  Barrier: async () => {
    const barrier = new Barrier(3);
    const places: number[] = [];
    await taskGroup((group) => {
      for (let party = 0; party < 3; party++) {
        come(group, async () => {
          await moveOnAfter(party, () => barrier.wait());
          await sleep(5);
          places.push(await barrier.wait());
        });
      }
    });
    deepStrictEqual(places.toSorted(byNumber), [0, 1, 2]);
  },

  Event: async () => {
    const event = new Event();
    let wasSet = false;
    await taskGroup(async (group) => {
      for (let waiter = 0; waiter < 3; waiter++) {
        come(group, async () => {
          await event.wait();
          ok(wasSet);
        });
      }
      await moveOnAfter(5, () => event.wait());
      wasSet = true;
      event.set();
      event.clear();
      await checkpoint();
      event.set();
    });
    equal(event.statistics().waiting, 0);
  },

  Queue: () => passOnThrough(new Queue({ maxSize: 2 })),
  LifoQueue: () => passOnThrough(new LifoQueue({ maxSize: 1 })),
  PriorityQueue: () => passOnThrough(new PriorityQueue({ maxSize: 2, compare: (a, b) => b - a })),

  "Queue.join": async () => {
    const queue = new Queue<number>();
    let done = 0;
    await taskGroup(async (group) => {
      for (let worker = 0; worker < 2; worker++) {
        group.spawn(
          async () => {
            for (;;) {
              await queue.get();
              await checkpoint();
              done++;
              queue.taskDone();
            }
          },
          { daemon: true },
        );
      }
      for (let item = 0; item < 3; item++) await queue.put(item);
      await queue.join();
      equal(done, 3);
    });
  },

  Channel: async () => {
    const channel = new Channel<number>();
    await passOn({
      send: async (item) => {
        using mine = channel.clone();
        await mine.send(item);
      },
      source: channel,
      end: () => channel.close(),
      left: () => [],
    });
  },

  "Channel with room": async () => {
    const channel = new Channel<number>({ capacity: 2 });
    await taskGroup(async (group) => {
      const received: number[] = [];
      group.spawn(async () => {
        for await (const value of channel) received.push(value);
        deepStrictEqual(received.toSorted(byNumber), [1, 2, 3, 11, 12, 13]);
      });
      for (const start of [0, 10]) {
        const mine = channel.clone();
        group.spawn(async () => {
          for (const step of [1, 2, 3]) await mine.send(start + step);
          mine.close();
        });
      }
      channel.close();
    });
  },
};

/** Who waits for a task that was cancelled alone gives up in the end. */
const givingUp = (scenario: () => Promise<void>) => (): Promise<unknown> => moveOnAfter(1_000, scenario);

test.for(Object.entries(scenarios))("%s keeps its laws in every order", async ([, scenario]) => {
  const { orders } = await explore(scenario, { seeds: 200 });

  expect(orders).toBeGreaterThan(20);
});

test.for(Object.entries(scenarios))(
  "%s leaves nothing behind, wherever all of it is cancelled",
  async ([, scenario]) => {
    const { runs } = await cancelEverywhere(scenario, { seeds: 3 });

    expect(runs).toBeGreaterThan(20);
  },
);

test.for(Object.entries(scenarios))("%s leaves nothing behind, wherever a task is cancelled", async ([, scenario]) => {
  const { runs } = await cancelEverywhere(givingUp(scenario), { cancel: "task", seeds: 3 });

  expect(runs).toBeGreaterThan(20);
});
