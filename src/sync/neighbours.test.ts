/** Bugs that other libraries had, and that must not be ours. Each test is named for the bug. */
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { loopTurns, thrownBy, virtually } from "../../test/core/helpers.ts";
import { waits } from "../../test/sync/waits.ts";
import type { ScopeNode } from "../core/index.ts";
import {
  type Permit,
  type Scope,
  Barrier,
  Cancelled,
  Channel,
  Condition,
  ContextVar,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  ReadWriteLock,
  Semaphore,
  cancelScope,
  checkpoint,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

async function work(): Promise<void> {
  try {
    await sleep(1_000);
  } finally {
    await shield(() => sleep(50));
  }
}

describe("a slot is freed while the work that timed out still runs (p-limit or p-queue with p-timeout)", () => {
  test(
    "timeout inside run",
    virtually(async () => {
      const slots = new Semaphore(1);
      let nextCameInAt = 0;
      await taskGroup((group) => {
        group.spawn(() => slots.run(() => timeout(10, work)).catch(() => {}));
        group.spawn(() => slots.run(() => (nextCameInAt = now())));
      });

      expect(nextCameInAt).toBe(60);
    }),
  );

  test(
    "timeout around run",
    virtually(async () => {
      const lock = new Lock();
      let nextCameInAt = 0;
      await taskGroup((group) => {
        group.spawn(() => timeout(10, () => lock.run(work)).catch(() => {}));
        group.spawn(() => lock.run(() => (nextCameInAt = now())));
      });

      expect(nextCameInAt).toBe(60);
    }),
  );
});

test(
  "an item is given to a reader that gave up (async queues with an AbortSignal)",
  virtually(async () => {
    for (const queue of [new Queue<string>(), new LifoQueue<string>(), new PriorityQueue<string>()]) {
      await moveOnAfter(5, () => queue.get());
      await queue.put("item");
      expect(queue.tryGet()).toBe("item");
    }
  }),
);

test(
  "an item stays in the queue although its writer gave up (async queues with an AbortSignal)",
  virtually(async () => {
    const queue = new Queue<string>({ maxSize: 1 });
    const channel = new Channel<string>();
    await queue.put("first");
    await moveOnAfter(5, () => queue.put("given up"));
    await moveOnAfter(5, () => channel.send("given up"));
    expect([queue.tryGet(), queue.tryGet()]).toEqual(["first", undefined]);
    await taskGroup((group) => {
      group.spawn(() => channel.send("wanted"));
      group.spawn(async () => expect(await channel.receive()).toBe("wanted"));
    });
  }),
);

test(
  "an item is lost when put and cancel cross (asyncio bpo-23812, tornado #2826)",
  virtually(async () => {
    const queue = new Queue<string>();
    const channel = new Channel<string>();
    const received: string[] = [];
    await taskGroup((group) => {
      const getter = group.spawn(async () => received.push(await queue.get()));
      const receiver = group.spawn(async () => received.push(await channel.receive()));
      queue.tryPut("queued");
      group.spawn(() => channel.send("sent"));
      getter.cancel();
      receiver.cancel();
    });

    expect(received.toSorted()).toEqual(["queued", "sent"]);
  }),
);

test(
  "waits stay pending for ever after a clear or a shutdown (p-limit clearQueue, p-queue clear)",
  virtually(async () => {
    const queue = new Queue<number>({ maxSize: 1 });
    const empty = new PriorityQueue<number>();
    const channel = new Channel<number>();
    const barrier = new Barrier(2);
    const ended: string[] = [];
    const read = async (source: AsyncIterable<number>): Promise<void> => {
      for await (const item of source) ended.push(`item ${item}`);
    };
    await queue.put(1);
    await taskGroup(async (group) => {
      const pending: [string, () => Promise<unknown>][] = [
        ["put", () => queue.put(2)],
        ["join", () => queue.join()],
        ["get", () => empty.get()],
        ["for await queue", () => read(empty)],
        ["receive", () => channel.receive()],
        ["for await channel", () => read(channel)],
        ["barrier", () => barrier.wait()],
      ];
      for (const [name, wait] of pending) {
        group.spawn(() =>
          wait().then(
            () => ended.push(name),
            (error: { code: string }) => ended.push(`${name}: ${error.code}`),
          ),
        );
      }
      await checkpoint();
      queue.shutdown({ immediate: true });
      empty.shutdown();
      channel.close();
      barrier.abort();
    });

    expect(ended.toSorted()).toEqual([
      "barrier: BARRIER_ABORTED",
      "for await channel",
      "for await queue",
      "get: QUEUE_SHUT_DOWN",
      "join",
      "put: QUEUE_SHUT_DOWN",
      "receive: CHANNEL_CLOSED",
    ]);
  }),
);

type Grantable = readonly [name: string, acquire: () => Promise<Permit>, isFree: () => boolean];

/** Everything that gives a permit to one at a time, new. */
function grantables(): Grantable[] {
  const [semaphore, lock, writing] = [new Semaphore(1), new Lock(), new ReadWriteLock()];
  return [
    ["Semaphore", () => semaphore.acquire(), () => semaphore.statistics().inUse === 0],
    ["Lock", () => lock.acquire(), () => !lock.isLocked],
    ["ReadWriteLock", () => writing.acquireWrite(), () => !writing.statistics().isWriting],
  ];
}

describe.for(grantables().map(([name]) => name))("%s", (kind) => {
  const make = (): Grantable => grantables().find(([name]) => name === kind)!;

  test(
    "a permit is lost when grant and cancel cross (asyncio bpo-45997, anyio #947)",
    virtually(async () => {
      const [, acquire, isFree] = make();
      const log: string[] = [];
      await taskGroup(async (group) => {
        const first = await acquire();
        const crossed = group.spawn(async () => {
          using permit = await acquire();
          log.push(`granted ${permit !== undefined}`);
          await checkpoint();
          log.push("not here");
        });
        group.spawn(async () => {
          using permit = await acquire();
          log.push(`next ${permit !== undefined}`);
        });
        first.release();
        crossed.cancel();
      });

      expect(log).toEqual(["granted true", "next true"]);
      expect(isFree()).toBe(true);
    }),
  );

  test(
    "a waiter is cancelled, and released to all the same (asyncio #393, anyio #1145)",
    virtually(async () => {
      const [, acquire, isFree] = make();
      const log: string[] = [];
      await taskGroup(async (group) => {
        const first = await acquire();
        const hold = (name: string) => async (): Promise<void> => {
          using permit = await acquire();
          log.push(`${name} ${permit !== undefined}`);
        };
        const cancelled = [group.spawn(hold("first")), group.spawn(hold("second"))];
        group.spawn(hold("third"));
        for (const task of cancelled) task.cancel();
        first.release();
      });

      expect(log).toEqual(["third true"]);
      expect(isFree()).toBe(true);
    }),
  );

  test(
    "it is not free at once after waits for it have timed out (async-mutex #54)",
    virtually(async () => {
      const [, acquire, isFree] = make();
      const permit = await acquire();
      for (let n = 0; n < 3; n++) await moveOnAfter(5, acquire);
      permit.release();

      expect(isFree()).toBe(true);
    }),
  );

  test(
    "cancelled waiters behind the holder run their work when it is released (repoprompt #492)",
    virtually(async () => {
      const [, acquire, isFree] = make();
      let entered = 0;
      await cancelScope(async (scope) => {
        const permit = await acquire();
        await taskGroup((group) => {
          for (let n = 0; n < 3; n++) {
            group.spawn(async () => {
              const another = await acquire();
              entered++;
              another.release();
            });
          }
          // Runs after the scope is cancelled, and before its waits are.
          scope.signal.addEventListener("abort", () => permit.release());
          scope.cancel();
        });
      });

      expect(entered).toBe(0);
      expect(isFree()).toBe(true);
    }),
  );
});

test(
  "tryAcquire takes the slot that a woken waiter is on its way to (anyio #1170)",
  virtually(async () => {
    const [semaphore, lock] = [new Semaphore(1), new Lock()];
    await taskGroup(async (group) => {
      for (const limiter of [semaphore, lock]) {
        const permit = await limiter.acquire();
        group.spawn(() => limiter.run(() => checkpoint()));
        permit.release();
        expect(limiter.tryAcquire()).toBeUndefined();
      }
    });
  }),
);

test(
  "raising a limit that is overdrawn lets too many in (anyio #1223)",
  virtually(async () => {
    const semaphore = new Semaphore(3);
    await taskGroup(async (group) => {
      const permits = [await semaphore.acquire(), await semaphore.acquire(), await semaphore.acquire()];
      semaphore.limit = 1;
      group.spawn(() => semaphore.run(() => {}));
      semaphore.limit = 2;
      expect(semaphore.statistics()).toEqual({ limit: 2, inUse: 3, waiting: 1 });
      for (const permit of permits) permit.release();
    });
  }),
);

test(
  "a cancelled waiter takes the notification with it (asyncio bpo-27585 and gh-112202, tokio #4618)",
  virtually(async () => {
    const condition = new Condition();
    const log: string[] = [];
    await taskGroup(async (group) => {
      const wait = (name: string) => () =>
        condition.run(async () => {
          await condition.wait();
          log.push(name);
        });
      const before = group.spawn(wait("cancelled before"));
      group.spawn(wait("next"));
      const crossed = group.spawn(wait("cancelled in the same turn"));
      group.spawn(wait("last"));
      await checkpoint();
      before.cancel();
      condition.notify();
      // Notified, and cancelled while it waits for the lock: it has what it waited for.
      await condition.run(async () => {
        condition.notify();
        crossed.cancel();
        await checkpoint();
        condition.notify();
      });
    });

    expect(log).toEqual(["next", "cancelled in the same turn", "last"]);
  }),
);

test(
  "a condition's waiter is cancelled twice, and goes on without the lock (asyncio gh-112202)",
  virtually(async () => {
    const condition = new Condition();
    const log: string[] = [];
    await taskGroup(async (group) => {
      const waiter = group.spawn(() =>
        condition.run(() => condition.wait().finally(() => log.push(`locked ${condition.statistics().isLocked}`))),
      );
      await condition.run(async () => {
        waiter.cancel();
        await sleep(5);
        waiter.cancel();
        await sleep(5);
        log.push("let go");
      });
    });

    expect(log).toEqual(["let go", "locked true"]);
    expect(condition.statistics().isLocked).toBe(false);
  }),
);

test(
  "readers stay behind a writer that was cancelled (read-write locks on a queue of turns)",
  virtually(async () => {
    const lock = new ReadWriteLock();
    let read = 0;
    await taskGroup(async (group) => {
      const reading = await lock.acquireRead();
      const writers = [group.spawn(() => lock.runWrite(() => {})), group.spawn(() => lock.runWrite(() => {}))];
      for (let n = 0; n < 3; n++) group.spawn(() => lock.runRead(() => read++));
      for (const writer of writers) writer.cancel();
      await checkpoint();
      expect(read).toBe(3);
      reading.release();
    });
  }),
);

const storage = new AsyncLocalStorage<string>();
const variable = new ContextVar<string>("who");
const as = <T>(who: string, fn: () => T): T => storage.run(who, () => variable.run(who, fn));

test.for(Object.entries(waits))(
  "%s: who waited goes on in the context of who let it go on (p-limit, p-queue #200)",
  ([, make]) =>
    virtually(async () => {
      const seen: unknown[] = [];
      const look = (): unknown => seen.push([storage.getStore(), variable.get()]);
      const { wait, release } = make();
      await taskGroup(async (group) => {
        as("waiter", () =>
          group.spawn(() =>
            wait()
              .catch(() => {})
              .then(look),
          ),
        );
        as("async waiter", () => group.spawn(async () => (await moveOnAfter(10, wait).catch(() => {}), look())));
        await sleep(5);
        await as("releaser", async () => {
          await release();
          look();
        });
        expect([storage.getStore(), variable.get()]).toEqual([undefined, undefined]);
      });

      expect(seen).toHaveLength(3);
      expect(seen).toEqual(expect.arrayContaining(["waiter", "async waiter", "releaser"].map((name) => [name, name])));
    })(),
);

/** The waits that are pending in a scope, without keeping them. */
function waitersIn(scope: Scope): WeakRef<object>[] {
  const waiters: WeakRef<object>[] = [];
  for (let waiter = (scope as ScopeNode).firstWaiter; waiter !== null; waiter = waiter.nextInScope) {
    waiters.push(new WeakRef(waiter));
  }
  return waiters;
}

const each = Math.ceil(100_000 / Object.keys(waits).length);

test("waiters that were cancelled stay in memory (rwlock, p-queue before signals)", () =>
  virtually(async () => {
    const things = Object.values(waits).map((make) => make());
    const before = things.map(({ of }) => of.statistics());
    let waiters: WeakRef<object>[] = [];
    await cancelScope(async (scope) => {
      const ended = things.flatMap(({ wait }) => Array.from({ length: each }, () => thrownBy(wait())));
      // Those who go through a lock do so one after the other.
      await loopTurns();
      waiters = waitersIn(scope);
      scope.cancel();
      for (const error of await Promise.all(ended)) {
        if (!(error instanceof Cancelled)) throw error;
      }
    });
    await loopTurns();
    globalThis.gc!();

    expect(waiters.length).toBeGreaterThanOrEqual(100_000);
    expect(waiters.filter((waiter) => waiter.deref() !== undefined)).toEqual([]);
    expect(things.map(({ of }) => of.statistics())).toEqual(before);
  })());
