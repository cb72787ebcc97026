import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { childrenOf } from "../../test/workers/processes.ts";
import * as tasks from "../../test/workers/tasks.ts";
import { flag } from "../../test/workers/flag.ts";
import { openTempFolder, readText } from "../files/index.ts";
import { TimeoutError, cancelScope, checkpoint, isTaskwrightError, moveOnAfter, taskGroup } from "../index.ts";
import { cancelEverywhere } from "../testing/index.ts";
import {
  PoolClosedError,
  type ThreadPoolOptions,
  type WorkerPool,
  type WorkerTask,
  openProcessPool,
  openThreadPool,
  transfer,
} from "./index.ts";

type OpenPool = (options?: ThreadPoolOptions) => WorkerPool;

/** What both kinds of workers must survive is tried with both. */
const kinds: [string, OpenPool][] = [
  ["threads", openThreadPool],
  ["processes", ({ resourceLimits, ...options } = {}) => openProcessPool({ ...options, ...heapOf(resourceLimits) })],
];

function heapOf(limits: ThreadPoolOptions["resourceLimits"]): { execArgv?: string[] } {
  if (limits === undefined) return {};
  return { execArgv: [...process.execArgv, `--max-old-space-size=${limits.maxOldGenerationSizeMb}`] };
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );
}

/** Calls a task that reports when it has begun, and waits for that. */
async function begin<A extends readonly unknown[]>(
  pool: WorkerPool,
  task: WorkerTask<A, unknown>,
  ...args: A
): Promise<{ readonly call: Promise<unknown>; readonly begun: unknown }> {
  const begun = Promise.withResolvers<unknown>();
  const call = pool.run({ task: task as never, onProgress: begun.resolve }, ...args);
  // If it fails before.
  call.catch(begun.reject);
  return { call, begun: await begun.promise };
}

/** Calls a task, and cancels it when it has begun. */
async function beginAndCancel<A extends readonly unknown[]>(
  pool: WorkerPool,
  task: WorkerTask<A, unknown>,
  ...args: A
): Promise<unknown> {
  return cancelScope(async (scope) => {
    const { call } = await begin(pool, task, ...args);
    scope.cancel("the test says so");
    return await call;
  });
}

async function expectHealthy(pool: WorkerPool): Promise<void> {
  expect(await Promise.all([1, 2, 3].map((n) => pool.run(tasks.add, n, 1)))).toEqual([2, 3, 4]);
  expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
}

/** A pool of one thread that cannot begin with the next call. */
async function openHeld(): Promise<WorkerPool> {
  const held = flag();
  const pool = openThreadPool({ size: 1 });
  for (let i = 0; i < 5; i++) await pool.run(tasks.add, 0, 0);
  await pool.run(tasks.leaveBehind, held.memory);
  await held.changed();
  return pool;
}

let before: number[] = [];
beforeEach(() => {
  before = childrenOf(process.pid);
});
afterEach(() => {
  const left = childrenOf(process.pid).filter((pid) => !before.includes(pid));
  if (left.length > 0) throw new Error(`processes were left behind: ${left.join(", ")}`);
});

