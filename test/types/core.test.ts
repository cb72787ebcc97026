/**
 * What the compiler knows of the core, and what it refuses. Nothing in here is run: that it compiles, with an error
 * wherever one is expected, is the test.
 */
import { expect, expectTypeOf, test } from "vitest";
import {
  type CancelReason,
  type Outcome,
  type ResultStream,
  type Scope,
  type Task,
  type TaskState,
  Cancelled,
  ContextVar,
  QueueShutDownError,
  ScopeClosedError,
  Semaphore,
  TaskCancelledError,
  TaskwrightError,
  TimeoutError,
  background,
  bindToRoot,
  breathe,
  cancelScope,
  checkpoint,
  deadlineAt,
  effectiveDeadline,
  exponential,
  gather,
  interruptible,
  isCancelled,
  isTaskwrightError,
  map,
  mapStream,
  moveOnAfter,
  now,
  race,
  retry,
  run,
  settle,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "taskwright";
import { withVirtualTime } from "taskwright/testing";
import { compiled, wants } from "./compiled.ts";

test("a task has the type of what its function returns, awaited", () => {
  compiled(({ group }) => {
    expectTypeOf(group.spawn(() => 1)).toEqualTypeOf<Task<number>>();
    expectTypeOf(group.spawn(async () => "text")).toEqualTypeOf<Task<string>>();
    expectTypeOf(group.spawn(async () => "text").join()).toEqualTypeOf<Promise<string>>();
    expectTypeOf(group.spawn(async () => {})).toEqualTypeOf<Task<void>>();
    expectTypeOf(background(async () => 1)).toEqualTypeOf<Task<number>>();
    expectTypeOf(group.spawn((scope) => scope)).toEqualTypeOf<Task<Scope>>();
  });
  expect.assertions(1);
});

test("a task is no promise: waiting for one gives the task, and it has no then", () => {
  compiled(async ({ group, task }) => {
    // Refused is only the use of the result. That `await task` does nothing is for a linter to find; another test asks one.
    expectTypeOf<Awaited<Task<number>>>().toEqualTypeOf<Task<number>>();
    expectTypeOf(await task.join()).toEqualTypeOf<number>();
    // @ts-expect-error a task has no then
    void task.then;
    // @ts-expect-error nor a result to read: join() waits for it
    void task.result;
    // @ts-expect-error it is no promise
    void wants<Promise<number>>(task);
    // @ts-expect-error a spawned task is no value yet
    wants<number>(group.spawn(() => 1));
    // @ts-expect-error nor does a function that returns a task join it
    wants<() => Promise<number>>(async () => group.spawn(() => 1));
    // @ts-expect-error join waits for as long as it takes: timeout() is around it
    await task.join(1_000);
  });
  expect.assertions(1);
});

test("what a task tells cannot be written", () => {
  compiled(({ task }) => {
    expectTypeOf(task.state).toEqualTypeOf<TaskState>();
    // @ts-expect-error state is the task's own to say
    task.state = "done";
    // @ts-expect-error the name is given when it is spawned
    task.name = "other";
    // @ts-expect-error there is no such state
    wants<boolean>(task.state === "pending");
    expectTypeOf<TaskState>().toEqualTypeOf<"running" | "done" | "failed" | "cancelled">();
    expectTypeOf(task.id).toEqualTypeOf<number>();
  });
  expect.assertions(1);
});

test("tasks are spawned with functions, for what runs already cannot be cancelled", () => {
  compiled(({ group }) => {
    // @ts-expect-error a promise runs already
    group.spawn(Promise.resolve(1));
    // @ts-expect-error so does what a call has returned
    group.spawn(sleep(1));
    // @ts-expect-error the same for a background task
    background(sleep(1));
    // @ts-expect-error it is called with its scope, not with arguments: close over them
    group.spawn((name: string) => name);
    // @ts-expect-error a daemon or not, nothing in between
    group.spawn(() => 1, { daemon: "yes" });
    // @ts-expect-error there is no such option
    group.spawn(() => 1, { timeoutMs: 5 });
    // @ts-expect-error an option is given or left out
    group.spawn(() => 1, { name: undefined });
    // @ts-expect-error its scope is the group's own
    group.scope = new AbortController();
  });
  expect.assertions(1);
});

test("a group has the type of what its body returns", () => {
  compiled(() => {
    expectTypeOf(taskGroup(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(taskGroup(async (group) => group.spawn(() => "a").join())).toEqualTypeOf<Promise<string>>();
    void taskGroup(() => 1, { failFast: false, name: "workers" });
    // @ts-expect-error there is no such option
    void taskGroup(() => 1, { failfast: false });
    // @ts-expect-error failing fast is yes or no
    void taskGroup(() => 1, { failFast: "no" });
    // @ts-expect-error the body is a function
    void taskGroup(Promise.resolve(1));
    // @ts-expect-error a body without a value gives none
    void taskGroup(() => {}).then((value) => value.length);
  });
  expect.assertions(1);
});

test("start has the type of what started is called with", () => {
  compiled(async ({ group }) => {
    expectTypeOf(await group.start<number>((started) => started(8080))).toEqualTypeOf<number>();
    expectTypeOf(await group.start((started) => started())).toEqualTypeOf<void>();
    // @ts-expect-error started wants a number
    await group.start<number>((started) => started("8080"));
    // @ts-expect-error started wants its value
    await group.start<number>((started) => started());
    // @ts-expect-error its function is given `started` first, and its scope after that
    await group.start((scope) => scope.cancel());
    // @ts-expect-error whoever says nothing of a value gets none
    wants<number>(await group.start((started) => started()));
  });
  expect.assertions(1);
});

test("functions that may be cut short return undefined as well, those that throw instead do not", () => {
  compiled(() => {
    expectTypeOf(cancelScope(() => 1)).toEqualTypeOf<Promise<number | undefined>>();
    expectTypeOf(moveOnAfter(5, async () => 1)).toEqualTypeOf<Promise<number | undefined>>();
    expectTypeOf(timeout(5, async () => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(deadlineAt(5, () => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(shield(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(run(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(withVirtualTime(async () => 1)).toEqualTypeOf<Promise<number>>();
  });
  expect.assertions(1);
});

test("who forgets that there may be no value is told", () => {
  compiled(async () => {
    // @ts-expect-error moveOnAfter may have moved on
    wants<number>(await moveOnAfter(5, () => 1));
    // @ts-expect-error a cancelled scope has no value
    wants<number>(await cancelScope(() => 1));
    // @ts-expect-error the value is in the promise
    wants<number>(timeout(5, () => 1));
    // @ts-expect-error what is awaited inside is awaited inside
    void wants<Promise<number>>(await timeout(5, async () => 1));
  });
  expect.assertions(1);
});

test("what a scope is put around is a function, and comes after the time", () => {
  compiled(() => {
    // @ts-expect-error the time comes first
    void timeout(() => 1, 5);
    // @ts-expect-error there is nothing to run
    void timeout(5);
    // @ts-expect-error a promise runs already, outside the timeout
    void timeout(5, Promise.resolve(1));
    // @ts-expect-error a promise runs already, outside the shield
    void shield(sleep(1));
    // @ts-expect-error a promise runs already, outside the scope
    void cancelScope(sleep(1));
    // @ts-expect-error the time of a shield is an option, with its unit in its name
    void shield(() => 1, 5);
    // @ts-expect-error the unit is missing
    void shield(() => 1, { timeout: 5 });
    // @ts-expect-error the function is called with its scope, not with a signal
    void cancelScope((signal: AbortSignal) => signal.aborted);
    // @ts-expect-error a deadline is a time of now(), no Date
    void deadlineAt(new Date(), () => 1);
  });
  expect.assertions(1);
});

test("run takes a function and its settings", () => {
  compiled(() => {
    void run((scope) => scope.cancel(), { signals: false, graceMs: 5, name: "main" });
    // @ts-expect-error what runs already is no main
    void run(Promise.resolve(1));
    // @ts-expect-error signals are listened to or not, all together
    void run(() => 1, { signals: ["SIGINT"] });
    // @ts-expect-error times are numbers of milliseconds
    void run(() => 1, { graceMs: "10s" });
    // @ts-expect-error the unit is missing
    void run(() => 1, { grace: 10 });
  });
  expect.assertions(1);
});

test("times are numbers of milliseconds", () => {
  compiled(() => {
    expectTypeOf(now()).toEqualTypeOf<number>();
    expectTypeOf(effectiveDeadline()).toEqualTypeOf<number>();
    expectTypeOf([sleep(1), checkpoint(), breathe()]).toEqualTypeOf<Promise<void>[]>();
    // @ts-expect-error a duration is no string
    void sleep("1s");
    // @ts-expect-error a duration is no Date
    void timeout(new Date(), () => 1);
    // @ts-expect-error a bigint is no number
    void moveOnAfter(5n, () => 1);
    // @ts-expect-error how long is not said
    void sleep();
    // @ts-expect-error sleep takes no signal: it belongs to its scope
    void sleep(5, new AbortController().signal);
  });
  expect.assertions(1);
});

test("a scope is read, cancelled and given a deadline, nothing else", () => {
  compiled(({ scope }) => {
    scope.deadline = now() + 5;
    scope.cancel();
    scope.cancel("why");
    scope.cancel({ kind: "disconnected", peer: "client" });
    // @ts-expect-error there is no such reason
    scope.cancel({ kind: "bored" });
    // @ts-expect-error an error is no reason
    scope.cancel(new Error("no"));
    // @ts-expect-error the signal is the scope's own
    scope.signal = new AbortController().signal;
    // @ts-expect-error only cancel() cancels
    scope.cancelled = { kind: "requested" };
    // @ts-expect-error why is text
    scope.cancel({ kind: "requested", why: 5 });
    // @ts-expect-error of which deadline is not said
    scope.cancel({ kind: "deadline" });
    // @ts-expect-error a deadline is a number of now()
    scope.deadline = new Date();
    // @ts-expect-error no deadline is Infinity
    scope.deadline = undefined;
    // @ts-expect-error whether it is cancelled is asked without a call
    scope.cancelled();
    expectTypeOf(scope.cancelled).toEqualTypeOf<CancelReason | undefined>();
    expectTypeOf(scope.signal).toEqualTypeOf<AbortSignal>();
  });
  expect.assertions(1);
});

test("a reason is told apart by its kind", () => {
  compiled(({ scope }) => {
    const reason = scope.cancelled;
    if (reason?.kind === "signal") expectTypeOf(reason.signal).toEqualTypeOf<`SIG${string}`>();
    if (reason?.kind === "sibling-failed") expectTypeOf(reason.error).toEqualTypeOf<unknown>();
    // @ts-expect-error a deadline has no task
    if (reason?.kind === "deadline") void reason.task;
  });
  expect.assertions(1);
});

test("codes of errors are literals, to be told apart by", () => {
  compiled(({ error }) => {
    expectTypeOf<TimeoutError["code"]>().toEqualTypeOf<"TIMEOUT">();
    expectTypeOf<TaskCancelledError["code"]>().toEqualTypeOf<"TASK_CANCELLED">();
    expectTypeOf<ScopeClosedError["code"]>().toEqualTypeOf<"SCOPE_CLOSED">();
    expectTypeOf<QueueShutDownError["code"]>().toEqualTypeOf<"QUEUE_SHUT_DOWN">();
    expectTypeOf<Cancelled["code"]>().toEqualTypeOf<"ABORT_ERR">();
    expectTypeOf<Cancelled["name"]>().toEqualTypeOf<"AbortError">();
    if (isCancelled(error)) expectTypeOf(error.reason).toEqualTypeOf<CancelReason>();
    if (isTaskwrightError(error)) expectTypeOf(error.code).toEqualTypeOf<string>();
    // @ts-expect-error what is thrown may be anything: ask first
    void error.reason;
    // @ts-expect-error why is told as a reason, not as text
    void new Cancelled("because");
    // @ts-expect-error the base of all errors is none
    void new TaskwrightError();
    // @ts-expect-error there is no such code
    if (error instanceof TimeoutError && error.code === "TIMED_OUT") return;
    // @ts-expect-error a timeout has no reason: nobody was cancelled
    if (error instanceof TimeoutError) wants<CancelReason>(error.reason);
    // @ts-expect-error codes are stable
    if (error instanceof TimeoutError) error.code = "OTHER";
  });
  expect.assertions(1);
});

test("map asks how much may run at once, and has the type of what its function returns, awaited", () => {
  compiled(() => {
    expectTypeOf(map([1, 2], (n) => `${n}`, { concurrency: 2 })).toEqualTypeOf<Promise<string[]>>();
    expectTypeOf(map(new Set(["a"]), async (s) => s.length, { limiter: new Semaphore(2) })).toEqualTypeOf<
      Promise<number[]>
    >();
    expectTypeOf(map("abc", (letter) => letter, { concurrency: 2 })).toEqualTypeOf<Promise<string[]>>();
    void map([1], (n, index, scope) => [n.toFixed(), index.toFixed(), scope.signal], { concurrency: 1 });
    // @ts-expect-error without a bound it would be Promise.all
    void map([1], (n) => n);
    // @ts-expect-error neither bound is given
    void map([1], (n) => n, {});
    // @ts-expect-error a number is nothing to read from
    void map(5, (n) => n, { concurrency: 2 });
    // @ts-expect-error the items are numbers
    void map([1], (text: string) => text, { concurrency: 2 });
  });
  expect.assertions(1);
});

test("mapStream is a stream of results, awaited", () => {
  compiled(async () => {
    const stream = mapStream([1], async (n) => ({ n }), { concurrency: 2, ordered: false });
    expectTypeOf(stream).toEqualTypeOf<ResultStream<{ n: number }>>();
    for await (const result of stream) expectTypeOf(result).toEqualTypeOf<{ n: number }>();
    // @ts-expect-error back-pressure needs a number, a limiter alone has none
    mapStream([1], (n) => n, { limiter: new Semaphore(1) });
  });
  expect.assertions(1);
});

test("gather and settle have the types of their functions in their places, race has their union", () => {
  compiled(async () => {
    const fns = [() => 1, async () => "a", () => {}] as const;
    expectTypeOf(gather([() => 1, async () => "a"])).toEqualTypeOf<Promise<[number, string]>>();
    expectTypeOf(gather(fns)).toEqualTypeOf<Promise<[number, string, void]>>();
    expectTypeOf(settle([() => 1, async () => "a"])).toEqualTypeOf<Promise<[Outcome<number>, Outcome<string>]>>();
    expectTypeOf(race<number | string>([() => 1, async () => "a"])).toEqualTypeOf<Promise<number | string>>();
    const [outcome] = await settle([() => 1]);
    if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<number>();
    else expectTypeOf(outcome.error).toEqualTypeOf<unknown>();
    // @ts-expect-error there is no value before it is known whether there is one
    void outcome.value;
    // @ts-expect-error promises run already: functions are wanted
    void gather([Promise.resolve(1)]);
  });
  expect.assertions(1);
});

test("retry and its settings", () => {
  compiled(() => {
    expectTypeOf(retry(async (attempt) => attempt)).toEqualTypeOf<Promise<number>>();
    void retry(() => 1, { attempts: 5, backoff: exponential({ baseMs: 1, jitter: "none" }), when: (_, n) => n < 3 });
    // @ts-expect-error jitter is full or none
    exponential({ jitter: "half" });
    // @ts-expect-error attempts are counted
    void retry(() => 1, { attempts: "5" });
  });
  expect.assertions(1);
});

test("interruptible takes a promise, or a function of a signal", () => {
  compiled(() => {
    expectTypeOf(interruptible(Promise.resolve(1))).toEqualTypeOf<Promise<number>>();
    expectTypeOf(interruptible((signal) => fetch("http://localhost", { signal }))).toEqualTypeOf<Promise<Response>>();
    // @ts-expect-error a value need not be waited for
    void interruptible(1);
    // @ts-expect-error nor one that a function returns
    void interruptible(() => 1);
    // @ts-expect-error it is given a signal, no scope
    void interruptible((scope: Scope) => sleep(scope.deadline));
    // @ts-expect-error one at a time
    void interruptible([Promise.resolve(1), Promise.resolve(2)]);
  });
  expect.assertions(1);
});

test("bindToRoot keeps the type of its function", () => {
  compiled(() => {
    expectTypeOf(bindToRoot((a: number, b: string) => a + b)).toEqualTypeOf<(a: number, b: string) => string>();
    // @ts-expect-error the arguments are those of the function
    bindToRoot((a: number) => a)("1");
    // @ts-expect-error what a call returned is nothing to call later
    bindToRoot(sleep(1));
  });
  expect.assertions(1);
});

test("a context variable has one type, and may be unbound where it has no default", () => {
  compiled(() => {
    const user = new ContextVar<string>("user", { default: "nobody" });
    expectTypeOf(user.get()).toEqualTypeOf<string>();
    expectTypeOf(new ContextVar("count", { default: 1 }).get()).toEqualTypeOf<number>();
    const unbound: ContextVar<string> = new ContextVar<string>("user");
    expectTypeOf(unbound.get()).toEqualTypeOf<string | undefined>();
    const either: ContextVar<string>[] = [user, unbound];
    expectTypeOf(either).items.toEqualTypeOf<ContextVar<string>>();
    // @ts-expect-error nothing may be bound
    unbound.get().toUpperCase();
    expectTypeOf(user.run("Ada", () => 1)).toEqualTypeOf<number>();
    // @ts-expect-error it holds strings
    user.run(1, () => 1);
    // @ts-expect-error its default is one as well
    void new ContextVar<string>("user", { default: 1 });
    // @ts-expect-error it is bound for a function, not set
    user.set("Ada");
    // @ts-expect-error bound for which function is not said
    user.run("Ada");
    // @ts-expect-error it is told apart by itself, but has a name for people
    void new ContextVar<string>();
    // @ts-expect-error it is made with new
    void ContextVar("user");
  });
  expect.assertions(1);
});
