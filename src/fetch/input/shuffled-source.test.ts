import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BatchSource } from "./batch-source.ts";
import { Job } from "../engine/job.ts";
import { ShuffledSource } from "./shuffled-source.ts";

/** Gives jobs 1 to `count`, but nothing now and then, as one does that waits for its input. */
class Jobs implements BatchSource {
  count = 0;
  share = undefined;
  isClosed = false;
  readonly #total: number;
  readonly #bodyBytes: number;
  readonly #pauses: Set<number>;

  constructor(total: number, pauses: readonly number[] = [], bodyBytes = 0) {
    this.#total = total;
    this.#bodyBytes = bodyBytes;
    this.#pauses = new Set(pauses);
  }

  get hasEnded(): boolean {
    return this.count === this.#total;
  }

  take(): Job | undefined {
    if (this.hasEnded || this.#pauses.delete(this.count)) return undefined;
    const target = { origin: "http://a", path: "/", url: "http://a/", isPlain: true, authorization: undefined };
    return new Job(
      ++this.count,
      undefined,
      target,
      "GET",
      [],
      this.#bodyBytes === 0 ? undefined : Buffer.alloc(this.#bodyBytes),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function takeAll(source: ShuffledSource): number[] {
  const order: number[] = [];
  while (!source.hasEnded) {
    const job = source.take();
    if (job !== undefined) order.push(job.index);
  }
  return order;
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

describe("a shuffled source", () => {
  test("gives each job once, in another order, that follows from the seed and not from how the input comes", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(), fc.array(fc.nat(300)), (total, seed, pauses) => {
        const order = takeAll(new ShuffledSource(new Jobs(total), seed));
        expect(ascending(order)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
        expect(takeAll(new ShuffledSource(new Jobs(total, pauses), seed))).toEqual(order);
      }),
    );
    const [one, other] = [1, 2].map((seed) => takeAll(new ShuffledSource(new Jobs(1_000), seed)));
    expect(one).not.toEqual(other);
    expect(one).not.toEqual(ascending(one!));
  });

  test("draws each place about as often", () => {
    const counts = Array<number>(10).fill(0);
    for (let seed = 0; seed < 2_000; seed++) counts[takeAll(new ShuffledSource(new Jobs(10), seed))[0]! - 1]!++;
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(60);
  });

  test("reads ahead no more than its window: 10,000 jobs, or less if they are large", () => {
    const many = new Jobs(1_000_000);
    const order = takeAll(new ShuffledSource(many, 1));
    for (const [place, index] of order.entries()) {
      if (index > place + 10_000) throw new Error(`job ${index} came as number ${place + 1}`);
    }
    const large = new Jobs(1_000, [], 1024 * 1024);
    new ShuffledSource(large, 1).take();
    expect(large.count).toBeLessThanOrEqual(64);
  });

  test("gives nothing until its window is full or the input has ended, and closes what it reads", async () => {
    const jobs = new Jobs(20_000, [5]);
    const source = new ShuffledSource(jobs, 1);
    expect([source.take(), jobs.count]).toEqual([undefined, 5]);
    expect([source.take()?.index === undefined, jobs.count]).toEqual([false, 10_000]);
    await source.close();
    expect(jobs.isClosed).toBe(true);
  });
});
