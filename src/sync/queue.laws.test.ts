import { deepStrictEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { LifoQueue, PriorityQueue, Queue, moveOnAfter, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

interface Item {
  readonly rank: number;
  readonly number: number;
}

type Step =
  | { readonly do: "put"; readonly who: Who; readonly rank: number }
  | { readonly do: "get" | "join"; readonly who: Who }
  | { readonly do: "tryPut"; readonly rank: number }
  | { readonly do: "tryGet" | "taskDone" }
  | { readonly do: "shutdown"; readonly immediate: boolean };

const rank = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant("put" as const), who, rank }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("get" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("join" as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tryPut" as const), rank }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("tryGet" as const, "taskDone" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("shutdown" as const), immediate: fc.boolean() }) },
);

/** Where the model of each kind of queue puts an item into those it holds, the next one first. */
const kinds = {
  Queue: (items: readonly Item[]) => items.length,
  LifoQueue: () => 0,
  PriorityQueue: (items: readonly Item[], item: Item) => items.findLastIndex((other) => other.rank <= item.rank) + 1,
};

const refused = "QUEUE_SHUT_DOWN";

class QueueModel extends Model {
  readonly items: Item[] = [];
  readonly putters: { id: number; item: Item }[] = [];
  readonly getters: { id: number }[] = [];
  readonly joiners: { id: number }[] = [];
  unfinished = 0;
  isShutDown = false;
  readonly maxSize: number;
  readonly #placeOf: (items: readonly Item[], item: Item) => number;

  constructor(maxSize: number, placeOf: (items: readonly Item[], item: Item) => number) {
    super();
    this.maxSize = maxSize;
    this.#placeOf = placeOf;
  }

  accept(item: Item): boolean {
    const getter = this.getters.shift();
    if (getter !== undefined) this.outcomes.set(getter.id, item.number);
    else if (this.items.length < this.maxSize) this.#add(item);
    else return false;
    this.unfinished++;
    return true;
  }

  take(): Item | undefined {
    const item = this.items.shift();
    const putter = item && this.putters.shift();
    if (putter !== undefined) {
      this.#add(putter.item);
      this.unfinished++;
      this.outcomes.set(putter.id, "done");
    }
    return item;
  }

  put(id: number, item: Item): void {
    if (this.isShutDown) this.outcomes.set(id, refused);
    else if (this.accept(item)) this.outcomes.set(id, "done");
    else this.putters.push({ id, item });
  }

  get(id: number): void {
    const item = this.take();
    if (item !== undefined) this.outcomes.set(id, item.number);
    else if (this.isShutDown) this.outcomes.set(id, refused);
    else this.getters.push({ id });
  }

  join(id: number): void {
    this.joiners.push({ id });
    this.done(0);
  }

  done(count: number): void {
    this.unfinished -= count;
    if (this.unfinished > 0) return;
    for (const { id } of this.joiners.splice(0)) this.outcomes.set(id, "done");
  }

  shutdown(immediate: boolean): Item[] {
    this.isShutDown = true;
    for (const { id } of [...this.putters.splice(0), ...this.getters.splice(0)]) this.outcomes.set(id, refused);
    const removed = immediate ? this.items.splice(0) : [];
    this.done(removed.length);
    return removed;
  }

  withdraw(gone: ReadonlySet<number>): void {
    for (const queue of [this.putters, this.getters, this.joiners]) remove(queue, gone);
  }

  statistics(): object {
    return {
      size: this.items.length,
      maxSize: this.maxSize,
      putting: this.putters.length,
      getting: this.getters.length,
      joining: this.joiners.length,
      unfinished: this.unfinished,
      isShutDown: this.isShutDown,
    };
  }

  #add(item: Item): void {
    this.items.splice(this.#placeOf(this.items, item), 0, item);
  }
}

/** What a call returns, or the name of the error it throws. */
function resultOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Error).name;
  }
}

