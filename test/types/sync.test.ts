/** What the compiler knows of what tasks share, and what it refuses. Nothing in here is run. */
import { expect, expectTypeOf, test } from "vitest";
import {
  type Limiter,
  type Permit,
  type PermitReport,
  Barrier,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  ReadWriteLock,
  Semaphore,
  map,
} from "taskwright";
import { compiled, wants } from "./compiled.ts";

test("a semaphore gives permits, and runs functions with one", () => {
  compiled(async () => {
    const semaphore = new Semaphore(2, { name: "db" });
    expectTypeOf(semaphore.acquire(2)).toEqualTypeOf<Promise<Permit>>();
    expectTypeOf(semaphore.tryAcquire()).toEqualTypeOf<Permit | undefined>();
    expectTypeOf(semaphore.run(async () => 1)).toEqualTypeOf<Promise<number>>();
    semaphore.limit = 3;
    using permit = await semaphore.acquire();
    permit.report({ ok: true, ms: 5 });
    // @ts-expect-error a semaphore needs its limit
    void new Semaphore();
    // @ts-expect-error a limit is a number
    void new Semaphore("2");
    // @ts-expect-error the limit comes first
    void new Semaphore({ limit: 2 });
    // @ts-expect-error an await is missing: the promise of a permit is no permit
    using forgotten = semaphore.acquire();
    // @ts-expect-error an await is missing
    wants<Permit>(semaphore.acquire());
    // @ts-expect-error there may be none
    semaphore.tryAcquire().release();
    // @ts-expect-error a weight is a number
    void semaphore.acquire("2");
    // @ts-expect-error a promise runs already, without a permit
    void semaphore.run(Promise.resolve(1));
    // @ts-expect-error the function is called without anything: the permit is given back by itself
    void semaphore.run((held: Permit) => held.release());
    // @ts-expect-error how long it took is missing
    permit.report({ ok: true });
    // @ts-expect-error statistics are a picture
    semaphore.statistics().waiting = 0;
    return forgotten;
  });
  expect.assertions(1);
});

/** A limiter of a user's own. */
class Unlimited implements Limiter {
  acquire(): Promise<Permit> {
    return Promise.resolve(this.tryAcquire());
  }

  tryAcquire(): Permit {
    return { release: () => {}, report: (_report: PermitReport) => {}, [Symbol.dispose]: () => {} };
  }

  async run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return fn();
  }
}

test("anybody can write a limiter", () => {
  compiled(() => {
    wants<Limiter>(new Semaphore(1));
    expectTypeOf(map([1], (n) => n, { limiter: new Unlimited() })).toEqualTypeOf<Promise<number[]>>();
    // @ts-expect-error a limiter has more than one method
    void map([1], (n) => n, { limiter: { acquire: () => new Semaphore(1).acquire() } });
    // @ts-expect-error a permit can be disposed of as well
    wants<Permit>({ release: () => {}, report: () => {} });
    // @ts-expect-error a number is no limiter: that is `concurrency`
    void map([1], (n) => n, { limiter: 5 });
  });
  expect.assertions(1);
});

