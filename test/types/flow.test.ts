/**
 * What the compiler knows of the flow functions, and what it refuses. Nothing in here is run: that it compiles, with an
 * error wherever one is expected, is the test.
 */
import { PassThrough } from "node:stream";
import { expect, expectTypeOf, test } from "vitest";
import { compiled } from "./compiled.ts";
import {
  type BatchStream,
  type Completion,
  type CompletionOf,
  type ItemOf,
  type MergedStream,
  type Outcome,
  type ThrottledStream,
  RetryBudget,
  Semaphore,
  SingleFlight,
  any,
  asCompleted,
  batch,
  exponential,
  gather,
  hedge,
  map,
  mapStream,
  merge,
  race,
  retry,
  settle,
  singleFlight,
  throttle,
} from "taskwright";

const list: (() => Promise<number>)[] = [];
const byName: Record<string, () => Promise<number>> = {};

test("gather has the types of its functions: in their places, under their names, or one for all", () => {
  compiled(async () => {
    expectTypeOf(gather([() => 1, async () => "a", () => {}])).toEqualTypeOf<Promise<[number, string, void]>>();
    expectTypeOf(gather({ user: async () => "Ada", age: () => 36 })).toEqualTypeOf<
      Promise<{ user: string; age: number }>
    >();
    expectTypeOf(gather(list)).toEqualTypeOf<Promise<number[]>>();
    expectTypeOf(gather(byName)).toEqualTypeOf<Promise<Record<string, number>>>();
    expectTypeOf(gather([])).toEqualTypeOf<Promise<[]>>();
    void gather([(scope) => scope.signal]);
    void gather({ signal: (scope) => scope.signal });
    // @ts-expect-error there is no third result
    const [, , _third] = await gather([() => 1, () => 2]);
    // @ts-expect-error there is no result of that name
    void (await gather({ user: () => 1 })).users;
    // @ts-expect-error promises run already: functions are wanted
    void gather({ user: Promise.resolve(1) });
    // @ts-expect-error one function is no list
    void gather(() => 1);
    // @ts-expect-error functions are given the scope and nothing else
    void gather([(n: number) => n]);
  });
  expect.assertions(1);
});

test("settle has an outcome for each", () => {
  compiled(async () => {
    expectTypeOf(settle([() => 1, async () => "a"])).toEqualTypeOf<Promise<[Outcome<number>, Outcome<string>]>>();
    expectTypeOf(settle({ a: () => 1 })).toEqualTypeOf<Promise<{ a: Outcome<number> }>>();
    expectTypeOf(settle(list)).toEqualTypeOf<Promise<Outcome<number>[]>>();
    const { a } = await settle({ a: () => 1 });
    // @ts-expect-error whether there is a value has to be asked first
    void a.value;
    if (!a.ok) expectTypeOf(a.error).toEqualTypeOf<unknown>();
  });
  expect.assertions(1);
});

