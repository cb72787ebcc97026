import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { cancelScope, isTaskwrightError, run } from "../index.ts";
import { NotCloneableError, PoolClosedError, TaskNotFoundError, openThreadPool, transfer } from "./index.ts";
import { flag } from "../../test/workers/flag.ts";

const tasksUrl = new URL("../../test/workers/tasks.ts", import.meta.url);

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("it did not fail"),
    (error: Error) => error,
  );
}

function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind === "MessagePort" || kind === "Worker");
}

describe("a call", () => {
  test("returns what the task returns, sync or async, in a run or outside", async () => {
    await using pool = openThreadPool({ size: 1 });

    expect(await pool.run(tasks.add, 1, 2)).toBe(3);
    expect(await pool.run(tasks.overlap)).toBe(1);
    expect(await run(() => pool.run(tasks.echo, { deep: [new Date(0)] }), { signals: false })).toEqual({
      deep: [new Date(0)],
    });
  });

  test("finds a function by its module and name, as an export or as it was defined", async () => {
    await using pool = openThreadPool({ size: 1 });

    expect(await pool.run<[number, number], number>({ module: tasksUrl, name: "add" }, 2, 2)).toBe(4);
    expect(await pool.run({ module: tasksUrl.href, name: "add" }, 2, 3)).toBe(5);
    expect(await pool.run(tasks.first)).toBe(1);
    expect(await pool.run(tasks.second)).toBe(2);
  });

  test("of what is not there says what is missing where, and others go on", async () => {
    await using pool = openThreadPool({ size: 1 });

    const missing = await failure(pool.run({ module: tasksUrl, name: "missing" }));
    const late = await failure(pool.run(tasks.defineTooLate()));
    const noModule = await failure(pool.run({ module: new URL("./none.ts", tasksUrl), name: "x" }));

    expect(missing).toMatchObject({ code: "WORKER_TASK_NOT_FOUND", task: "missing", module: tasksUrl.href });
    expect(isTaskwrightError(missing)).toBe(true);
    expect(late).toMatchObject({ code: new TaskNotFoundError("", "", "").code, task: "tooLate" });
    expect(noModule).toMatchObject({ code: "ERR_MODULE_NOT_FOUND" });
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("of a function that threads do not know is refused here", async () => {
    await using pool = openThreadPool({ size: 1 });

    await expect(pool.run(() => 1)).rejects.toThrow(TypeError);
    await expect(pool.run({ module: "not a url", name: "x" })).rejects.toThrow(TypeError);
    expect(pool.statistics().workers).toBe(0);
  });

  test("with arguments that cannot be copied fails alone, and names the task", async () => {
    await using pool = openThreadPool({ size: 1 });
    await pool.run(tasks.echo, 0);

    const calls = [1, () => 2, 3, Promise.resolve(), 5].map((value) => pool.run(tasks.echo, value));
    const outcomes = await Promise.allSettled(calls);

    expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "refused"))).toEqual([
      1,
      "refused",
      3,
      "refused",
      5,
    ]);
    const error = await failure(calls[1]!);
    expect(error).toBeInstanceOf(NotCloneableError);
    expect(error.message).toContain("the arguments of task echo");
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  test("with a result that cannot be copied fails alone", async () => {
    await using pool = openThreadPool({ size: 1 });

    expect(await failure(pool.run(tasks.giveFunction))).toMatchObject({ code: "WORKER_NOT_CLONEABLE" });
    expect(await pool.run(tasks.add, 1, 1)).toBe(2);
  });

  test("moves memory there and back when it is marked", async () => {
    await using pool = openThreadPool({ size: 1 });
    const bytes = new Uint8Array(1_000_000);

    const filled = await pool.run(tasks.fillBytes, transfer(bytes), 7);

    expect(bytes.length).toBe(0);
    expect(filled.length).toBe(1_000_000);
    expect(filled[999_999]).toBe(7);
  });
});

describe("transfer", () => {
  test("moves what is marked in the results of map, too", async () => {
    await using pool = openThreadPool({ size: 1 });

    const ports = await pool.map([1, 2, 3], tasks.openPort, { chunkSize: 2 });

    expect(ports.map((port) => port instanceof MessagePort)).toEqual([true, true, true]);
    for (const port of ports) port.close();
  });

  test("of memory that two arguments share moves it once", async () => {
    await using pool = openThreadPool({ size: 1 });
    const bytes = new Uint8Array([1, 2, 3, 4]);

    const [head, tail] = (await pool.run(tasks.both, transfer(bytes.subarray(0, 2)), transfer(bytes.subarray(2)))) as [
      Uint8Array,
      Uint8Array,
    ];

    expect([[...head], [...tail], bytes.length]).toEqual([[1, 2], [3, 4], 0]);
  });

  test("copies small Buffers, whose memory belongs to many", async () => {
    await using pool = openThreadPool({ size: 1 });
    const small = Buffer.from("small");

    expect(Buffer.from(await pool.run(tasks.fillBytes, transfer(small), 65)).toString()).toBe("AAAAA");
    expect(small.toString()).toBe("small");
    expect(Buffer.from(await pool.run(tasks.givePooled, "there")).toString()).toBe("there");
  });
});

test("small Buffers go over without what else lies in their memory", async () => {
  await using pool = openThreadPool({ size: 1 });
  const small = Buffer.from("small");

  expect(await pool.run(tasks.memoryOf, small)).toBe(small.length);
  const back = await pool.run(tasks.giveBuffer, "there");
  expect([Buffer.from(back).toString(), back.buffer.byteLength]).toEqual(["there", 5]);
  for await (const item of pool.stream(tasks.yieldBuffer, "item")) expect(item.buffer.byteLength).toBe(4);
});

describe("errors", () => {
  test("keep name, message, code, fields, causes and both stacks; what cannot be copied is left out", async () => {
    await using pool = openThreadPool({ size: 1 });

    async function whoCalls(): Promise<void> {
      await pool.run(tasks.failOddly);
    }
    const error = await failure(whoCalls());

    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: "OddError", message: "it is odd", code: "ODD", inner: { deep: [1, 2] } });
    expect(Object.keys(error).toSorted()).toEqual(["at", "code", "inner"]);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect((error.cause as Error).cause).toBe("the end");
    expect(error.stack).toContain("failOddly");
    expect(error.stack).toContain("whoCalls");
  });

  test("made of several arrive so, and what is no error as it is", async () => {
    await using pool = openThreadPool({ size: 1 });

    const both = (await failure(pool.run(tasks.failTogether))) as AggregateError;

    expect(both).toBeInstanceOf(AggregateError);
    expect(both.errors).toEqual([new TypeError("one"), "two"]);
    expect(await failure(pool.run(tasks.throwText))).toBe("only text");
  });

  test("of ours are known as ours", async () => {
    await using pool = openThreadPool({ size: 1 });

    const error = await failure(pool.run(tasks.failOnTime));

    expect(isTaskwrightError(error)).toBe(true);
    expect(error).toMatchObject({ name: "TimeoutError", code: "TIMEOUT", timeoutMs: 5 });
  });
});