test("a lock is run with, and an event has no value", () => {
  compiled(async () => {
    expectTypeOf(new Lock({ name: "file" }).run(async () => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(new ReadWriteLock().runRead(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(new ReadWriteLock().runWrite(async () => "a")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(new Event().wait()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(new Event().isSet).toEqualTypeOf<boolean>();
    // @ts-expect-error a read-write lock is taken for reading or for writing
    void new ReadWriteLock().run(() => 1);
    // @ts-expect-error a lock has no limit
    void new Lock(1);
    // @ts-expect-error an event has no value
    new Event().set(1);
    // @ts-expect-error it is set, or cleared, by a call
    new Event().isSet = true;
    // @ts-expect-error how long to wait is for timeout() to say
    void new Event().wait(5);
    // @ts-expect-error it is not the DOM's Event
    void new Event("click");
  });
  expect.assertions(1);
});

test("a condition asks a predicate that need not be waited for", () => {
  compiled(() => {
    const condition = new Condition(new Lock());
    expectTypeOf(condition.run(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(condition.waitFor(() => true)).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a promise is always true
    void condition.waitFor(async () => false);
    // @ts-expect-error a condition has a lock, no semaphore
    void new Condition(new Semaphore(1));
    // @ts-expect-error whom to notify is a number: the longest waiting
    condition.notify("all");
  });
  expect.assertions(1);
});

test("a barrier has a number of parties, and tells each its place", () => {
  compiled(() => {
    expectTypeOf(new Barrier(2).wait()).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error of how many parties is not said
    void new Barrier();
    // @ts-expect-error parties are counted
    void new Barrier(["a", "b"]);
  });
  expect.assertions(1);
});

test("a queue has one type of item", () => {
  compiled(async () => {
    const queue = new Queue<number>({ maxSize: 5 });
    expectTypeOf(queue.put(1)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(queue.get()).toEqualTypeOf<Promise<number>>();
    expectTypeOf(queue.tryGet()).toEqualTypeOf<number | undefined>();
    expectTypeOf(queue.tryPut(1)).toEqualTypeOf<boolean>();
    expectTypeOf(queue.shutdown()).toEqualTypeOf<number[]>();
    for await (const item of queue) expectTypeOf(item).toEqualTypeOf<number>();
    // @ts-expect-error the items are numbers
    void queue.put("1");
    // @ts-expect-error nothing is put
    void queue.put();
    // @ts-expect-error an await is missing
    wants<number>(queue.get());
    // @ts-expect-error there may be none
    wants<number>(queue.tryGet());
    // @ts-expect-error only async: `for await`
    for (const item of queue) wants<number>(item);
    // @ts-expect-error it is spelled maxSize
    void new Queue<number>({ maxsize: 5 });
    // @ts-expect-error the size is an option
    void new Queue<number>(5);
    // @ts-expect-error it has a size, which nobody sets
    queue.size = 1;
    // @ts-expect-error at once or not is said by name
    queue.shutdown(true);
    // @ts-expect-error statistics are a picture
    queue.statistics().size = 1;
    // @ts-expect-error a queue of numbers is none of texts
    wants<Queue<string>>(queue);
  });
  expect.assertions(1);
});

test("queues of every kind pass for a queue, and compare is given two items", () => {
  compiled(() => {
    const byLength = new PriorityQueue({ compare: (a: string, b: string) => a.length - b.length });
    expectTypeOf(byLength.get()).toEqualTypeOf<Promise<string>>();
    wants<Queue<string>>(byLength);
    wants<Queue<number>>(new LifoQueue<number>({ maxSize: 5 }));
    wants<Queue<Date>>(new PriorityQueue<Date>());
    // @ts-expect-error compare says how much, not whether
    void new PriorityQueue<number>({ compare: (a, b) => a < b });
    // @ts-expect-error the items are numbers
    void new PriorityQueue<number>({ compare: (a: string, b: string) => a.length - b.length });
    // @ts-expect-error the newest come first without being compared
    void new LifoQueue<number>({ compare: (a, b) => a - b });
  });
  expect.assertions(1);
});

test("a channel has one type of value, and so have its handles", () => {
  compiled(async () => {
    using channel = new Channel<string>({ capacity: 1 });
    expectTypeOf(channel.clone()).toEqualTypeOf<Channel<string>>();
    expectTypeOf(channel.send("a")).toEqualTypeOf<Promise<void>>();
    expectTypeOf(channel.receive()).toEqualTypeOf<Promise<string>>();
    for await (const value of channel) expectTypeOf(value).toEqualTypeOf<string>();
    // @ts-expect-error the values are texts
    void channel.send(1);
    // @ts-expect-error an await is missing
    wants<string>(channel.receive());
    // @ts-expect-error the room of a channel is its capacity
    void new Channel<string>({ maxSize: 1 });
    // @ts-expect-error it is closed by a call, each handle for itself
    channel.isClosed = true;
  });
  expect.assertions(1);
});
