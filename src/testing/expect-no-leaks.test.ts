import { once } from "node:events";
import { type AddressInfo, type Server, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { never, thrownBy, warningsOf } from "../../test/core/helpers.ts";
import {
  type Scope,
  Cancelled,
  Lock,
  Queue,
  ReadWriteLock,
  Semaphore,
  background,
  cancelScope,
  interruptible,
  run,
  shield,
  sleep,
  taskGroup,
} from "../index.ts";
import { LeakError, cancelEverywhere, expectNoLeaks, withVirtualTime } from "./index.ts";

/** What `fn` leaves behind, under virtual time. */
async function leftBy(fn: (scope: Scope) => unknown): Promise<readonly string[]> {
  const error = await thrownBy(withVirtualTime(() => expectNoLeaks(fn)));
  expect(error).toBeInstanceOf(LeakError);
  return (error as LeakError).left;
}

function ignore(): void {}

async function tidy(scope: Scope): Promise<number> {
  const [semaphore, queue] = [new Semaphore(1), new Queue<number>()];
  scope.signal.addEventListener("abort", ignore);
  const sum = await taskGroup(async (group) => {
    group.spawn(() => semaphore.run(() => queue.put(1)));
    group.spawn(() => semaphore.run(() => queue.put(2)));
    return (await queue.get()) + (await queue.get());
  });
  await sleep(1);
  scope.signal.removeEventListener("abort", ignore);
  return sum;
}

test("what gives back all it has taken returns its value, under virtual time, in a run, and outside any", async () => {
  expect(await withVirtualTime(() => expectNoLeaks(tidy))).toBe(3);
  expect(await run(() => expectNoLeaks(tidy), { signals: false })).toBe(3);
  expect(await expectNoLeaks(tidy)).toBe(3);
});

test("a task that goes on in the background is left behind, and is cancelled", async () => {
  let end: unknown;
  const left = await leftBy(() => {
    background(
      async () => {
        end = await thrownBy(sleep(50));
      },
      { name: "straggling" },
    );
  });

  expect(left).toEqual(["task straggling in the background"]);
  expect(end).toBeInstanceOf(Cancelled);
});

test.for([
  ['a wait for an item in Queue "jobs" in expectNoLeaks', () => new Queue({ name: "jobs" }).get()],
  ["shield in expectNoLeaks", () => shield(() => sleep(5))],
  ["a wait for sleep, 5 ms left in group", () => taskGroup(() => void sleep(5).catch(ignore))],
] as const)("%s, which nobody awaits, is left behind", async ([what, start]) => {
  expect(await leftBy(() => void Promise.resolve(start()).catch(ignore))).toEqual([`${what}, which nobody awaits`]);
});

test.for([
  ["Semaphore: inUse is 2, was 0", () => new Semaphore(3).acquire(2)],
  ['Lock "door": inUse is 1, was 0', () => new Lock({ name: "door" }).acquire()],
  ["ReadWriteLock: inUse is 1, was 0", () => new ReadWriteLock().acquireRead()],
] as const)("a permit is left behind: %s", async ([what, take]) => {
  expect(await leftBy(take)).toEqual([what]);
});

test("permits that were held before are not left behind, and may be given back", async () => {
  const semaphore = new Semaphore(3);
  const earlier = await semaphore.acquire(2);

  await expectNoLeaks(() => semaphore.run(ignore));
  await expectNoLeaks(async () => {
    await semaphore.run(ignore);
    earlier.release();
  });
  expect(semaphore.statistics().inUse).toBe(0);
});

test("a timer of the platform is left behind, and one of ours never is", async () => {
  const timers: NodeJS.Timeout[] = [];
  const left = await leftBy(() => {
    timers.push(setTimeout(ignore, 60_000), setTimeout(ignore, 60_000), setTimeout(ignore, 60_000));
    timers[0]!.unref();
    timers.push(setTimeout(ignore, 60_000), setTimeout(ignore, 1));
    clearTimeout(timers[3]);
  });
  for (const timer of timers) clearTimeout(timer);

  expect(left).toEqual(["2 x Timeout"]);
  await taskGroup(async (group) => {
    group.spawn(() => sleep(10));
    await expectNoLeaks(() => Promise.resolve());
  });
});

test("a socket is left behind, unless it closes within some turns of the loop", async () => {
  const servers: Server[] = [];
  const listen = async (): Promise<Server> => {
    const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return server;
  };
  const left = await leftBy(listen);
  await expectNoLeaks(async () => {
    const server = await listen();
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    server.close();
  });
  for (const server of servers) server.close();

  expect(left).toEqual(["TCPServerWrap"]);
});

test("listeners on signals of scopes are left behind, unless the signal has aborted", async () => {
  expect(
    await leftBy(async (scope) => {
      scope.signal.addEventListener("abort", ignore);
      await cancelScope(
        ({ signal }) => {
          signal.addEventListener("abort", ignore);
          signal.addEventListener("abort", () => {});
        },
        { name: "inner" },
      );
      await cancelScope((aborted) => {
        aborted.signal.addEventListener("abort", ignore);
        aborted.cancel();
      });
    }),
  ).toEqual(["1 listener on the signal of expectNoLeaks", "2 listeners on the signal of inner"]);
});

test("a foreign promise that was given up is left behind, and not warned of besides", async () => {
  let left: readonly string[] = [];
  const warnings = await warningsOf(async () => {
    left = await leftBy(() =>
      cancelScope(
        async (scope) => {
          queueMicrotask(() => scope.cancel());
          await interruptible(never);
        },
        { name: "impatient" },
      ),
    );
  });

  expect(left).toEqual(["a foreign promise that impatient has stopped waiting for"]);
  expect(warnings).toEqual([]);
});

test("foreign work that stops when it is told to is not left behind", async () => {
  await expectNoLeaks(() =>
    cancelScope(async (scope) => {
      queueMicrotask(() => scope.cancel());
      await interruptible((signal) => once(new EventTarget(), "never", { signal }));
    }),
  );
  await expect(expectNoLeaks(() => 1)).resolves.toBe(1);
});

test("the function's own error is thrown, whatever it leaves behind", async () => {
  const error = new Error("no");
  const thrown = await thrownBy(
    expectNoLeaks(async () => {
      await new Semaphore(1).acquire();
      throw error;
    }),
  );

  expect(thrown).toBe(error);
});

test("all that is left behind is named together", async () => {
  const error = await thrownBy(
    withVirtualTime(() =>
      expectNoLeaks(async () => {
        background(() => sleep(1), { name: "one" });
        background(() => sleep(1), { name: "two" });
        await new Semaphore(1, { name: "db" }).acquire();
      }),
    ),
  );

  expect(error).toMatchObject({
    code: "LEAKED",
    left: ["task one in the background", "task two in the background", 'Semaphore "db": inUse is 1, was 0'],
    message: 'left behind: task one in the background, task two in the background, Semaphore "db": inUse is 1, was 0',
  });
});

test("checkpoints in it are part of a sweep around it", async () => {
  expect(await cancelEverywhere(() => expectNoLeaks(() => sleep(5)))).toEqual({ checkpoints: 1, runs: 3 });
});