describe.each(kinds)("%s: cancelling", (_kind, open) => {
  test("a task that waits, or that looks, ends it and leaves its worker", async () => {
    await using pool = open({ size: 1, graceMs: 20_000 });

    expect(await beginAndCancel(pool, tasks.reportAndWait)).toBeUndefined();
    expect(await beginAndCancel(pool, tasks.reportAndSpinPolitely)).toBeUndefined();

    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0, completed: 2 });
    await expectHealthy(pool);
  });

  test("a task that never answers ends its worker after graceMs, whether it computes or waits", async () => {
    await using pool = open({ size: 1, graceMs: 10 });

    expect(await beginAndCancel(pool, tasks.reportAndSpin)).toBeUndefined();
    await expectHealthy(pool);
    expect(await beginAndCancel(pool, tasks.neverAnswer)).toBeUndefined();
    await expectHealthy(pool);

    expect(pool.statistics().crashed).toBe(0);
  });

  test("a task that never answers does no harm to those that wait behind it", async () => {
    await using pool = open({ size: 1, graceMs: 10 });

    const sums = await taskGroup(async (group) => {
      const begun = Promise.withResolvers<unknown>();
      const stuck = group.spawn(() => pool.run({ task: tasks.neverAnswer, onProgress: begun.resolve }));
      const behind = Array.from({ length: 20 }, (_, i) => group.spawn(() => pool.run(tasks.add, i, 1)));
      await begun.promise;
      stuck.cancel();
      return Promise.all(behind.map((task) => task.join()));
    });

    expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await expectHealthy(pool);
  });

  test("a stream ends its task, also when that never looks", async () => {
    await using pool = open({ size: 1, graceMs: 10 });

    for await (const item of pool.stream(tasks.count, 1_000_000)) if (item === 100) break;
    const first = await moveOnAfter(1, async () => Array.fromAsync(pool.stream(tasks.count, 1_000_000)));

    expect(first).toBeUndefined();
    await expectHealthy(pool);
  });

  test("at any checkpoint of a program leaves nothing behind", async () => {
    await using pool = open({ size: 1, graceMs: 20_000, idleMs: Infinity });

    await cancelEverywhere(async () => {
      expect(await pool.run(tasks.add, 1, 2)).toBe(3);
      expect(await pool.map([1, 4], tasks.squareRoot)).toEqual([1, 2]);
      for await (const item of pool.stream(tasks.count, 40)) if (item === 20) break;
      await pool.run({ task: tasks.reportOften, onProgress: () => {} }, 10);
      await failure(pool.run(tasks.squareRoot, -1));
    });
    await cancelEverywhere(async () => {
      await using short = open({ size: 1 });
      await short.run(tasks.add, 1, 2);
    });
    await cancelEverywhere(async () => {
      // Closed with its scope.
      const forgotten = open({ size: 1 });
      await forgotten.run(tasks.add, 1, 2);
    });

    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0, waiting: 0, inFlight: 0 });
  });
});

describe.each(kinds)("%s: timeoutMs", (_kind, open) => {
  test("ends a task that never answers, and its worker; time in the queue does not count", async () => {
    await using pool = open({ size: 1, timeoutMs: 1_000, graceMs: 10 });

    const slow = failure(pool.run(tasks.neverAnswer));
    const patient = Promise.all(Array.from({ length: 6 }, () => pool.run(tasks.spin, 200)));

    expect(await slow).toBeInstanceOf(TimeoutError);
    expect(await slow).toMatchObject({ timeoutMs: 1_000 });
    expect(await patient).toEqual([200, 200, 200, 200, 200, 200]);
    await expectHealthy(pool);
  });
});