function open(kind: keyof typeof kinds, maxSize: number): Queue<Item> {
  if (kind === "PriorityQueue") return new PriorityQueue({ maxSize, compare: (a, b) => a.rank - b.rank });
  return kind === "Queue" ? new Queue({ maxSize }) : new LifoQueue({ maxSize });
}

const maxSizes = fc.constantFrom(1, 2, 5, Infinity);

test.for(Object.entries(kinds))("%s: every item is delivered exactly once and in turn", ([kind, placeOf]) =>
  fc.assert(
    fc.asyncProperty(schedules(step, step), maxSizes, async (steps, maxSize) => {
      const queue = open(kind as keyof typeof kinds, maxSize);
      let puts = 0;
      await follow<Step, QueueModel>(steps, queue, new QueueModel(maxSize, placeOf), (next, callers) => {
        const { model } = callers;
        switch (next.do) {
          case "put": {
            const item = { rank: next.rank, number: ++puts };
            callers.start(
              next.who,
              () => queue.put(item),
              (id) => model.put(id, item),
            );
            break;
          }
          case "get":
            callers.start(
              next.who,
              async () => (await queue.get()).number,
              (id) => model.get(id),
            );
            break;
          case "join":
            callers.start(
              next.who,
              () => queue.join(),
              (id) => model.join(id),
            );
            break;
          case "tryPut": {
            const item = { rank: next.rank, number: ++puts };
            const expected = model.isShutDown ? "QueueShutDownError" : model.accept(item);
            equal(
              resultOf(() => queue.tryPut(item)),
              expected,
            );
            break;
          }
          case "tryGet":
            equal(queue.tryGet(), model.take());
            break;
          case "taskDone": {
            const isTooOften = model.unfinished === model.items.length;
            if (!isTooOften) model.done(1);
            equal(
              resultOf(() => queue.taskDone()),
              isTooOften ? "Error" : undefined,
            );
            break;
          }
          case "shutdown":
            deepStrictEqual(queue.shutdown(next), model.shutdown(next.immediate));
            break;
          default:
            next satisfies never;
        }
      });
    }),
    runs,
  ),
);

/** A consumer reads so many items, or as long as it has time, each for so long. */
const consumer = fc.record({
  count: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 })),
  giveUpMs: fc.oneof(fc.constant(Infinity), fc.nat(12)),
  workMs: fc.nat(3),
});
const producer = fc.record({
  count: fc.nat(6),
  giveUpMs: fc.oneof(fc.constant(Infinity), fc.nat(12)),
  workMs: fc.nat(3),
});

test("whoever iterates, leaves early or is cancelled: each item is read by one, or is still in the queue", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(producer, { minLength: 1, maxLength: 4 }),
      fc.array(consumer, { minLength: 1, maxLength: 4 }),
      maxSizes,
      (producers, consumers, maxSize) =>
        withVirtualTime(async () => {
          const queue = new Queue<string>({ maxSize });
          const sent: string[] = [];
          const read: string[] = [];
          await taskGroup(async (group) => {
            for (const [index, { count, giveUpMs, workMs }] of producers.entries()) {
              group.spawn(() =>
                moveOnAfter(giveUpMs, async () => {
                  for (let number = 0; number < count; number++) {
                    await sleep(workMs);
                    await queue.put(`${index}.${number}`).catch((error: { code: string }) => {
                      if (error.code !== refused) throw error;
                      number = count;
                    });
                    if (number < count) sent.push(`${index}.${number}`);
                  }
                }),
              );
            }
            for (const { count, giveUpMs, workMs } of consumers) {
              group.spawn(() =>
                moveOnAfter(giveUpMs, async () => {
                  let left = count;
                  for await (const item of queue) {
                    read.push(item);
                    if (--left === 0) break;
                    await sleep(workMs);
                  }
                }),
              );
            }
            await sleep(20);
            queue.shutdown();
          });
          const left = queue.shutdown({ immediate: true });

          deepStrictEqual([...read, ...left].toSorted(), sent.toSorted());
          deepStrictEqual(queue.statistics().size, 0);
        }),
    ),
    runs,
  ));
