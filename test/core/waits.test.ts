/** What is true of every wait: what the tree says of it, and that in a stopped scope nothing waits and nothing is taken. */
import { describe, expect, test } from "vitest";
import { type ScopeNode, drawTree } from "../../src/core/index.ts";
import {
  AdaptiveLimiter,
  Barrier,
  Cancelled,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  ReadWriteLock,
  ScopeClosedError,
  Semaphore,
  batch,
  breathe,
  cancelScope,
  checkpoint,
  interruptible,
  mapStream,
  merge,
  singleFlight,
  sleep,
  taskGroup,
  throttle,
} from "../../src/index.ts";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "./helpers.ts";

const hour = 3_600_000;

type Call = () => Promise<unknown>;

async function fullQueue(): Promise<Queue<number>> {
  const queue = new Queue<number>({ maxSize: 1, name: "jobs" });
  await queue.put(1);
  return queue;
}

/** Calls that wait, each by what the tree says that it waits for. */
const waits: Readonly<Record<string, () => Call | Promise<Call>>> = {
  "sleep without end": () => () => sleep(Infinity),
  "sleep, 1.5 s left": () => () => sleep(1_500),
  "its turn": () => () => checkpoint(),
  "a foreign promise": () => () => interruptible(loopTurns()),
  "task other to end": () => () =>
    taskGroup((group) => group.spawn(() => sleep(hour), { name: "other", daemon: true }).join()),
  "task server to start": () => () => taskGroup((group) => group.start(() => sleep(hour), { name: "server" })),
  'Semaphore "db", place 1 of 1': () => {
    const semaphore = new Semaphore(1, { name: "db" });
    semaphore.tryAcquire();
    return () => semaphore.acquire();
  },
  'Lock "file", place 1 of 1': () => {
    const lock = new Lock({ name: "file" });
    lock.tryAcquire();
    return () => lock.acquire();
  },
  'RateLimiter "api", place 1 of 1': () => {
    const limiter = new RateLimiter({ limit: 1, perMs: hour, name: "api" });
    limiter.tryAcquire();
    return () => limiter.acquire();
  },
  'AdaptiveLimiter "api", place 1 of 1': () => {
    const limiter = new AdaptiveLimiter({ initial: 1, max: 1, name: "api" });
    limiter.tryAcquire();
    return () => limiter.acquire();
  },
  "the result of a singleFlight": () => () => singleFlight("key", () => sleep(hour)),
  "Event to be set": () => () => new Event().wait(),
  "Condition to be notified": () => {
    const condition = new Condition();
    return () => condition.run(() => condition.wait());
  },
  "the other parties of a Barrier": () => () => new Barrier(2).wait(),
  'an item in Queue "jobs"': () => () => new Queue({ name: "jobs" }).get(),
  'room in Queue "jobs"': async () => {
    const queue = await fullQueue();
    return () => queue.put(2);
  },
  'all items of Queue "jobs" to be done': async () => {
    const queue = await fullQueue();
    return () => queue.join();
  },
  'a receiver of Channel "lines"': () => () => new Channel({ name: "lines" }).send(1),
  'a value from Channel "lines"': () => () => new Channel({ name: "lines" }).receive(),
  "the next result of mapStream": () => () => mapStream([1], () => sleep(hour), { concurrency: 1 }).next(),
};

async function microtasks(count = 10): Promise<void> {
  for (; count > 0; count--) await Promise.resolve();
}

describe.for(Object.entries(waits))("a wait for %s", ([label, prepare]) => {
  test(
    "says so in the tree, and leaves it when it is cancelled",
    virtually(async () => {
      const call = await prepare();
      await cancelScope(async (scope) => {
        const outcome = thrownBy(call());
        await microtasks();

        expect(drawTree(scope as ScopeNode)).toContain(`: waits for ${label}`);
        scope.cancel();
        expect(await outcome).toBeInstanceOf(Cancelled);
        expect(whatIsLeft(scope)).toEqual([]);
      });
      await loopTurns(); // Until then a promise that was given up would be reported.
    }),
  );
});

const letters = ["a", "b", "c"];

/** A source that gives nothing until it is closed. */
function silent(): AsyncIterable<string> {
  const end = Promise.withResolvers<IteratorResult<string>>();
  const over: IteratorResult<string> = { done: true, value: undefined };
  const close = async (): Promise<IteratorResult<string>> => {
    end.resolve(over);
    return over;
  };
  return { [Symbol.asyncIterator]: () => ({ next: () => end.promise, return: close }) };
}

async function failOnTwo(n: number): Promise<number> {
  if (n === 2) throw new Error("no");
  return n;
}

