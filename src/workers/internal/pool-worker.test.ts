import { expect, test } from "vitest";
import { Deque, currentScope, sleep } from "../../core/index.ts";
import { Call, type PoolTask } from "./call.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { LinkListener, WorkerLink } from "./link.ts";
import { PoolWorker } from "./pool-worker.ts";
import { type Reply, type Signal, calling, came } from "./protocol.ts";
import { Slots, maxCallsInWorker } from "./slots.ts";

const task: PoolTask = { number: 0, name: "task", calls: 0, averageMs: undefined };
const place = { module: "file:///tasks.ts", name: "task", ordinal: undefined };

/** The other side of a worker, played by the test: what it does between two looks of the pool is up to that. */
class PlayedWorker implements WorkerLink {
  readonly kind = "thread";
  readonly slots: Slots = new Slots();
  readonly maxCalls: number = maxCallsInWorker;
  readonly replies = new Deque<Reply>();
  /** Called when the pool has found no more replies. */
  onEmpty: () => void = () => {};

  readonly utilization: number = 0;

  post(): void {}

  receive(): Reply | undefined {
    if (this.replies.size > 0) return this.replies.shift();
    this.onEmpty();
    return undefined;
  }

  /** Does a call. */
  reply(call: number, value: unknown): void {
    this.slots.start(call);
    this.replies.push([call, came.value, value]);
    this.slots.processed = call + 1;
  }

  keepAlive(): void {}
  end(): void {}
  close(): void {}
}

function open(): { readonly link: PlayedWorker; readonly worker: PoolWorker; readonly send: () => Call } {
  const link = new PlayedWorker();
  const owner = {
    graceMs: 0,
    startMs: Infinity,
    placeOf: () => place,
    hasRoom() {},
    takeBack() {},
    settled() {},
    dropped() {},
    notStarted() {},
    ended() {},
  };
  const worker = new PoolWorker(owner, "played", () => link);
  worker.heard("ready");
  const send = (): Call => {
    const call = new Call(currentScope(), calling.once, task, [], undefined, undefined, undefined, undefined);
    worker.add(call);
    worker.flush();
    return call;
  };
  return { link, worker, send };
}

test("a worker that replies while the pool reads replies keeps its places until those are read", async () => {
  const { link, worker, send } = open();
  const first = send();
  const second = send();

  link.reply(0, "first");
  // The port was read to its end, and how far the worker is has yet to be looked at, or has been.
  link.onEmpty = () => {
    link.onEmpty = () => {};
    link.reply(1, "second");
  };
  worker.heard("replies");

  expect(await first.promise).toBe("first");
  expect(worker.size).toBe(1);
  // So many that the next one would get the place of the second.
  const others = Array.from({ length: maxCallsInWorker - 1 }, send);
  worker.heard("replies");
  expect(await second.promise).toBe("second");
  for (let call = 2; call < 2 + others.length; call++) link.reply(call, call);
  worker.heard("replies");
  expect(await Promise.all(others.map(({ promise }) => promise))).toEqual(others.map(({ number }) => number));
  expect(worker.size).toBe(0);
});

test("a function is known by the worker that was through with it last, also to workers that have not run it", async () => {
  const [known, strange] = [open(), open()];
  for (const [{ link, worker, send }, ms] of [
    [known, 3],
    [strange, undefined],
  ] as const) {
    const { promise } = send();
    if (ms !== undefined) link.slots.measured(task.number, ms, 1);
    link.reply(0, "done");
    worker.heard("replies");
    await promise;
  }
  expect(task.averageMs).toBe(3);

  const { promise } = strange.send();
  strange.link.slots.measured(task.number, 7, 1);
  strange.link.reply(1, "done");
  strange.worker.heard("replies");
  await promise;
  expect(task.averageMs).toBe(7);
});

/** A pool whose only worker is played, and gets ready when the test says so. */
function openPool(): {
  readonly link: PlayedWorker;
  readonly dispatcher: Dispatcher;
  readonly newCall: () => Call;
  readonly heard: (signal: Signal) => void;
} {
  const link = new PlayedWorker();
  let worker: LinkListener | undefined;
  const times = { graceMs: 0, timeoutMs: 0, startMs: Infinity };
  const start = (_name: string, listener: LinkListener): WorkerLink => {
    worker = listener;
    return link;
  };
  const dispatcher = new Dispatcher({ name: "pool", kind: "thread", size: 1, ...times, start });
  const known = dispatcher.taskFor({ module: place.module, name: "task" });
  const newCall = (): Call =>
    new Call(currentScope(), calling.once, known, [], undefined, undefined, undefined, undefined);
  return { link, dispatcher, newCall, heard: (signal) => worker!.heard(signal) };
}

test("the time of a call does not begin before the call does, and none is lost that cannot begin yet", async () => {
  const { link, dispatcher, newCall, heard } = openPool();
  const call = newCall();
  dispatcher.add(call);
  await sleep(0);
  heard("ready");

  // However often the pool looks meanwhile.
  await sleep(30);
  link.reply(0, "in time");
  heard("replies");

  expect(await call.promise).toBe("in time");
});

test("calls that are taken back again and again keep their order", () => {
  const { link, dispatcher, newCall, heard } = openPool();
  const calls = Array.from({ length: 6 }, newCall);
  link.slots.know(0, 0.001);

  dispatcher.takeBack(calls.slice(3));
  dispatcher.takeBack(calls.slice(0, 3));
  heard("ready");

  expect(calls.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
});