describe.each(kinds)("%s: a crash", (kind, open) => {
  const crashes: [string, (pool: WorkerPool) => Promise<unknown>, object][] = [
    ["process.exit", (pool) => pool.run(tasks.exit, 7), { exitCode: 7, signal: undefined, task: "exit" }],
    [
      "an uncaught error",
      (pool) => pool.run(tasks.failLater),
      { exitCode: 1, cause: { name: "RangeError", message: "nobody caught this" } },
    ],
    [
      "an unhandled rejection",
      (pool) => pool.run(tasks.forgetRejection),
      { exitCode: 1, cause: { name: "RangeError", message: "nobody awaited this" } },
    ],
    ["the end of its own channel", (pool) => pool.run(tasks.closeChannel), {}],
    [
      "lack of memory",
      (pool) => pool.run(tasks.eatMemory),
      kind === "threads" ? { cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } } : { signal: "SIGABRT" },
    ],
  ];

  test.for(crashes)("by %s fails its task alone, and the pool heals", async ([, crash, expected]) => {
    await using pool = open({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const outcomes = Promise.all([pool.run(tasks.add, 1, 1), failure(crash(pool)), pool.run(tasks.add, 2, 2)]);

    const [first, crashed, last] = await outcomes;

    expect([first, last]).toEqual([2, 4]);
    expect(crashed).toMatchObject({ name: "WorkerCrashedError", code: "WORKER_CRASHED", ...expected });
    expect(isTaskwrightError(crashed)).toBe(true);
    expect(pool.statistics().crashed).toBe(1);
    await expectHealthy(pool);
  });

  test("leaves the last of what was written to standard error", async () => {
    await using pool = open({ size: 1 });

    const error = await failure(pool.run(tasks.complainAndExit, "one\nthe last words\n"));

    expect(error).toMatchObject({ exitCode: 3, stderr: "one\nthe last words" });
    expect(error.message).toContain("the last words");
  });

  test("of many harms none of the others", async () => {
    await using pool = open({ size: 2 });

    const calls = Array.from({ length: 40 }, (_, i) =>
      i % 20 === 5 ? failure(pool.run(tasks.exit, i)) : pool.run(tasks.add, i, 1),
    );
    const results = await Promise.all(calls);

    const expected = Array.from({ length: 40 }, (_, i) => (i % 20 === 5 ? i : i + 1));
    expect(results.map((each) => (each instanceof Error ? (each as { exitCode?: number }).exitCode : each))).toEqual(
      expected,
    );
    await expectHealthy(pool);
  });

  test("under a stream fails it after the items that came before", async () => {
    await using pool = open({ size: 1 });
    const items: number[] = [];

    const error = await failure(
      (async () => {
        for await (const item of pool.stream(tasks.countThenExit, 10)) items.push(item);
      })(),
    );

    expect(error).toMatchObject({ code: "WORKER_CRASHED", exitCode: 5 });
    expect(items).toEqual(Array.from({ length: 10 }, (_, i) => i));
    await expectHealthy(pool);
  });

  test("before the first task fails calls rather than to start workers without end", async () => {
    const init = { module: new URL("../../test/workers/tasks.ts", import.meta.url), name: "failToInit" };
    await using pool = open({ size: 1, init });

    await using stuck = open({ size: 1, init: { ...init, name: "hangInInit" } });

    for (const error of await Promise.all([failure(pool.run(tasks.add, 1, 1)), failure(pool.run(tasks.add, 1, 1))])) {
      expect(error).toMatchObject({ code: "WORKER_CRASHED", cause: { message: "cannot set up" } });
    }
    expect(await failure(stuck.run(tasks.add, 1, 1))).toMatchObject({ code: "WORKER_CRASHED" });
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  test.each(["waitInInit", "blockInInit"])("is told when %s takes too long, and its worker is ended", async (name) => {
    const module = new URL("../../test/workers/tasks.ts", import.meta.url);
    await using pool = open({ size: 1, startMs: 300, init: { module, name } });

    for (const error of [await failure(pool.run(tasks.add, 1, 1)), await failure(pool.run(tasks.add, 1, 1))]) {
      expect(error).toMatchObject({ code: "WORKER_CRASHED", cause: { code: "TIMEOUT", timeoutMs: 300 } });
      expect(error.message).toContain("could not be started: starting it, `init` included, did not end within 300 ms");
    }
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0, crashed: 2 });
  });
});

describe.each(kinds)("%s: poison", (_kind, open) => {
  test("as an argument fails its call alone", async () => {
    await using pool = open({ size: 1 });
    const poison = [() => 1, Promise.resolve(1), Symbol("poison"), new MessageChannel().port1, new WeakMap()];

    const outcomes = await Promise.all([
      pool.run(tasks.echo, "first"),
      ...poison.map((value) => failure(pool.run(tasks.echo, { deep: [value] }))),
      pool.run(tasks.echo, "last"),
    ]);

    expect([outcomes.at(0), outcomes.at(-1)]).toEqual(["first", "last"]);
    for (const refused of outcomes.slice(1, -1)) {
      expect(refused).toMatchObject({ code: "WORKER_NOT_CLONEABLE", task: "echo" });
    }
    expect(pool.statistics().workers).toBe(1);
    await expectHealthy(pool);
  });

  test("in results, items and progress fails its call alone", async () => {
    await using pool = open({ size: 1 });
    const listened = { task: tasks.reportFunction, onProgress: () => {} };

    const result = await failure(pool.run(tasks.giveFunction));
    const items = await failure(Array.fromAsync(pool.stream(tasks.yieldFunction)));
    const progress = await failure(pool.run(listened));

    expect(result.message).toContain("the result of task giveFunction");
    expect(items.message).toContain("an item of task yieldFunction");
    expect(progress.message).toContain("the progress of task reportFunction");
    for (const error of [result, items, progress]) expect(error).toMatchObject({ code: "WORKER_NOT_CLONEABLE" });
    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0 });
    await expectHealthy(pool);
  });

  test("in what is thrown fails its call with all else of it, and leaves its worker", async () => {
    await using pool = open({ size: 1 });

    const error = await failure(pool.run(tasks.failWithMemory));

    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "it has memory", code: "ODD" });
    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0 });
    await expectHealthy(pool);
  });

  test("in what a task says over the channel of its worker changes nothing", async () => {
    await using pool = open({ size: 1 });
    const messages = ["ready", "idle", "replies", "hello", "", null, 5, { failure: 1 }, { hello: 1 }, [[0, 0, 1]]];

    expect(await pool.run(tasks.speak, messages)).toBe("spoken");

    expect(pool.statistics()).toMatchObject({ workers: 1, crashed: 0, completed: 1 });
    await expectHealthy(pool);
  });

  test("of wrong types is refused here, or fails in its task", async () => {
    await using pool = open({ size: 1 });

    for (const wrong of [undefined, null, 1, "add", {}, { module: "no url", name: "add" }, () => 1]) {
      expect(await failure(pool.run(wrong as never))).toBeInstanceOf(TypeError);
    }
    expect(await failure(pool.run({ task: tasks.echo, onProgress: 1 as never }, 1))).toBeInstanceOf(TypeError);
    expect(pool.statistics().workers).toBe(0);
    expect(await failure(Array.fromAsync(pool.stream(tasks.add as never, 1, 2)))).toBeInstanceOf(TypeError);
    expect(await failure(pool.map([1, 2], tasks.closingStream as never))).toMatchObject({
      code: "WORKER_NOT_CLONEABLE",
    });
    await expectHealthy(pool);
  });
});

