import { expect, test } from "vitest";
import {
  Cancelled,
  GroupClosedError,
  QueueShutDownError,
  ScopeClosedError,
  TaskCancelledError,
  TaskwrightError,
  TimeoutError,
  isCancelled,
  isTaskwrightError,
} from "../index.ts";
import { formatMs, looksCancelled } from "./index.ts";

const reason = { kind: "requested" } as const;
const errors: [string, TaskwrightError, string][] = [
  ["TimeoutError", new TimeoutError("timeout", 1_500), "TIMEOUT"],
  ["TaskCancelledError", new TaskCancelledError("task", reason), "TASK_CANCELLED"],
  ["ScopeClosedError", new ScopeClosedError("scope", false), "SCOPE_CLOSED"],
  ["GroupClosedError", new GroupClosedError("group", "task"), "GROUP_CLOSED"],
  ["QueueShutDownError", new QueueShutDownError(), "QUEUE_SHUT_DOWN"],
];

test.for(errors)("%s says its name and a stable code, and is one of ours", ([name, error, code]) => {
  expect(error).toBeInstanceOf(TaskwrightError);
  expect([error.name, error.code]).toEqual([name, code]);
  expect(isTaskwrightError(error)).toBe(true);
  expect([isCancelled(error), looksCancelled(error)]).toEqual([false, false]);
  expect(error.stack).toContain(error.message);
});

test("a Cancelled is one of ours, but no TaskwrightError: it is not to be handled with them", () => {
  const cancelled = new Cancelled(reason);

  expect([isTaskwrightError(cancelled), isCancelled(cancelled)]).toEqual([true, true]);
  expect(cancelled).not.toBeInstanceOf(TaskwrightError);
});

test("errors of another copy of the package are recognised by their brand", () => {
  const foreign = Object.assign(new Error("cancelled"), {
    name: "AbortError",
    brand: "taskwright:error",
    code: "ABORT_ERR",
  });

  expect([isTaskwrightError(foreign), isCancelled(foreign), looksCancelled(foreign)]).toEqual([true, true, true]);
  expect(looksCancelled(new Error("wrapped", { cause: foreign }))).toBe(true);
});

test("what only resembles our errors is not taken for one", () => {
  for (const thing of [
    undefined,
    null,
    "text",
    {},
    { brand: "taskwright:error" },
    new Error("no"),
    new DOMException(""),
  ]) {
    expect([isTaskwrightError(thing), isCancelled(thing), looksCancelled(thing)]).toEqual([false, false, false]);
  }
  const abort = new DOMException("gone", "AbortError");
  expect([isTaskwrightError(abort), isCancelled(abort), looksCancelled(abort)]).toEqual([false, false, true]);
});

test("a chain of causes is followed for a while, not for ever", () => {
  const wrap = (error: Error, times: number): Error =>
    times === 0 ? error : wrap(new Error("wrapped", { cause: error }), times - 1);
  const ring = new Error("ring");
  ring.cause = ring;

  expect(looksCancelled(wrap(new Cancelled(reason), 32))).toBe(true);
  expect(looksCancelled(wrap(new Cancelled(reason), 33))).toBe(false);
  expect(looksCancelled(ring)).toBe(false);
});

test("what is made of nothing but traces of a cancellation is one, and one ordinary error makes it ordinary", () => {
  const [cut, abort, ordinary] = [new Cancelled(reason), new DOMException("gone", "AbortError"), new Error("no")];
  const nest = (first: unknown, times: number): unknown =>
    Array.from({ length: times }).reduce((inner) => new SuppressedError(cut, inner), first);

  for (const error of [
    new SuppressedError(cut, cut),
    new SuppressedError(abort, cut),
    nest(cut, 1_000),
    new AggregateError([cut, new SuppressedError(cut, abort)]),
    new Error("wrapped", { cause: new SuppressedError(cut, cut) }),
  ]) {
    expect(looksCancelled(error)).toBe(true);
  }
  for (const error of [
    new SuppressedError(ordinary, cut),
    new SuppressedError(cut, ordinary),
    new SuppressedError(cut, undefined),
    nest(ordinary, 1_000),
    new AggregateError([]),
    new AggregateError([cut, ordinary]),
    new AggregateError([cut, ordinary], "no", { cause: cut }),
    new Error("wrapped", { cause: new SuppressedError(cut, abort) }),
  ]) {
    expect(looksCancelled(error)).toBe(false);
  }
});

test("a ring of suppressed errors is followed for a while, not for ever", () => {
  const ring = new SuppressedError(new Cancelled(reason), new Cancelled(reason));
  ring.suppressed = ring;

  expect(looksCancelled(ring)).toBe(false);
});

const refuse = (): never => {
  throw new Error("refused");
};

test("an error that cannot even be read is no cancellation", () => {
  const unreadable = Object.defineProperty(new Error("no"), "cause", { get: refuse });

  expect(looksCancelled(unreadable)).toBe(false);
  expect(looksCancelled(new SuppressedError(unreadable, unreadable))).toBe(false);
});

test("times in messages are rounded to what people read", () => {
  expect([0, 0.04, 0.26, 250, 999.94, 1_000, 1_540, 30_000].map(formatMs)).toEqual([
    "0 ms",
    "0 ms",
    "0.3 ms",
    "250 ms",
    "999.9 ms",
    "1 s",
    "1.5 s",
    "30 s",
  ]);
});
