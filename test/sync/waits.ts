/** Every way to wait in src/sync. */
import {
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
} from "../../src/index.ts";

export interface Wait {
  /** What is waited at. */
  readonly of: { statistics(): object };
  readonly wait: () => Promise<unknown>;
  /** Lets one waiter go on, or all. */
  readonly release: () => unknown;
}

/** Each makes something new, where nobody waits yet. */
export const waits: Readonly<Record<string, () => Wait>> = {
  "Semaphore.acquire": () => {
    const of = new Semaphore(0);
    return { of, wait: () => of.acquire(), release: () => (of.limit = 1) };
  },
  "Lock.acquire": () => {
    const of = new Lock();
    const permit = of.tryAcquire()!;
    return { of, wait: () => of.acquire(), release: () => permit.release() };
  },
  "ReadWriteLock.acquireRead": () => {
    const of = new ReadWriteLock();
    const writing = of.acquireWrite();
    return { of, wait: () => of.acquireRead(), release: async () => (await writing).release() };
  },
  "Queue.get": () => {
    const of = new Queue<number>();
    return { of, wait: () => of.get(), release: () => of.put(1) };
  },
  "Queue.put": () => {
    const of = new PriorityQueue<number>({ maxSize: 1 });
    of.tryPut(1);
    return { of, wait: () => of.put(2), release: () => of.get() };
  },
  "Queue.join": () => {
    const of = new LifoQueue<number>();
    of.tryPut(1);
    return { of, wait: () => of.join(), release: () => of.shutdown({ immediate: true }) };
  },
  "for await of Queue": () => {
    const of = new Queue<number>();
    return { of, wait: () => of[Symbol.asyncIterator]().next(), release: () => of.put(1) };
  },
  "Channel.send": () => {
    const of = new Channel<object>();
    return { of, wait: () => of.send({}), release: () => of.receive() };
  },
  "Channel.receive": () => {
    const of = new Channel<object>();
    return { of, wait: () => of.receive(), release: () => of.send({}) };
  },
  "Event.wait": () => {
    const of = new Event();
    return { of, wait: () => of.wait(), release: () => of.set() };
  },
  "Barrier.wait": () => {
    const of = new Barrier(1_000_000);
    return { of, wait: () => of.wait(), release: () => of.abort() };
  },
  "Condition.wait": () => {
    const of = new Condition();
    return { of, wait: () => of.run(() => of.wait()), release: () => of.run(() => of.notify()) };
  },
};
