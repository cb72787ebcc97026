/** The programs that the tests in this folder run, each by its name. */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { rmSync } from "node:fs";
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Scope,
  ContextVar,
  Queue,
  background,
  bindToRoot,
  cancelScope,
  checkpoint,
  deadlineAt,
  effectiveDeadline,
  interruptible,
  mapStream,
  moveOnAfter,
  now,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "taskwright";
import { waitUntilAllBlocked } from "taskwright/testing";

export type ProgramName = keyof typeof programs;

const print = (line: unknown): void => console.log(line);
const never = new Promise<never>(() => {});

/** Keeps the process alive, as a socket would. */
const hold = (): void => void setInterval(() => {}, 1_000);

/** Until cancelled, with a timer that keeps the process alive. */
const endless = 1e9;

/** Prints what the first warning is, and the first line of the tree that it draws. */
const exitOnWarning = (): void => {
  process.on("warning", ({ code, message }: Error & { code?: string }) => {
    print(`${code}: ${message.split("\n")[1]}`);
    process.exit();
  });
};

const sleepThenCleanUp = async (cleanupMs: number): Promise<void> => {
  try {
    await sleep(endless);
  } finally {
    await shield(() => sleep(cleanupMs));
  }
};

const heap = (): number => {
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
};

/** Another copy of the package, which nobody has loaded yet. */
const copyOfPackage = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwright-copy-"));
  process.once("exit", () => rmSync(folder, { recursive: true }));
  for (const part of ["package.json", "src"]) {
    await cp(join(import.meta.dirname, "../..", part), join(folder, part), { recursive: true });
  }
  return join(folder, "src/index.ts");
};

const setAndCancel = (scope: Scope, count: number): void => {
  for (let n = 1; n <= count; n++) scope.deadline = endless + n;
  scope.deadline = Infinity;
};

const f = async (): Promise<void> => {
  await sleep(1_000);
};

const usesSomething = async (): Promise<void> => {
  await using stack = new AsyncDisposableStack();
  stack.defer(() => sleep(1));
  await sleep(1_000);
};

