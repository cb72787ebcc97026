/**
 * The program of heap.test.ts: does everything HEAP_COUNT times, or that of which the name matches HEAP_KINDS, and prints
 * what each time leaves on the heap, in bytes.
 */
import {
  ContextVar,
  Event,
  Queue,
  Semaphore,
  background,
  bindToRoot,
  cancelScope,
  checkpoint,
  gather,
  interruptible,
  moveOnAfter,
  now,
  race,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "taskwright";

const far = 1e9;
const batchSize = 1_000;
const never = new Promise<never>(() => {});
const user = new ContextVar<number>("user");

/** Runs `fn` in a scope that is cancelled as soon as it waits. */
const cut = (fn: () => Promise<unknown>): Promise<unknown> =>
  cancelScope((scope) => {
    const waiting = fn();
    scope.cancel();
    return waiting;
  });

const batchOf = (fn: () => Promise<unknown>): Promise<unknown> => Promise.all(Array.from({ length: batchSize }, fn));

/** What is done, in calls of one or of `batchSize` at once. */
const kinds: Readonly<Record<string, (count: number) => Promise<void>>> = {
  async "tasks that end"(count) {
    await taskGroup(async (group) => {
      for (let n = 0; n < count; n++) {
        group.spawn(async () => {});
        if (n % batchSize === 0) await checkpoint();
      }
    });
  },
  async "tasks that are cancelled one by one"(count) {
    await taskGroup(async (group) => {
      for (let n = 0; n < count; n += batchSize) {
        for (const task of Array.from({ length: batchSize }, () => group.spawn(() => sleep(far + n)))) task.cancel();
        await checkpoint();
      }
    });
  },
  async "tasks that fail"(count) {
    for (let n = 0; n < count; n++) {
      await taskGroup((group) => void group.spawn(() => Promise.reject(new Error("no")))).catch(() => {});
    }
  },
  async "background tasks"(count) {
    for (let n = 0; n < count; n++) {
      background(async () => {});
      if (n % batchSize === 0) await checkpoint();
    }
  },
  async "tasks that are started"(count) {
    await taskGroup(async (group) => {
      for (let n = 0; n < count; n++) await group.start((started: () => void) => started());
    });
  },
  async "starts that are cancelled"(count) {
    await taskGroup(async (group) => {
      for (let n = 0; n < count; n++) await cut(() => group.start(() => sleep(far)));
    });
  },
  async "joins that are cancelled"(count) {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(far));
      for (let n = 0; n < count; n++) await cut(() => task.join());
      task.cancel();
    });
  },
  async "timeouts in time"(count) {
    for (let n = 0; n < count; n++) await timeout(far + n, async () => {});
  },
  async "timeouts that pass"(count) {
    for (let n = 0; n < count; n += batchSize) await batchOf(() => moveOnAfter(1, () => sleep(far)));
  },
  async "deadlines that are moved"(count) {
    await cancelScope(async (scope) => {
      for (let n = 0; n < count; n++) scope.deadline = now() + far + n;
    });
  },
  async "sleeps that are cancelled one by one"(count) {
    for (let n = 0; n < count; n++) await cut(() => sleep(far + n));
  },
  async "sleeps that are cancelled together"(count) {
    for (let n = 0; n < count; n += batchSize) await cut(() => batchOf(() => sleep(far + n)));
  },
  async "shields in a cancelled scope"(count) {
    await cancelScope(async (scope) => {
      scope.cancel();
      for (let n = 0; n < count; n++) await shield(() => checkpoint(), { timeoutMs: far });
    });
  },
  async "signals that are listened to"(count) {
    for (let n = 0; n < count; n++) {
      await cancelScope((scope) => {
        for (let k = 0; k < 3; k++) scope.signal.addEventListener("abort", () => {});
      });
    }
  },
  async "foreign promises that settle"(count) {
    for (let n = 0; n < count; n++) await interruptible((signal) => Promise.resolve(signal.aborted));
  },
  async "waits for one foreign promise"(count) {
    for (let n = 0; n < count; n++) await cut(() => interruptible(never));
    await cut(() => Promise.all(Array.from({ length: count }, () => interruptible(never))));
  },
  async "runs that give up a promise"(count) {
    for (let n = 0; n < count; n++) await run(() => cut(() => interruptible(never)), { signals: false });
  },
  async "runs with signals"(count) {
    for (let n = 0; n < count; n++) await run(() => checkpoint());
  },
  async "bound callbacks"(count) {
    for (let n = 0; n < count; n++) await cancelScope(() => bindToRoot(() => checkpoint())());
  },
  async "context variables"(count) {
    for (let n = 0; n < count; n++) await user.run(n, () => checkpoint());
  },
  async races(count) {
    for (let n = 0; n < count; n++)
      await gather([() => checkpoint(), () => race([() => sleep(far), () => checkpoint()])]);
  },
  async "waits in queues that are cancelled"(count) {
    const [event, queue, semaphore] = [new Event(), new Queue(), new Semaphore(1)];
    const permit = await semaphore.acquire();
    for (let n = 0; n < count; n++) await cut(() => Promise.all([event.wait(), queue.get(), semaphore.acquire()]));
    permit.release();
  },
};

const heap = (): number => {
  globalThis.gc!();
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
};

const wanted = new RegExp(process.env["HEAP_KINDS"] ?? "");
const count = Number(process.env["HEAP_COUNT"]);
process.removeAllListeners("warning");

await run(
  async () => {
    for (const [name, doMany] of Object.entries(kinds)) {
      if (!wanted.test(name)) continue;
      await doMany(2_000);
      await checkpoint();
      const before = heap();
      await doMany(count);
      await checkpoint();
      console.log(`${name}: ${Math.round((heap() - before) / count)}`);
    }
  },
  { signals: false },
);

console.log(
  `listeners: ${["SIGINT", "SIGTERM", "beforeExit", "unhandledRejection"].map((event) => process.listenerCount(event)).join()}`,
);
