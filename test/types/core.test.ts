/**
 * What the compiler knows of the core, and what it refuses. Nothing in here is run: that it compiles, with an error
 * wherever one is expected, is the test.
 */
import { expect, expectTypeOf, test } from "vitest";
import {
  type CancelReason,
  type Limiter,
  type Outcome,
  type Permit,
  type ResultStream,
  type Scope,
  type Task,
  type TaskGroup,
  type TaskState,
  Cancelled,
  ContextVar,
  Event,
  Queue,
  QueueShutDownError,
  ScopeClosedError,
  Semaphore,
  TaskCancelledError,
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

/** For the compiler alone. */
function compiled(body: (given: { group: TaskGroup; scope: Scope; task: Task<number> }) => unknown): void {
  expect(body).toBeTypeOf("function");
}

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
  compiled(async ({ task }) => {
    expectTypeOf<Awaited<Task<number>>>().toEqualTypeOf<Task<number>>();
    // @ts-expect-error a task has no then
    void task.then;
    // @ts-expect-error a task is no promise
    const promise: Promise<number> = task;
    expectTypeOf(await task.join()).toEqualTypeOf<number>();
    return promise;
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
    expectTypeOf<TaskState>().toEqualTypeOf<"running" | "done" | "failed" | "cancelled">();
    expectTypeOf(task.id).toEqualTypeOf<number>();
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
    // @ts-expect-error the body is a function
    void taskGroup(Promise.resolve(1));
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
  compiled(() => {
    expectTypeOf<TimeoutError["code"]>().toEqualTypeOf<"TIMEOUT">();
    expectTypeOf<TaskCancelledError["code"]>().toEqualTypeOf<"TASK_CANCELLED">();
    expectTypeOf<ScopeClosedError["code"]>().toEqualTypeOf<"SCOPE_CLOSED">();
    expectTypeOf<QueueShutDownError["code"]>().toEqualTypeOf<"QUEUE_SHUT_DOWN">();
    expectTypeOf<Cancelled["code"]>().toEqualTypeOf<"ABORT_ERR">();
    expectTypeOf<Cancelled["name"]>().toEqualTypeOf<"AbortError">();
    const error: unknown = undefined;
    if (isCancelled(error)) expectTypeOf(error.reason).toEqualTypeOf<CancelReason>();
    if (isTaskwrightError(error)) expectTypeOf(error.code).toEqualTypeOf<string>();
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
  });
  expect.assertions(1);
});

test("bindToRoot keeps the type of its function", () => {
  compiled(() => {
    expectTypeOf(bindToRoot((a: number, b: string) => a + b)).toEqualTypeOf<(a: number, b: string) => string>();
    // @ts-expect-error the arguments are those of the function
    bindToRoot((a: number) => a)("1");
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
    return new ContextVar<string>("user", { default: 1 });
  });
  expect.assertions(1);
});

test("what tasks share: semaphores are limiters, queues have one type of item", () => {
  compiled(async () => {
    const semaphore: Limiter = new Semaphore(2, { name: "db" });
    expectTypeOf(semaphore.acquire(2)).toEqualTypeOf<Promise<Permit>>();
    expectTypeOf(semaphore.tryAcquire()).toEqualTypeOf<Permit | undefined>();
    expectTypeOf(semaphore.run(async () => 1)).toEqualTypeOf<Promise<number>>();
    const queue = new Queue<number>({ maxSize: 5 });
    expectTypeOf(queue.get()).toEqualTypeOf<Promise<number>>();
    expectTypeOf(queue.tryGet()).toEqualTypeOf<number | undefined>();
    expectTypeOf(queue.shutdown()).toEqualTypeOf<number[]>();
    for await (const item of queue) expectTypeOf(item).toEqualTypeOf<number>();
    // @ts-expect-error the items are numbers
    void queue.put("1");
    // @ts-expect-error it has a size, which nobody sets
    queue.size = 1;
    // @ts-expect-error statistics are a picture
    queue.statistics().size = 1;
    // @ts-expect-error an event has no value
    new Event().set(1);
    new Semaphore(1).limit = 2;
    // @ts-expect-error a semaphore needs its limit
    return new Semaphore();
  });
  expect.assertions(1);
});