const programs = {
  /** Cleans up when cancelled, and ends. */
  async obedient(): Promise<void> {
    await run(async (scope) => {
      try {
        print("ready");
        await sleep(endless);
      } finally {
        await shield(() => sleep(20));
        print(`cleaned up after ${JSON.stringify(scope.cancelled)}`);
      }
    });
    print("not here");
  },

  /** Has tasks that do not end when cancelled. */
  async stubborn(): Promise<void> {
    hold();
    await run(
      () =>
        taskGroup(
          async (group) => {
            group.spawn(() => never, { name: "foreign" });
            group.spawn(() => shield(() => new Queue({ name: "jobs" }).get()), { name: "shielded" });
            try {
              print("ready");
              await sleep(endless);
            } finally {
              print("cancelled");
            }
          },
          { name: "workers" },
        ),
      { graceMs: 60_000 },
    );
  },

  async impatient(): Promise<void> {
    hold();
    await run(
      async () => {
        print("ready");
        await never;
      },
      { graceMs: 50 },
    );
  },

  async twoRuns(): Promise<void> {
    const one = async (name: string, cleanUpMs: number): Promise<void> => {
      await run(async () => {
        try {
          await sleep(endless);
        } finally {
          await shield(() => sleep(cleanUpMs));
          print(name);
        }
      });
    };
    const both = Promise.all([one("short", 5), one("long", 60)]);
    print("ready");
    await both;
    print("not here");
  },

  /** Starts a run while another is cleaning up after a signal. */
  async lateRun(): Promise<void> {
    const cleaning = run(async () => {
      try {
        await sleep(endless);
      } finally {
        await shield(() => sleep(60));
        print("cleaned up");
      }
    });
    const first = run(() => sleep(endless));
    print("ready");
    await first;
    await run(async () => {
      print("second run");
      await checkpoint();
      print("not here");
    });
    await cleaning;
  },

  /** Cleans up in a run of its own, which the signal that came before must not cancel. */
  async cleansUpInRun(): Promise<void> {
    await run(async () => {
      try {
        await run(async () => {
          print("ready");
          await sleep(endless);
        });
        print("not here");
      } finally {
        await shield(() => run(() => sleep(20).then(() => print("cleaned up"))));
      }
    });
  },

  async failsWhileStopping(): Promise<void> {
    await run(async () => {
      print("ready");
      await sleep(endless).catch(() => {
        throw new Error("the cleanup failed");
      });
    });
  },

  async failsByItself(): Promise<void> {
    await run(async () => {
      await sleep(1);
      throw new Error("main failed");
    });
  },

  /** Waits for what can only come from outside, until the warning says so. */
  async deadlockInRun(): Promise<void> {
    const queue = new Queue<string>({ name: "jobs" });
    process.on("warning", (warning: Error & { code?: string }) => {
      print(warning.code);
      queue.tryPut("item");
    });
    print(await run(() => queue.get()));
  },

  async deadlockOutsideRun(): Promise<void> {
    const queue = new Queue<string>({ name: "jobs" });
    process.on("warning", (warning: Error & { code?: string }) => {
      print(warning.code);
      queue.tryPut("item");
    });
    print(await queue.get());
  },

  /** Ends only by a signal. */
  async waitsForSignal(): Promise<void> {
    process.once("beforeExit", () => print("idle"));
    await run(() => sleep(Infinity));
  },

  /** The same, where the run that handles signals is part of another, and another is part of it. */
  async waitsForSignalInside(): Promise<void> {
    process.once("beforeExit", () => print("idle"));
    await run(
      () =>
        run(async () => {
          background(() => run(() => new Queue().get()));
          await sleep(Infinity);
        }),
      { signals: false },
    );
  },

  /** The same, where the wait is that of a scope in a task. */
  async waitsForSignalInTask(): Promise<void> {
    process.once("beforeExit", () => print("idle"));
    await run(() => taskGroup((group) => void group.spawn(() => cancelScope(() => sleep(Infinity)))));
  },

  async deadlockWithoutSignals(): Promise<void> {
    exitOnWarning();
    await run(() => sleep(Infinity), { signals: false });
  },

  async deadlockBesideSignals(): Promise<void> {
    exitOnWarning();
    await Promise.all([run(() => sleep(Infinity)), run(() => sleep(Infinity), { signals: false, name: "other" })]);
  },

  async deadlockBehindShield(): Promise<void> {
    exitOnWarning();
    await run(() => shield(() => sleep(Infinity)));
  },

  async deadlockBesideDaemon(): Promise<void> {
    exitOnWarning();
    await run(() =>
      taskGroup(async (group) => {
        group.spawn(() => sleep(Infinity), { daemon: true });
        await new Queue().get();
      }),
    );
  },

  /** A cancellation leaves `b` without a handler. */
  async forgottenByCancellation(): Promise<void> {
    await cancelScope(async (scope) => {
      scope.deadline = 1;
      const a = f();
      const b = f();
      await a;
      await b;
    });
    await sleep(5);
    print("went on");
  },

  async forgottenInCleanup(): Promise<void> {
    await cancelScope(async (scope) => {
      const [short, long] = [sleepThenCleanUp(2), sleepThenCleanUp(10)];
      scope.cancel();
      await short;
      await long;
    });
    await sleep(20);
    print("went on");
  },

  /** As the first, where each of the two has something to dispose of. */
  async forgottenWhileDisposing(): Promise<void> {
    await cancelScope(async (scope) => {
      const [a, b] = [usesSomething(), usesSomething()];
      scope.cancel();
      await a;
      await b;
    });
    await sleep(5);
    print("went on");
  },

  async otherRejection(): Promise<void> {
    await cancelScope((scope) => scope.cancel());
    void Promise.reject(new Error("nobody handles this"));
    await sleep(5);
    print("went on");
  },

  /** Where two copies of the package look after unhandled rejections. */
  async otherRejectionWithTwoCopies(): Promise<void> {
    const other = (await import(await copyOfPackage())) as typeof import("taskwright");
    for (const copy of [other, { cancelScope }]) {
      await copy.cancelScope((scope) => {
        const floating = copy === other ? other.sleep(5) : sleep(5);
        scope.cancel();
        return Promise.all([floating, floating.then(() => {})]);
      });
    }
    // What one copy lets pass the other lets pass too.
    await other.cancelScope((scope) => (void other.sleep(5), void sleepThenCleanUp(5), scope.cancel()));
    await sleep(10);
    print("nothing yet");
    hold();
    void Promise.reject(new Error("nobody handles this"));
    await never;
  },

  async otherRejectionWithoutError(): Promise<void> {
    await cancelScope((scope) => scope.cancel());
    hold();
    // One without any text form.
    void Promise.reject(Object.create(null));
    await never;
  },

  async otherRejectionWithListener(): Promise<void> {
    process.on("unhandledRejection", (reason) => print(`heard of ${String(reason)}`));
    await cancelScope((scope) => scope.cancel());
    void Promise.reject(new Error("nobody handles this"));
    await sleep(5);
    print("went on");
  },

  async backgroundFailsOutsideRun(): Promise<void> {
    const uncaught = new Queue<Error>();
    process.on("uncaughtException", (error) => uncaught.tryPut(error));
    background(async () => {
      await sleep(1);
      throw new Error("background failed");
    });
    print(`uncaught: ${(await uncaught.get()).message}`);
  },

  async backgroundCrashesOutsideRun(): Promise<void> {
    hold();
    background(() => Promise.reject(new Error("background failed")));
    await never;
  },

  async floating(): Promise<void> {
    hold();
    await taskGroup(
      () => {
        void f();
      },
      { name: "careless" },
    );
    await never;
  },

  /** Nothing that was cancelled or has ended holds the process. */
  async leavesNothing(): Promise<void> {
    await timeout(1_000_000, () => sleep(1));
    await cancelScope(async (scope) => {
      scope.deadline = 1;
      await sleep(1_000_000);
    });
    await run(() =>
      taskGroup((group) => {
        group.spawn(() => sleep(1_000_000)).cancel();
        group.spawn(() => sleep(1));
      }),
    );
    const stream = mapStream([1, 2, 3], (n) => n, { concurrency: 1 });
    print((await stream.next()).value);
  },

  /** Not awaited by anything but the event loop. */
  async sleepsOnItsOwn(): Promise<void> {
    void sleep(30).then(() => print("woke up"));
    background(async () => {
      await sleep(40);
      print("background");
    });
  },

  /** Its tasks await what cannot be cancelled: one for long, one in a wait of ours that is shielded. */
  async stuck(): Promise<void> {
    await run(
      async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        setTimeout(resolve, 1_300);
        await taskGroup(
          (group) => {
            group.spawn(() => promise, { name: "foreign" });
            group.spawn(() => shield(() => sleep(1_200)), { name: "shielded" });
            group.cancel("enough");
          },
          { name: "workers" },
        );
      },
      { signals: false },
    );
  },

  /** Very many tasks that do not end when the time is up, deep in the tree. */
  async stuckInMany(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 1_300);
    const deepen = (levels: number): Promise<unknown> => {
      if (levels > 0) return cancelScope(() => deepen(levels - 1), { name: `level ${levels}` });
      return taskGroup((group) => {
        for (let n = 0; n < 12; n++) group.spawn(() => promise, { name: "same" });
      });
    };
    await moveOnAfter(50, () => deepen(9));
  },

  /** Awaits what cannot be cancelled in the scope that is cancelled itself. */
  async stuckWithoutTask(): Promise<void> {
    await cancelScope(async (scope) => {
      scope.cancel();
      await new Promise((resolve) => setTimeout(resolve, 1_300));
    });
  },

  async slowButNotStuck(): Promise<void> {
    await cancelScope(async (scope) => {
      scope.cancel();
      await shield(() => sleep(1_100));
    });
  },

  /** Its first words are spoken in a context of their own, in which the package is loaded and used. */
  async firstContext(): Promise<void> {
    const request = new AsyncLocalStorage<string>();
    const fresh = await copyOfPackage();
    const { bindToRoot: bind, ...copy } = await request.run("first request", async () => {
      const loaded = (await import(fresh)) as typeof import("taskwright");
      await loaded.sleep(1);
      return loaded;
    });
    print(bind(() => request.getStore())());
    // Long enough that the listener is there before, on the busiest machine.
    await copy.moveOnAfter(500, async (scope) => {
      scope.signal.addEventListener("abort", () => print(request.getStore()));
      await copy.sleep(60_000);
    });
  },

  /** Where the platform keeps the scope of the running code. */
  async whereScopesLie(): Promise<void> {
    await cancelScope((scope) => {
      const captured = new AsyncResource("TEST") as AsyncResource & Record<symbol, unknown>;
      const isInSlot = Object.getOwnPropertySymbols(captured).some((symbol) => captured[symbol] === scope);
      print(isInSlot ? "in the slot" : "in a storage");
    });
  },

  /** A callback that belongs to the root, and is called from elsewhere. */
  async callsBound(): Promise<void> {
    const request = new AsyncLocalStorage<string>();
    const user = new ContextVar<string>("user", { default: "nobody" });
    const see = async (): Promise<void> => {
      await sleep(1);
      print(`${request.getStore()} ${user.get()} ${effectiveDeadline()}`);
    };
    const within = <T>(name: string, fn: () => T): Promise<T> =>
      request.run(name, () => user.run(name.toUpperCase(), () => timeout(60_000, fn)));
    await run(async () => {
      const bound = await within("ada", () => ({ call: bindToRoot(see) }));
      await within("bob", () => bound.call());
      background(see);
    });
    print(`${request.getStore()} ${user.get()}`);
  },

  /** Two copies of the package, as two dependencies may bring them, one inside the other. */
  async twoCopies(): Promise<void> {
    const other = (await import(await copyOfPackage())) as typeof import("taskwright");
    const user = new ContextVar<string>("user");
    const theirs = new other.ContextVar<string>("theirs");
    await user.run("mine", () =>
      theirs.run("theirs", () =>
        timeout(60_000, () =>
          other.timeout(50_000, () =>
            deadlineAt(now() + 40_000, async () => {
              const see = (): void => {
                const [ours, others] = [effectiveDeadline() - now(), other.effectiveDeadline() - other.now()];
                print(`${Math.round(ours / 1_000)} ${Math.round(others / 1_000)} ${user.get()} ${theirs.get()}`);
              };
              see();
              await sleep(1);
              await other.sleep(1);
              see();
              await other.taskGroup((group) => group.spawn(() => sleep(1).then(see)).join());
            }),
          ),
        ),
      ),
    );
  },

  /** What stays of timers that were set far ahead, each for its own millisecond, and cancelled, beside one that lasts. */
  async millionTimers(): Promise<void> {
    await run((scope) =>
      taskGroup(async (group) => {
        const lasting = group.spawn(() => sleep(endless));
        setAndCancel(scope, 10_000);
        const before = heap();
        setAndCancel(scope, 1_000_000);
        print(heap() - before < 2 ** 20 ? "nothing is kept" : `${heap() - before} bytes are kept`);
        lasting.cancel();
      }),
    );
  },

  async nobodyElse(): Promise<void> {
    await waitUntilAllBlocked();
    print("nobody else is here");
  },

  async heap(): Promise<void> {
    await import("./heap.ts");
  },

  /** What a group keeps of a million tasks that have ended, in bytes a task. */
  async millionTasks(): Promise<void> {
    let ended = 0;
    await run(() =>
      taskGroup(async (group) => {
        const spawnMany = async (count: number): Promise<void> => {
          for (let n = 0; n < count; n += 1_000) {
            for (let k = 0; k < 1_000; k++) group.spawn(() => interruptible(Promise.resolve()).then(() => ended++));
            await checkpoint();
          }
        };
        await spawnMany(50_000);
        const before = heap();
        await spawnMany(1_000_000);
        print(ended);
        print((heap() - before) / 1_000_000 < 0.5 ? "nothing is kept" : `${heap() - before} bytes are kept`);
      }),
    );
  },
};

await programs[process.argv[2] as ProgramName]();
