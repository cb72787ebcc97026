import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attempt } from "../engine/attempt.ts";
import type { JobSource } from "../engine/engine.ts";
import { Job } from "../engine/job.ts";
import { BadLine } from "../input/line-splitter.ts";
import { ResultOrder } from "./result-order.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";
import { TargetParser } from "../input/target.ts";

const target = new TargetParser().parse("http://example.com/");

/** Gives jobs and bad lines, as many as are asked for. */
class Lines implements JobSource {
  hasEnded = false;
  count = 0;
  readonly #isBad: (index: number) => boolean;
  onBadLine: (bad: BadLine) => void = () => {};

  constructor(isBad: (index: number) => boolean = () => false) {
    this.#isBad = isBad;
  }

  take(): Job {
    while (this.#isBad(++this.count)) this.onBadLine(new BadLine(this.count, "bad"));
    return new Job(this.count, undefined, target, "GET", [], undefined);
  }
}

/** Keeps the numbers of what it is given. */
class Kept implements ResultOutput {
  readonly done: undefined = undefined;
  readonly bytes = 0;
  readonly waitingBytes = 0;
  readonly indexes: number[] = [];
  hasEnded = false;

  start(_events: OutputEvents): void {}
  settled(last: Attempt): void {
    this.indexes.push(last.job.index);
  }
  foundBadLine(bad: BadLine): void {
    this.indexes.push(bad.index);
  }
  async end(): Promise<void> {
    this.hasEnded = true;
  }
  abandon(): void {}
}

function attempt(job: Job, bodyBytes = 0): Attempt {
  const answer = { status: 200, headers: {}, chunks: [], bodyBytes, firstByteMs: 0, totalMs: 0 };
  return { job, startMs: 0, endMs: 0, answer, failure: undefined };
}

function setUp(limits: { maxPlaces?: number; maxBytes?: number } = {}, isBad?: (index: number) => boolean) {
  const source = new Lines(isBad);
  const output = new Kept();
  const ready = { count: 0 };
  const order = new ResultOrder({ source, output, onReady: () => ready.count++, ...limits });
  source.onBadLine = (bad) => order.foundBadLine(bad);
  return { source, output, order, ready };
}

describe("results in order", () => {
  test("wait for those before them", () => {
    const { order, output } = setUp();
    const jobs = [order.take()!, order.take()!, order.take()!];
    order.settled(attempt(jobs[2]!, 10));
    order.settled(attempt(jobs[1]!, 20));
    expect(output.indexes).toEqual([]);
    expect(order.waitingBytes).toBe(30);
    order.settled(attempt(jobs[0]!));
    expect(output.indexes).toEqual([1, 2, 3]);
    expect(order.waitingBytes).toBe(0);
  });

  test("no more is read while many wait, and reading goes on when the first has come", () => {
    const { order, ready } = setUp({ maxPlaces: 2 });
    const jobs = [order.take()!, order.take()!];
    order.settled(attempt(jobs[1]!));
    expect(order.take()).toBeUndefined();
    expect(ready.count).toBe(0);
    order.settled(attempt(jobs[0]!));
    expect(ready.count).toBe(1);
    expect(order.take()!.index).toBe(3);
  });

  test("no more is read while what waits is large, and only the first may be started", () => {
    const { order } = setUp({ maxBytes: 100 });
    const jobs = [order.take()!, order.take()!, order.take()!];
    order.settled(attempt(jobs[1]!, 99));
    expect(order.only).toBeUndefined();
    order.settled(attempt(jobs[2]!, 1));
    expect(order.take()).toBeUndefined();
    expect(order.only).toBe(jobs[0]);
    order.settled(attempt(jobs[0]!));
    expect(order.only).toBeUndefined();
    expect(order.take()!.index).toBe(4);
  });

  test("a run that is broken off writes what it has, in order", async () => {
    const { order, output } = setUp();
    const jobs = [order.take()!, order.take()!, order.take()!, order.take()!];
    order.settled(attempt(jobs[3]!));
    order.settled(attempt(jobs[1]!));
    await order.end();
    expect(output.indexes).toEqual([2, 4]);
    expect(output.hasEnded).toBe(true);
  });

  test("stand as their requests did, whatever the order in which they end, and are never held for good", () => {
    const choices = fc.array(fc.nat(), { maxLength: 200 });
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 2, max: 5 }), (steps, maxPlaces, bad) => {
        const { order, output, source } = setUp({ maxPlaces, maxBytes: 50 }, (index) => index % bad === 0);
        const open: Job[] = [];
        for (const step of steps) {
          const job = step % 3 === 0 && open.length > 0 ? undefined : order.take();
          if (job !== undefined) open.push(job);
          else order.settled(attempt(open.splice(step % open.length, 1)[0]!, step % 20));
        }
        while (open.length > 0) order.settled(attempt(open.pop()!));
        expect(output.indexes).toEqual(Array.from({ length: source.count }, (_, index) => index + 1));
        expect(order.take()).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});