describe("a thread that is held by what a task has left behind", () => {
  test("for good is ended, and what was sent there is done by another", async () => {
    await using pool = await openHeld();

    expect(await Promise.all([1, 2, 3].map((n) => pool.run(tasks.add, n, 1)))).toEqual([2, 3, 4]);
    expect(pool.statistics()).toMatchObject({ workers: 1, waiting: 0, inFlight: 0, crashed: 0 });
  });

  test("lets those go that are cancelled there, and heals", async () => {
    await using pool = await openHeld();

    expect(await moveOnAfter(20, () => pool.run(tasks.add, 1, 1))).toBeUndefined();
    await expectHealthy(pool);
  });
});

describe.each(kinds)("%s: closing", (_kind, open) => {
  test("under load fails what is not done, and leaves no worker", async () => {
    const pool = open({ size: 2 });
    const { call } = await begin(pool, tasks.reportAndSpin);
    const calls = [call, ...Array.from({ length: 50 }, () => pool.run(tasks.spin, 5))];
    const outcomes = Promise.allSettled(calls);
    const stream = pool.stream(tasks.count, 1_000);

    await Promise.all([pool[Symbol.asyncDispose](), pool[Symbol.asyncDispose]()]);

    expect(pool.statistics()).toMatchObject({ workers: 0, waiting: 0, inFlight: 0 });
    for (const outcome of await outcomes) {
      expect(outcome.status === "fulfilled" ? new PoolClosedError("", "") : outcome.reason).toBeInstanceOf(
        PoolClosedError,
      );
    }
    await expect(stream.next()).rejects.toThrow(PoolClosedError);
    await expect(pool.run(tasks.add, 1, 1)).rejects.toThrow(PoolClosedError);
  });

  test("is done by its scope if by nobody else, after the time that cancelled tasks have", async () => {
    await using folder = await openTempFolder();
    const pool = await cancelScope(async (scope) => {
      const opened = open({ size: 1, graceMs: 20_000 });
      const { call } = await begin(opened, tasks.writeOnCancel, folder.at("cleaned"));
      scope.cancel();
      await call.catch(() => {});
      return opened;
    });

    expect(await readText(folder.at("cleaned"))).toBe("cleaned up");
    expect(pool!.statistics()).toMatchObject({ workers: 0, waiting: 0, inFlight: 0, completed: 1 });
    await expect(pool!.run(tasks.add, 1, 1)).rejects.toThrow(PoolClosedError);
  });
});

