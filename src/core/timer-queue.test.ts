import fc from "fast-check";
import { expect, test } from "vitest";
import { times } from "../../test/core/helpers.ts";
import { Timer, TimerQueue } from "./index.ts";

/** What a timer does when it fires, besides telling that it did. `pick` chooses another timer. */
type Deed = { readonly cancel: number } | { readonly add: number } | undefined;

type Step =
  | { readonly do: "add"; readonly at: number; readonly deed: Deed }
  | { readonly do: "cancel"; readonly pick: number }
  | { readonly do: "fire"; readonly passMs: number };

const anyAt = fc.oneof(fc.nat(30), fc.double({ min: -5, max: 40, noNaN: true }), fc.constantFrom(2 ** 40, -(2 ** 40)));
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.record({ cancel: fc.nat() }),
  fc.record({ add: anyAt }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("add" as const), at: anyAt, deed }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick: fc.nat() }) },
  fc.record({ do: fc.constant("fire" as const), passMs: fc.nat(12) }),
);

interface Entry {
  readonly id: number;
  readonly dueMs: number;
  readonly deed: Deed;
}

/** The same with an array that is sorted each time. */
class Model {
  waiting: Entry[] = [];
  readonly fired: number[] = [];
  #lastId = 0;

  add(at: number, then: Deed): void {
    this.waiting.push({ id: this.#lastId++, dueMs: Math.ceil(at), deed: then });
  }

  cancel(pick: number): void {
    const id = pick % Math.max(1, this.#lastId);
    this.waiting = this.waiting.filter((entry) => entry.id !== id);
  }

  fireDue(nowMs: number): void {
    const due = this.waiting.filter(({ dueMs }) => dueMs <= nowMs).toSorted((a, b) => a.dueMs - b.dueMs);
    for (const entry of due) {
      if (!this.waiting.includes(entry)) continue;
      this.waiting = this.waiting.filter((other) => other !== entry);
      this.fired.push(entry.id);
      if (entry.deed === undefined) continue;
      if ("cancel" in entry.deed) this.cancel(entry.deed.cancel);
      else this.add(entry.deed.add, undefined);
    }
  }

  get nextDueMs(): number | undefined {
    return this.waiting.length === 0 ? undefined : Math.min(...this.waiting.map(({ dueMs }) => dueMs));
  }
}

test("timers fire as in a sorted list: in order, once, never early, never when cancelled, whatever they do to others", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let emptied = 0;
      const queue = new TimerQueue(() => emptied++);
      const model = new Model();
      const timers: Timer[] = [];
      const fired: number[] = [];
      let nowMs = 0;
      const add = (at: number, then: Deed): void => {
        const id = timers.length;
        const timer = new Timer(() => {
          fired.push(id);
          expect(timer.isScheduled).toBe(false);
          if (then === undefined) return;
          if ("cancel" in then) timers[then.cancel % timers.length]!.cancel();
          else add(then.add, undefined);
        });
        timers.push(timer);
        expect(queue.add(at, timer)).toBeGreaterThanOrEqual(at);
      };
      for (const next of steps) {
        switch (next.do) {
          case "add":
            add(next.at, next.deed);
            model.add(next.at, next.deed);
            break;
          case "cancel": {
            const before = emptied;
            const wasLast = model.waiting.length === 1;
            if (timers.length > 0) timers[next.pick % timers.length]!.cancel();
            model.cancel(next.pick);
            if (emptied - before !== (wasLast && model.waiting.length === 0 ? 1 : 0)) throw new Error("onEmpty");
            break;
          }
          case "fire":
            nowMs += next.passMs;
            queue.fireDue(nowMs);
            model.fireDue(nowMs);
            break;
          default:
            next satisfies never;
        }
        expect(fired).toEqual(model.fired);
        // 0 and -0 are the same time.
        expect(queue.size).toBe(model.waiting.length);
        expect(queue.nextDueMs() === model.nextDueMs).toBe(true);
        expect(timers.map((timer, id) => timer.isScheduled === model.waiting.some((entry) => entry.id === id))).toEqual(
          timers.map(() => true),
        );
      }
    }),
    times(300),
  );
});

test("a timer that throws leaves the others that are due in their order", () => {
  const queue = new TimerQueue(() => {});
  const log: string[] = [];
  const say = (text: string): Timer => new Timer(() => log.push(text));
  queue.add(1, say("a"));
  queue.add(
    1,
    new Timer(() => {
      throw new Error("no");
    }),
  );
  queue.add(1, say("b"));
  queue.add(2, say("c"));

  expect(() => queue.fireDue(5)).toThrow("no");
  expect([log, queue.size, queue.nextDueMs()]).toEqual([["a"], 2, 1]);
  queue.fireDue(5);
  expect([log, queue.size, queue.nextDueMs()]).toEqual([["a", "b", "c"], 0, undefined]);
});

test("a timer that sets itself again for the past does not hold the loop", () => {
  const queue = new TimerQueue(() => {});
  let count = 0;
  const again: Timer = new Timer(() => {
    count++;
    queue.add(0, again);
  });
  queue.add(0, again);
  queue.fireDue(10);
  queue.fireDue(10);

  expect(count).toBe(2);
});

test("of many timers of which most are cancelled the others fire in order", () => {
  const queue = new TimerQueue(() => {});
  const fired: number[] = [];
  const kept: number[] = [];
  for (let n = 0; n < 2_000; n++) {
    const atMs = (n * 7_919) % 2_000;
    const timer = new Timer(() => fired.push(atMs));
    queue.add(atMs, timer);
    if (n % 9 === 0) kept.push(atMs);
    else timer.cancel();
  }
  for (let atMs = 0; atMs < 2_000; atMs += 3) queue.add(atMs, new Timer(() => {}));
  queue.fireDue(500);
  queue.fireDue(2_000);

  expect(fired).toEqual(kept.toSorted((a, b) => a - b));
  expect([queue.size, queue.nextDueMs()]).toEqual([0, undefined]);
});