describe("a pool", () => {
  test("runs one task at a time in a thread, async ones too", async () => {
    await using pool = openThreadPool({ size: 1 });

    const most = await Promise.all(Array.from({ length: 20 }, () => pool.run(tasks.overlap)));

    expect(new Set(most)).toEqual(new Set([1]));
  });

  test("makes threads as they are needed, up to its size, and ends them when they are idle", async () => {
    await using pool = openThreadPool({ size: 2, idleMs: 1, graceMs: 10_000 });
    const begun = [flag(), flag()];
    expect(pool.statistics().workers).toBe(0);

    await cancelScope(async (scope) => {
      const calls = [...begun, flag()].map(({ memory }) => pool.run(tasks.waitForever, memory));
      await Promise.all(begun.map((each) => each.changed()));
      expect(pool.statistics()).toMatchObject({ workers: 2, waiting: 1, inFlight: 2 });
      scope.cancel();
      await Promise.all(calls);
    });
    while (pool.statistics().workers > 0) await new Promise((resolve) => setImmediate(resolve));

    expect(await pool.run(tasks.add, 1, 2)).toBe(3);
  });

  test("calls init in each thread first, and fails calls rather than to hang when that fails", async () => {
    await using pool = openThreadPool({ size: 1, init: { module: tasksUrl, name: "init" } });
    await using broken = openThreadPool({ size: 1, init: { module: tasksUrl, name: "failToInit" } });

    expect(await pool.run(tasks.howSetUp)).toBe("by init");
    const errors = await Promise.all([failure(broken.run(tasks.add, 1, 1)), failure(broken.run(tasks.add, 1, 1))]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: "WORKER_CRASHED", cause: { name: "RangeError", message: "cannot set up" } });
    }
  });

  test("gives what waits behind a task that was thought quick to another thread", async () => {
    await using pool = openThreadPool({ size: 2 });
    for (let i = 0; i < 5; i++) await pool.run(tasks.passGate);
    const gate = new SharedArrayBuffer(4);

    const held = pool.run(tasks.passGate, gate);
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 4 }, () => pool.run(tasks.passGate)));
    }

    expect(pool.statistics()).toMatchObject({ workers: 2, waiting: 0, inFlight: 1 });
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
    expect(await held).toBeUndefined();
  });

  test("gives each of very many quick calls its own result", async () => {
    await using pool = openThreadPool({ size: 2 });
    let next = 0;
    let wrong = 0;
    const caller = async (): Promise<void> => {
      while (next < 100_000) {
        const n = next++;
        if ((await pool.run(tasks.add, n, 1)) !== n + 1) wrong++;
      }
    };

    await Promise.all(Array.from({ length: 1_000 }, caller));

    expect(wrong).toBe(0);
    expect(pool.statistics()).toMatchObject({ waiting: 0, inFlight: 0, completed: 100_000 });
  });

  test("refuses by tryRun when its queue is full, and lets run wait", async () => {
    await using pool = openThreadPool({ size: 1, maxQueue: 1 });
    const begun = flag();

    const running = pool.tryRun(tasks.finishFirst, begun.memory);
    await begun.changed();
    const queued = pool.tryRun(tasks.add, 1, 1);
    const refused = pool.tryRun(tasks.add, 2, 2);
    const waiting = pool.run(tasks.add, 3, 3);

    expect([running, queued, refused].map((promise) => promise !== undefined)).toEqual([true, true, false]);
    expect(pool.statistics()).toMatchObject({ workers: 1, waiting: 2, inFlight: 1, completed: 0 });
    const all = Promise.allSettled([running, queued, waiting]);
    await pool[Symbol.asyncDispose]();
    expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  test("that is closed under load fails what is not done, leaves no thread, and refuses what comes", async () => {
    const pool = openThreadPool({ size: 2 });
    const begun = flag();
    const calls = [
      pool.run(tasks.spinForever, begun.memory),
      ...Array.from({ length: 200 }, () => pool.run(tasks.spin, 1)),
    ];
    const outcomes = Promise.allSettled(calls);
    await begun.changed();

    await pool[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();

    expect(pool.statistics()).toMatchObject({ workers: 0, waiting: 0, inFlight: 0 });
    const failed = (await outcomes).filter((outcome) => outcome.status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) expect(reason).toBeInstanceOf(PoolClosedError);
    await expect(pool.run(tasks.add, 1, 1)).rejects.toThrow(PoolClosedError);
  });

  test("leaves no thread, no port and no listener behind", async () => {
    const before = { handles: handles(), exit: process.listenerCount("exit") };
    for (let round = 0; round < 3; round++) {
      await using pool = openThreadPool({ size: 2 });
      await pool.map(
        Array.from({ length: 100 }, (_, i) => i),
        tasks.squareRoot,
      );
      await pool.run(tasks.exit, 1).catch(() => {});
    }

    expect({ handles: handles(), exit: process.listenerCount("exit") }).toEqual(before);
  });

  test("refuses wrong settings at the door", () => {
    expect(() => openThreadPool({ size: 0 })).toThrow(RangeError);
    expect(() => openThreadPool({ maxQueue: -1 })).toThrow(RangeError);
    expect(() => openThreadPool({ timeoutMs: Number.NaN })).toThrow(RangeError);
    expect(() => openThreadPool({ init: () => {} })).toThrow(TypeError);
  });
});