describe("processes", () => {
  const signals = ["SIGSEGV", "SIGKILL"] as const;

  test.for(signals)("that end by %s fail their task alone", async (signal) => {
    await using pool = openProcessPool({ size: 1 });

    const [crashed, sum] = await Promise.all([
      failure(pool.run(tasks.crashBySignal, signal)),
      pool.run(tasks.add, 1, 1),
    ]);

    expect(crashed).toMatchObject({ code: "WORKER_CRASHED", exitCode: undefined, signal });
    expect(crashed.message).toBe(`the process of task crashBySignal was ended by ${signal}`);
    expect(sum).toBe(2);
  });

  test("that abort fail their task alone, with what Node said", async () => {
    await using pool = openProcessPool({ size: 1 });

    expect(await failure(pool.run(tasks.abort))).toMatchObject({ signal: "SIGABRT", task: "abort" });
    await expectHealthy(pool);
  });

  test("in native code are killed when their task is cancelled, with what they have started", async () => {
    await using pool = openProcessPool({ size: 1, graceMs: 0 });
    await using folder = await openTempFolder();

    const workers = await cancelScope(async (scope) => {
      const { call, begun } = await begin(pool, tasks.reportAndBlock, folder.at("never"));
      let shells: number[] = [];
      while (shells.length === 0) {
        shells = childrenOf(begun as number);
        await checkpoint();
      }
      scope.cancel();
      await call.catch(() => {});
      return [begun as number, ...shells];
    });

    expect(workers!.flatMap(childrenOf)).toEqual([]);
    expect(pool.statistics()).toMatchObject({ workers: 0, inFlight: 0 });
    await expectHealthy(pool);
  });

  test("that are stopped, or deaf to SIGTERM, are killed", async () => {
    await using pool = openProcessPool({ size: 1, graceMs: 0 });

    expect(await beginAndCancel(pool, tasks.stopProcess)).toBeUndefined();
    expect(await beginAndCancel(pool, tasks.ignoreSigterm)).toBeUndefined();

    await expectHealthy(pool);
  });

  test("take no memory but copies of it, and say so", async () => {
    await using pool = openProcessPool({ size: 1 });
    const shared = new SharedArrayBuffer(4);
    const bytes = new Uint8Array([1, 2, 3]);

    const errors = [
      await failure(pool.run(tasks.echo, shared)),
      await failure(pool.run(tasks.echo, new Int32Array(shared))),
      await failure(pool.run(tasks.fillBytes, transfer(bytes.slice()), 7)),
    ];

    for (const error of errors) expect(error).toMatchObject({ code: "WORKER_NOT_CLONEABLE" });
    expect(errors.map(({ message }) => message.replace(/^.*process: /, ""))).toEqual([
      "processes share no memory: send a copy, or use threads. Send data only",
      "processes share no memory: send a copy, or use threads. Send data only",
      "memory is copied to a process and cannot be moved: leave out transfer(), or use threads. Send data only",
    ]);
    // What a task gives away is copied.
    expect(await pool.run(tasks.fillBytes, bytes, 7)).toEqual(new Uint8Array([7, 7, 7]));
    expect(bytes).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("get what data there is, of any size", async () => {
    await using pool = openProcessPool({ size: 1 });
    const value = {
      map: new Map<unknown, unknown>([[1n, new Set([new Date(0)])]]),
      text: "x".repeat(3_000_000),
      numbers: new Float64Array([1, 2]).subarray(1),
      error: new RangeError("no", { cause: 1 }),
      nothing: [undefined, null, Number.NaN, -0],
      pattern: /a+/gi,
    };

    expect(await pool.run(tasks.echo, value)).toEqual(value);
  });

  test("that cannot be started fail their calls, and say why", async () => {
    await using wrong = openProcessPool({ size: 1, execArgv: ["--no-such-flag"] });
    // More than the system takes.
    await using large = openProcessPool({ size: 1, env: { LARGE: "x".repeat(4_000_000) } });

    const error = await failure(wrong.run(tasks.add, 1, 1));
    const errors = await Promise.all([failure(large.run(tasks.add, 1, 1)), failure(large.run(tasks.add, 1, 1))]);

    expect(error).toMatchObject({ code: "WORKER_CRASHED", exitCode: 9 });
    expect(error.message).toContain("--no-such-flag");
    for (const each of errors) {
      expect(each.message).toBe("the process of task add could not be started: spawn E2BIG");
      expect(each).toMatchObject({ cause: { code: "E2BIG" } });
    }
    expect(large.statistics()).toMatchObject({ workers: 0, waiting: 0, inFlight: 0, crashed: 2 });
  });

  test("that are not there to be started fail their calls", async () => {
    await using pool = openProcessPool({ size: 1 });
    const { execPath } = process;
    onTestFinished(() => {
      process.execPath = execPath;
    });

    process.execPath = "/no/such/node";
    const error = await failure(pool.run(tasks.add, 1, 1));
    process.execPath = execPath;

    expect(error.message).toBe("the process of task add could not be started: spawn /no/such/node ENOENT");
    await expectHealthy(pool);
  });

  test("have the variables of this process, and others", async () => {
    await using pool = openProcessPool({ size: 1, env: { TASKWRIGHT_TEST: "set", HOME: undefined } });

    expect(await pool.run(tasks.environment, ["TASKWRIGHT_TEST", "HOME", "PATH"])).toEqual([
      "set",
      undefined,
      process.env["PATH"],
    ]);
  });
});
