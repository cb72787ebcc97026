import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { loopTurns, realTime, thrownBy } from "../../test/core/helpers.ts";
import {
  Cancelled,
  Queue,
  Semaphore,
  TimeoutError,
  background,
  breathe,
  cancelScope,
  checkpoint,
  effectiveDeadline,
  interruptible,
  map,
  moveOnAfter,
  now,
  retry,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "./index.ts";

test("time begins at 0, and jumps to the next deadline when every task waits", async () => {
  const startedMs = performance.now();
  const log = await withVirtualTime(async () => {
    const seen = [now()];
    await sleep(3_600_000);
    seen.push(now());
    await moveOnAfter(86_400_000, () => sleep(Infinity));
    return [...seen, now()];
  });

  expect(log).toEqual([0, 3_600_000, 90_000_000]);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test("it returns what its function returns and throws what that throws", async () => {
  const error = new Error("no");

  expect(await withVirtualTime(() => 1)).toBe(1);
  expect(await thrownBy(withVirtualTime(() => Promise.reject(error)))).toBe(error);
});

test("one clock rules them all: sleeps, deadlines, timeouts and retries", async () => {
  await withVirtualTime(async () => {
    expect(await thrownBy(timeout(1_000, () => sleep(2_000)))).toBeInstanceOf(TimeoutError);
    expect(now()).toBe(1_000);
    await cancelScope(async (scope) => {
      scope.deadline = now() + 500;
      expect(effectiveDeadline()).toBe(1_500);
      await sleep(Infinity);
    });
    expect(now()).toBe(1_500);
    await retry((attempt) => (attempt < 3 ? Promise.reject(new Error("no")) : 1), { backoff: () => 250 });
    expect(now()).toBe(2_000);
  });
});

test("what happens at different times happens in their order, and at one time in the order of asking", async () => {
  const log: string[] = [];
  await withVirtualTime(() =>
    taskGroup((group) => {
      for (const [name, ms] of [
        ["c", 20],
        ["a", 10],
        ["b", 10],
        ["d", 20.5],
      ] as const) {
        group.spawn(async () => {
          await sleep(ms);
          log.push(`${name} ${now()}`);
        });
      }
    }),
  );

  expect(log).toEqual(["a 10", "b 10", "c 20", "d 21"]);
});

test("time does not pass while a task computes, yields, or awaits promises of its own", async () => {
  await withVirtualTime(() =>
    taskGroup((group) => {
      group.spawn(() => sleep(1_000));
      group.spawn(async () => {
        for (let n = 0; n < 200; n++) {
          await Promise.resolve();
          await checkpoint();
          await breathe();
          await sleep(0);
        }
        expect(now()).toBe(0);
      });
    }),
  );
});

test.for([
  ["an immediate", () => loopTurns(5)],
  ["a timer of the platform", () => realTime(20)],
  ["a file", () => readFile(import.meta.filename)],
  ["an immediate, made interruptible", () => interruptible(loopTurns(5))],
  [
    "a socket",
    async () => {
      const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
      await once(server, "listening");
      const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
      const [chunk] = (await once(socket, "data")) as [Buffer];
      server.close();
      if (chunk.toString() !== "hello") throw new Error(`received ${chunk.toString()}`);
    },
  ],
] as const)("time stands still while a task waits for %s", ([, wait]) =>
  withVirtualTime(() =>
    taskGroup(async (group) => {
      const foreign = group.spawn(async () => {
        await wait();
        return now();
      });
      group.spawn(() => sleep(1));
      group.spawn(() => timeout(2, () => thrownBy(sleep(Infinity))));

      expect(await foreign.join()).toBe(0);
    }),
  ),
);

test("waits of ours in every kind of scope let time pass", async () => {
  await withVirtualTime(async () => {
    const queue = new Queue<number>();
    const semaphore = new Semaphore(1);
    await taskGroup(async (group) => {
      group.spawn(() => semaphore.run(() => sleep(10)));
      group.spawn(() => semaphore.run(() => sleep(10)));
      group.spawn(() => shield(() => moveOnAfter(50, () => queue.get())));
      group.spawn(() => taskGroup((inner) => void inner.spawn(() => taskGroup(() => sleep(30)))));
      group.spawn(() => map([1, 2, 3], () => sleep(10), { concurrency: 2 }));
      group.spawn(() => Promise.all([sleep(5), sleep(60), queue.get().catch(() => {})]));
      const joined = group.spawn(() => sleep(40));
      group.spawn(() => joined.join());
      await group.start(async (started) => {
        await sleep(70);
        started();
      });
      queue.tryPut(1);
    });

    expect(now()).toBe(70);
  });
});

test("background tasks are part of the tree, and waited for", async () => {
  const log: number[] = [];
  await withVirtualTime(() => {
    background(async () => {
      await sleep(500);
      log.push(now());
    });
  });

  expect(log).toEqual([500]);
});

test("two trees under virtual time keep times of their own", async () => {
  const [first, second] = await Promise.all([
    withVirtualTime(async () => (await sleep(100), now())),
    withVirtualTime(async () => (await sleep(7), now())),
  ]);

  expect([first, second]).toEqual([100, 7]);
});

/** Times at which tasks that get in each other's way end. */
const story = async (): Promise<string[]> => {
  const log: string[] = [];
  await withVirtualTime(() =>
    taskGroup(async (group) => {
      const semaphore = new Semaphore(2);
      for (let n = 0; n < 30; n++) {
        group.spawn(async () => {
          await sleep((n * 7) % 11);
          await moveOnAfter((n * 5) % 13, () => semaphore.run(() => sleep(n % 5)));
          log.push(`${n} ${now()}`);
        });
      }
      await sleep(9);
      group.spawn(() => sleep(3)).cancel();
    }),
  );
  return log;
};

test("the same program always happens in the same order", async () => {
  expect(await story()).toEqual(await story());
});

test("a tree that is cancelled from around ends like any other", async () => {
  let thrown: unknown;
  const { promise, resolve } = Promise.withResolvers<void>();
  await cancelScope(async (scope) => {
    void loopTurns().then(() => scope.cancel());
    await withVirtualTime(async () => {
      thrown = await thrownBy(interruptible(promise));
      resolve();
      await checkpoint();
    });
  });

  expect(thrown).toBeInstanceOf(Cancelled);
});

test("times of long ago and far ahead are times", async () => {
  await withVirtualTime(async () => {
    await sleep(1e15);
    expect(now()).toBe(1e15);
    expect(await thrownBy(timeout(-1e15, () => sleep(1)))).toBeInstanceOf(TimeoutError);
    expect(now()).toBe(1e15);
  });
});

test("very many sleepers wake at their times", async () => {
  let woken = 0;
  await withVirtualTime(() =>
    taskGroup((group) => {
      for (let n = 0; n < 20_000; n++) {
        group.spawn(async () => {
          await sleep(n % 100);
          woken++;
          if (now() !== n % 100) throw new Error(`woke at ${now()} instead of ${n % 100}`);
        });
      }
    }),
  );

  expect(woken).toBe(20_000);
});
