import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { loopTurns, realTime, thrownBy, warningsOf } from "../../test/core/helpers.ts";
import {
  type Scope,
  Cancelled,
  Event,
  Lock,
  Queue,
  Semaphore,
  background,
  cancelScope,
  interruptible,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { DeadlockError, withVirtualTime } from "./index.ts";
import { VirtualRun } from "./internal/virtual-run.ts";

/** Virtual time with so little patience that a test need not wait for its end. */
function impatiently<T>(fn: (scope: Scope) => T | PromiseLike<T>, heldMs = 60): Promise<T> {
  return new VirtualRun("test", { patience: { deadlockMs: 40, heldMs } }).run(fn);
}

/** The tree that a deadlock error draws. */
async function deadlockOf(fn: (scope: Scope) => unknown): Promise<string> {
  const error = await thrownBy(impatiently(fn));
  expect(error).toBeInstanceOf(DeadlockError);
  return (error as DeadlockError).tree;
}

function takeBoth(first: Lock, second: Lock): Promise<void> {
  return first.run(() => sleep(1).then(() => second.run(() => {})));
}

test("while the process stands still, nothing is taken for a deadlock", async () => {
  const said = new Event();
  const sayLater = async (): Promise<void> => {
    await loopTurns(10);
    // All of it is busy with something else: a collection of garbage, or another process.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 450);
    await loopTurns(10);
    said.set();
  };
  const saying = sayLater();
  await new VirtualRun("test", { patience: { deadlockMs: 400 } }).run(() => said.wait());
  await saying;
  expect(said.isSet).toBe(true);
});

test("where everything waits and nothing is timed, the tree ends with an error that says who waits for what", async () => {
  const error = await thrownBy(
    withVirtualTime(() =>
      taskGroup((group) => {
        const [left, right] = [new Lock({ name: "left" }), new Lock({ name: "right" })];
        group.spawn(() => takeBoth(left, right), { name: "one" });
        group.spawn(() => takeBoth(right, left), { name: "two" });
      }),
    ),
  );

  expect(error).toMatchObject({ name: "DeadlockError", code: "DEADLOCK" });
  expect((error as Error).message).toBe(
    [
      "everything waits, and no timer is set that could end it:",
      "withVirtualTime",
      "└─ group",
      '   ├─ one: waits for Lock "right", place 1 of 1',
      '   └─ two: waits for Lock "left", place 1 of 1',
    ].join("\n"),
  );
});

function waitForEver(): Promise<void> {
  return new Event().wait();
}

const deadlocks: readonly (readonly [string, () => unknown])[] = [
  ["test: waits for an item in Queue", () => new Queue().get()],
  ["test: waits for Semaphore, place 1 of 1", () => new Semaphore(0).acquire()],
  ["test\n└─ shield: waits for Event to be set", () => shield(waitForEver)],
  ["test\n└─ work: waits for Event to be set", () => void background(waitForEver, { name: "work" })],
  ["test\n└─ inner: waits for Event to be set", () => run(waitForEver, { signals: false, name: "inner" })],
];

test.for(deadlocks)("a deadlock: %s", async ([tree, fn]) => {
  expect(await deadlockOf(fn)).toBe(tree);
});

test("everything that a deadlock has caught is cancelled, and cleans up", async () => {
  const log: string[] = [];
  await deadlockOf(() =>
    taskGroup((group) => {
      group.spawn(async () => {
        try {
          await new Event().wait();
        } finally {
          await shield(() => sleep(50));
          log.push("cleaned up");
        }
      });
      group.spawn(async () => {
        log.push((await thrownBy(shield(() => new Event().wait()))) instanceof Cancelled ? "cancelled" : "no");
      });
    }),
  );

  expect(log).toEqual(["cleaned up", "cancelled"]);
});

test("a deadlock inside is not one while somebody else works, sleeps, or waits for something foreign", async () => {
  const event = new Event();
  await impatiently(() =>
    taskGroup((group) => {
      group.spawn(() => event.wait());
      group.spawn(async () => {
        await realTime(80);
        await interruptible(realTime(80));
        await sleep(5_000);
        event.set();
      });
    }),
  );

  expect(event.isSet).toBe(true);
});

test("nothing is a deadlock while the process has a timer or a socket that it did not have before", async () => {
  const warnings = await warningsOf(async () => {
    const byTimer = new Event();
    await impatiently(async () => {
      setTimeout(() => byTimer.set(), 150);
      await byTimer.wait();
    }, Infinity);
    const server = createServer();
    const bySocket = new Event();
    const ended = impatiently(async () => {
      server.listen(0, "127.0.0.1");
      await bySocket.wait();
    });
    await once(process, "warning");
    server.close();
    bySocket.set();
    await ended;
  });

  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ code: "TASKWRIGHT_TIME_HELD" });
  expect(warnings[0]!.message).toBe(
    "everything has waited for 60 ms, for something from outside:\ntest: waits for Event to be set",
  );
});

test("nothing is a deadlock while something from outside changes what is waited for", async () => {
  const queue = new Queue<number>();
  const ended = impatiently(async () => {
    let sum = 0;
    for (let n = 0; n < 6; n++) sum += await queue.get();
    return sum;
  });
  for (let n = 0; n < 6; n++) {
    await realTime(20);
    queue.tryPut(n);
  }

  expect(await ended).toBe(15);
});

test("a sleep without end is no deadlock: it waits for its cancellation", async () => {
  const warnings = await warningsOf(async () => {
    let ended: Promise<unknown> | undefined;
    await cancelScope(async (scope) => {
      ended = impatiently(() => run(() => sleep(Infinity), { signals: false, name: "server" }));
      await once(process, "warning");
      scope.cancel();
      await ended;
    });
  });

  expect(warnings.map(({ message }) => message)).toEqual([
    "everything has waited for 60 ms, for something from outside:\ntest\n└─ server: waits for sleep without end",
  ]);
});

test("a daemon that sleeps without end saves nobody from a deadlock", async () => {
  const tree = await deadlockOf(() =>
    taskGroup(async (group) => {
      group.spawn(() => sleep(Infinity), { name: "heart", daemon: true });
      await new Event().wait();
    }),
  );

  expect(tree).toBe("test\n└─ group: waits for Event to be set\n   └─ heart: waits for sleep without end");
});

test("who holds the time for long is told, once, if somebody waits for it to pass", async () => {
  const warnings = await warningsOf(() =>
    impatiently(() =>
      taskGroup((group) => {
        group.spawn(() => timeout(50, () => interruptible(realTime(200))), { name: "one" });
        group.spawn(() => realTime(200), { name: "two" });
        group.spawn(() => sleep(50), { name: "three" });
      }),
    ),
  );

  expect(warnings.map(({ message }) => message)).toEqual([
    [
      "virtual time has been held for 60 ms by tasks that compute, or wait for something foreign:",
      "one",
      "└─ timeout: waits for a foreign promise",
      "two: computes, or waits for a foreign promise",
    ].join("\n"),
  ]);
});

test("who holds the time is not told where nobody waits for it to pass, nor where it passes", async () => {
  const warnings = await warningsOf(async () => {
    await impatiently(() => realTime(150));
    await impatiently(async () => {
      for (let n = 0; n < 12; n++) {
        await sleep(1);
        await realTime(50);
      }
    }, 400);
  });

  expect(warnings).toEqual([]);
});

test("a tree that ends in the meantime leaves no looking behind", async () => {
  await impatiently(() => loopTurns(150));
  await realTime(50);

  expect(process.getActiveResourcesInfo()).not.toContain("Immediate");
});