test("race and any have the union of their functions' types", () => {
  compiled(() => {
    expectTypeOf(race([() => 1, async () => "a"])).toEqualTypeOf<Promise<number | string>>();
    expectTypeOf(any([() => 1, async () => "a"])).toEqualTypeOf<Promise<number | string>>();
    expectTypeOf(race(list)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(any(list)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(race<number | string>([() => 1, async () => "a"])).toEqualTypeOf<Promise<number | string>>();
    // @ts-expect-error promises run already: functions are wanted
    void any([Promise.resolve(1)]);
    // @ts-expect-error who has won is not told: names would be for nothing
    void race({ a: () => 1 });
    // @ts-expect-error the functions are a list
    void any(...list);
  });
  expect.assertions(1);
});

test("asCompleted tells its functions apart by their keys, and with them the types of their values", () => {
  compiled(async () => {
    for await (const completion of asCompleted([() => 1, async () => "a"])) {
      expectTypeOf(completion.key).toEqualTypeOf<0 | 1>();
      if (completion.ok) expectTypeOf(completion.value).toEqualTypeOf<number | string>();
      if (completion.ok && completion.key === 1) expectTypeOf(completion.value).toEqualTypeOf<string>();
      // @ts-expect-error there are two
      if (completion.key === 2) void completion;
    }
    for await (const completion of asCompleted({ user: () => "Ada", age: async () => 36 })) {
      expectTypeOf(completion.key).toEqualTypeOf<"user" | "age">();
      if (completion.ok && completion.key === "age") expectTypeOf(completion.value).toEqualTypeOf<number>();
      // @ts-expect-error whether there is a value has to be asked first
      void completion.value;
    }
    for await (const completion of asCompleted(list)) {
      expectTypeOf(completion).toEqualTypeOf<Completion<number, number>>();
    }
    for await (const { key } of asCompleted(byName)) expectTypeOf(key).toEqualTypeOf<string>();
    expectTypeOf<CompletionOf<{ a: () => 1 }>>().toEqualTypeOf<Completion<"a", 1>>();
    // @ts-expect-error promises run already: functions are wanted
    asCompleted([Promise.resolve(1)]);
  });
  expect.assertions(1);
});

test("hedge and retry have the type of their function, which is given the number of the attempt and a scope", () => {
  compiled(() => {
    expectTypeOf(hedge(async (attempt) => attempt, { afterMs: 5 })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(hedge((_attempt, scope) => scope.name, { afterMs: 5, attempts: 3 })).toEqualTypeOf<Promise<string>>();
    expectTypeOf(retry(async (attempt) => attempt)).toEqualTypeOf<Promise<number>>();
    void retry(() => 1, { budget: new RetryBudget({ ratio: 0.1 }), backoff: exponential() });
    // @ts-expect-error without afterMs it would be two calls at once
    void hedge(() => 1);
    // @ts-expect-error times are numbers of milliseconds
    void hedge(() => 1, { afterMs: "5ms" });
    // @ts-expect-error a budget is made once, for many calls
    void retry(() => 1, { budget: { ratio: 0.1 } });
    // @ts-expect-error there is no such option: attempts count the first
    void retry(() => 1, { retries: 3 });
    // @ts-expect-error what is left cannot be written
    new RetryBudget().statistics().left = 5;
  });
  expect.assertions(1);
});

test("batch gives lists of the items, and weighs them all", () => {
  compiled(async () => {
    expectTypeOf(batch([1, 2], { size: 2 })).toEqualTypeOf<BatchStream<number>>();
    for await (const items of batch(new Set(["a"]), { size: 2, withinMs: 5 })) {
      expectTypeOf(items).toEqualTypeOf<string[]>();
    }
    batch(["a"], { size: 5, maxWeight: 100, weight: (text) => text.length });
    // @ts-expect-error how many make a batch has to be said
    batch([1], { withinMs: 5 });
    // @ts-expect-error the items are numbers
    batch([1], { size: 2, weight: (text: string) => text.length });
    // @ts-expect-error a number is nothing to read from
    batch(5, { size: 2 });
  });
  expect.assertions(1);
});

test("merge gives what any of its sources gives", () => {
  compiled(async () => {
    expectTypeOf(merge([1], "a")).toEqualTypeOf<MergedStream<number | string>>();
    for await (const item of merge(
      new Set([1]),
      mapStream([1], () => true, { concurrency: 1 }),
    )) {
      expectTypeOf(item).toEqualTypeOf<number | boolean>();
    }
    const sources = [new Set([1])];
    expectTypeOf(merge(...sources)).toEqualTypeOf<MergedStream<number>>();
    expectTypeOf(merge()).toEqualTypeOf<MergedStream<never>>();
    expectTypeOf<ItemOf<ReadableStream<Uint8Array>>>().toEqualTypeOf<Uint8Array>();
    // @ts-expect-error sources are given one by one
    for await (const item of merge([[1], [2]])) void item.toFixed();
    // @ts-expect-error a number is nothing to read from
    merge([1], 5);
  });
  expect.assertions(1);
});

test("throttle goes by time or by a limiter, not both and not neither", () => {
  compiled(() => {
    expectTypeOf(throttle([1], { everyMs: 5 })).toEqualTypeOf<ThrottledStream<number>>();
    expectTypeOf(throttle("ab", { limiter: new Semaphore(1) })).toEqualTypeOf<ThrottledStream<string>>();
    // @ts-expect-error how fast has to be said
    throttle([1], {});
    // @ts-expect-error a limiter is more than a number
    throttle([1], { limiter: 5 });
  });
  expect.assertions(1);
});

test("sources are sync and async iterables of any kind", () => {
  compiled(() => {
    expectTypeOf(map(new ReadableStream<string>(), (text) => text.length, { concurrency: 1 })).toEqualTypeOf<
      Promise<number[]>
    >();
    void map(new PassThrough(), (chunk: Buffer) => chunk.length, { concurrency: 1 });
    void map(new Map([["a", 1]]), ([key, value]) => key + value.toFixed(), { concurrency: 1 });
    // @ts-expect-error an array-like has no iterator
    void map({ length: 1, 0: "a" }, (item) => item, { concurrency: 1 });
  });
  expect.assertions(1);
});

test("SingleFlight has one type of key and of value, singleFlight that of its function", () => {
  compiled(() => {
    const flights = new SingleFlight<number, string>();
    expectTypeOf(flights.run(1, async () => "a")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(singleFlight("key", async () => 1)).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error the keys are numbers
    void flights.run("1", () => "a");
    // @ts-expect-error the values are strings
    void flights.run(1, () => 2);
    // @ts-expect-error what is under way cannot be written
    flights.statistics().flights = 0;
  });
  expect.assertions(1);
});