/** Streams of which the first value was read, each by what its own task then waits for. */
const streams: Readonly<Record<string, () => AsyncIterator<unknown>>> = {
  "a reader of batch": () => batch(letters, { size: 1 }),
  "a reader of merge": () => merge(letters),
  "a reader of throttle": () => throttle(letters, { everyMs: 0 }),
  "an item of its source": () => merge(silent(), ["a"]),
};

test.for(Object.entries(streams))("a stream says in the tree that it waits for %s", ([label, open]) =>
  virtually(() =>
    cancelScope(async (scope) => {
      const stream = open();
      await stream.next();
      await loopTurns();

      expect(drawTree(scope as ScopeNode)).toContain(`: waits for ${label}`);
      await stream.return!();
    }),
  )(),
);

test(
  "a stream that has failed waits for its reader until it is told",
  virtually(() =>
    cancelScope(async (scope) => {
      const stream = mapStream([1, 2], failOnTwo, { concurrency: 2 });
      await stream.next();
      await loopTurns();

      expect(drawTree(scope as ScopeNode)).toContain(": waits for a reader of mapStream");
      expect(await thrownBy(stream.next())).toEqual(new Error("no"));
    }),
  ),
);

/** A call that need not wait, and what says that it has taken or given nothing. */
interface Ready {
  readonly call: Call;
  readonly state?: () => unknown;
}

const putInto = (queue: Queue<number>): Ready => ({ call: () => queue.put(1), state: () => queue.statistics() });

const ready: Readonly<Record<string, () => Ready | Promise<Ready>>> = {
  sleep: () => ({ call: () => sleep(0) }),
  checkpoint: () => ({ call: () => checkpoint() }),
  breathe: () => ({ call: () => breathe() }),
  "interruptible of a value that is there": () => ({ call: () => interruptible(Promise.resolve(1)) }),
  "join of a task that has ended": async () => {
    const task = await taskGroup((group) => ({ ended: group.spawn(() => 1) }));
    return { call: () => task.ended.join() };
  },
  "acquire of a free Semaphore": () => {
    const semaphore = new Semaphore(2);
    return { call: () => semaphore.acquire(), state: () => semaphore.statistics() };
  },
  "acquire of a free Lock": () => {
    const lock = new Lock();
    return { call: () => lock.acquire(), state: () => lock.statistics() };
  },
  "acquire of a free RateLimiter": () => {
    const limiter = new RateLimiter({ limit: 2, perMs: 1_000 });
    return { call: () => limiter.acquire(), state: () => limiter.statistics() };
  },
  "acquireRead of a free ReadWriteLock": () => {
    const lock = new ReadWriteLock();
    return { call: () => lock.acquireRead(), state: () => lock.statistics() };
  },
  "wait for an Event that is set": () => {
    const event = new Event();
    event.set();
    return { call: () => event.wait(), state: () => event.statistics() };
  },
  "wait of the last party of a Barrier": () => {
    const barrier = new Barrier(1);
    return { call: () => barrier.wait(), state: () => barrier.statistics() };
  },
  "receive from a Channel with a value": async () => {
    const channel = new Channel<number>({ capacity: 1 });
    await channel.send(1);
    return { call: () => channel.receive(), state: () => channel.statistics() };
  },
  "send to a Channel with room": () => {
    const channel = new Channel<number>({ capacity: 1 });
    return { call: () => channel.send(1), state: () => channel.statistics() };
  },
  "get of a Queue with an item": async () => {
    const queue = await fullQueue();
    return { call: () => queue.get(), state: () => queue.statistics() };
  },
  "put into a Queue with room": () => putInto(new Queue()),
  "put into a PriorityQueue with room": () => putInto(new PriorityQueue()),
  "put into a LifoQueue with room": () => putInto(new LifoQueue()),
  "join of a Queue without items": () => ({ call: () => new Queue().join() }),
};

/** Calls `fn` in a scope that has ended, as code does that nobody awaited. */
async function inEndedScope(fn: () => Promise<unknown>): Promise<unknown> {
  const end = Promise.withResolvers<void>();
  const { floating } = await taskGroup(() => ({ floating: thrownBy(end.promise.then(fn)) }));
  end.resolve();
  return floating;
}

describe.for(Object.entries(ready))("%s", ([, prepare]) => {
  test(
    "is refused in a cancelled scope, and changes nothing",
    virtually(async () => {
      const { call, state } = await prepare();
      const before = state?.();
      await cancelScope(async (scope) => {
        scope.cancel();

        expect(await thrownBy(call())).toBeInstanceOf(Cancelled);
        expect(state?.()).toEqual(before);
      });
    }),
  );

  test(
    "is refused in a scope that has ended, and changes nothing",
    virtually(async () => {
      const { call, state } = await prepare();
      const before = state?.();

      expect(await inEndedScope(call)).toBeInstanceOf(ScopeClosedError);
      expect(state?.()).toEqual(before);
    }),
  );
});
