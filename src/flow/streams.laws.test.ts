/** Streams against models so simple that they must be right, with generated times, and cancelled at any moment. */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { whatIsLeft } from "../../test/core/helpers.ts";
import { type Source, batch, mapStream, merge, moveOnAfter, now, shield, sleep, throttle } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

const runs = { numRuns: 300 };

/** How long things take. Even, so that what is set for an odd time happens at another. */
const times = fc.array(
  fc.nat(6).map((n) => 2 * n),
  { maxLength: 25 },
);

/** What a source was asked for, and whether it was closed. */
class Gauge {
  read = 0;
  isOpen = false;

  /** Numbers from 0, each after its time. */
  async *items(gaps: readonly number[]): AsyncGenerator<number, void, void> {
    this.isOpen = true;
    try {
      for (const [index, ms] of gaps.entries()) {
        if (ms > 0) await sleep(ms);
        this.read++;
        yield index;
      }
    } finally {
      await shield(() => sleep(1));
      this.isOpen = false;
    }
  }
}

/**
 * Reads with a reader that works on each result for its time, until it is cancelled; then flushes what is left.
 *
 * @returns the results, and when each came
 */
async function read<R>(
  stream: AsyncGenerator<R, void, void>,
  work: readonly number[],
  cutAtMs: number,
): Promise<{ value: R; atMs: number }[]> {
  const results: { value: R; atMs: number }[] = [];
  const note = (value: R): void => void results.push({ value, atMs: now() });
  await moveOnAfter(cutAtMs, async () => {
    try {
      for await (const value of stream) {
        note(value);
        const ms = work[results.length - 1] ?? 0;
        // Cut in here, the loop is left by its return(), which discards.
        if (ms > 0) await shield(() => sleep(ms));
      }
    } finally {
      await shield(async () => {
        for await (const value of stream) note(value);
      });
    }
  });
  return results;
}

/** Runs a schedule under virtual time; afterwards nothing may be left in the tree. */
function scheduled(body: () => Promise<void>): Promise<void> {
  return withVirtualTime(async (root) => {
    await body();
    deepStrictEqual(whatIsLeft(root), []);
  });
}

const cut = fc.oneof(fc.constant(Infinity), fc.nat(60));

interface Batch {
  readonly value: number[];
  readonly atMs: number;
}

/** When batches go out to a reader that always waits. */
function batchesOf(gaps: readonly number[], size: number, withinMs: number, weights?: readonly number[]): Batch[] {
  const batches: Batch[] = [];
  let [atMs, firstMs, weight] = [0, 0, 0];
  let filling: number[] = [];
  const goOut = (ms: number): void => {
    if (filling.length > 0) batches.push({ value: filling, atMs: ms });
    filling = [];
    weight = 0;
  };
  for (const [index, gap] of gaps.entries()) {
    atMs += gap;
    if (filling.length > 0 && firstMs + withinMs < atMs) goOut(firstMs + withinMs);
    const own = weights?.[index] ?? 0;
    if (weight + own > maxWeight) goOut(atMs);
    if (filling.length === 0) firstMs = atMs;
    filling.push(index);
    weight += own;
    if (filling.length === size || weight >= maxWeight) goOut(atMs);
  }
  // The source takes 1 ms to close, but what is left need not wait for that.
  if (filling.length > 0 && firstMs + withinMs < atMs) goOut(firstMs + withinMs);
  goOut(atMs);
  return batches;
}

const maxWeight = 10;

test("batch: for a reader who always waits, each batch holds what the model says, and comes when it says", () =>
  fc.assert(
    fc.asyncProperty(
      times,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(1, 5, 9, Infinity),
      fc.option(fc.array(fc.nat(12), { minLength: 25, maxLength: 25 }), { nil: undefined }),
      (gaps, size, withinMs, weights) =>
        scheduled(async () => {
          const weigh = weights === undefined ? {} : { maxWeight, weight: (index: number) => weights[index]! };
          const stream = batch(new Gauge().items(gaps), { size, withinMs, ...weigh });
          const expected = batchesOf(gaps, size, withinMs, weights);
          // The end of the generator comes a moment later than its last item: after its cleanup.
          const last = expected.at(-1);
          const results = await read(stream, [], Infinity);
          deepStrictEqual(results.slice(0, -1), expected.slice(0, -1));
          deepStrictEqual(results.at(-1)?.value, last?.value);
        }),
    ),
    runs,
  ));

test("batch: every item once and in order, however slow the reader is, and whenever it is cancelled", () =>
  fc.assert(
    fc.asyncProperty(
      times,
      times,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(1, 5, Infinity),
      cut,
      (gaps, work, size, withinMs, cutAtMs) =>
        scheduled(async () => {
          const gauge = new Gauge();
          const stream = batch(gauge.items(gaps), { size, withinMs });
          const batches = (await read(stream, work, cutAtMs)).map(({ value }) => value);
          ok(batches.every((items) => items.length > 0 && items.length <= size));
          deepStrictEqual(
            batches.flat(),
            Array.from({ length: gauge.read }, (_, index) => index),
          );
          if (cutAtMs === Infinity) equal(gauge.read, gaps.length);
          equal(gauge.isOpen, false);
        }),
    ),
    runs,
  ));

test("batch: the source is never more than a batch and what is being given ahead of the reader", () =>
  fc.assert(
    fc.asyncProperty(times, times, fc.integer({ min: 1, max: 5 }), (gaps, work, size) =>
      scheduled(async () => {
        const gauge = new Gauge();
        let given = 0;
        for await (const items of batch(gauge.items(gaps), { size })) {
          given += items.length;
          await sleep(work[given] ?? 0);
          ok(gauge.read <= given + size);
        }
      }),
    ),
    runs,
  ));

test("throttle: each item comes when the model says, for any source and reader", () =>
  fc.assert(
    fc.asyncProperty(times, times, fc.constantFrom(0, 1, 5, 9), (gaps, work, everyMs) =>
      scheduled(async () => {
        const results = await read(throttle(new Gauge().items(gaps), { everyMs }), work, Infinity);
        let [takenMs, freeMs] = [-everyMs, 0];
        const expected = gaps.map((gap, index) => {
          // The source is asked for an item when the one before is taken.
          const readyMs = Math.max(Math.max(takenMs, 0) + gap, takenMs + everyMs);
          takenMs = Math.max(readyMs, freeMs);
          freeMs = takenMs + (work[index] ?? 0);
          return { value: index, atMs: takenMs };
        });
        deepStrictEqual(results, expected);
      }),
    ),
    runs,
  ));

test("throttle: every item once and in order, whenever the reader is cancelled", () =>
  fc.assert(
    fc.asyncProperty(times, times, fc.constantFrom(0, 1, 5), cut, (gaps, work, everyMs, cutAtMs) =>
      scheduled(async () => {
        const gauge = new Gauge();
        const results = await read(throttle(gauge.items(gaps), { everyMs }), work, cutAtMs);
        deepStrictEqual(
          results.map(({ value }) => value),
          Array.from({ length: gauge.read }, (_, index) => index),
        );
        equal(gauge.isOpen, false);
      }),
    ),
    runs,
  ));

test("merge: the items of each source once and in order, however slow the reader is, and whenever it is cancelled", () =>
  fc.assert(
    fc.asyncProperty(fc.array(times, { maxLength: 4 }), times, cut, (sources, work, cutAtMs) =>
      scheduled(async () => {
        const gauges = sources.map(() => new Gauge());
        const named = sources.map(async function* (gaps, source) {
          for await (const index of gauges[source]!.items(gaps)) yield { source, index };
        });
        const results = (await read(merge(...named), work, cutAtMs)).map(({ value }) => value);
        for (const [source, gauge] of gauges.entries()) {
          const own = results.filter((item) => item.source === source).map(({ index }) => index);
          deepStrictEqual(
            own,
            Array.from({ length: gauge.read }, (_, index) => index),
          );
          if (cutAtMs === Infinity) equal(own.length, sources[source]!.length);
          equal(gauge.isOpen, false);
        }
      }),
    ),
    runs,
  ));

test("merge: sources that never wait take turns", () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(8), { maxLength: 4 }), (lengths) =>
      scheduled(async () => {
        const sources = lengths.map((length, source) => Array.from({ length }, () => source));
        const results = await Array.fromAsync(merge(...(sources as Source<number>[])));
        const longest = Math.max(0, ...lengths);
        const turns = Array.from({ length: longest }, (_, turn) =>
          lengths.flatMap((length, source) => (turn < length ? [source] : [])),
        );
        deepStrictEqual(
          results.toSorted((a, b) => a - b),
          sources.flat(),
        );
        // Whoever is told first that a reader waits is one ahead.
        for (const [turn, expected] of turns.entries()) {
          const until = results.slice(0, turns.slice(0, turn + 1).flat().length);
          for (const source of expected) {
            const count = until.filter((item) => item === source).length;
            ok(Math.abs(count - (turn + 1)) <= 1, `source ${source} had ${count} of ${turn + 1} turns`);
          }
        }
      }),
    ),
    runs,
  ));

test("mapStream: cancelled at any moment, no call runs on, and what was given is a part of the whole", () =>
  fc.assert(
    fc.asyncProperty(
      times,
      times,
      times,
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      cut,
      (gaps, calls, work, concurrency, ordered, cutAtMs) =>
        scheduled(async () => {
          const gauge = new Gauge();
          let running = 0;
          const stream = mapStream(
            gauge.items(gaps),
            async (index) => {
              ok(++running <= concurrency);
              try {
                await sleep(calls[index] ?? 0);
                return index;
              } finally {
                await shield(() => sleep(1));
                running--;
              }
            },
            { concurrency, ordered },
          );
          const results = (await read(stream, work, cutAtMs)).map(({ value }) => value);
          equal(running, 0);
          equal(gauge.isOpen, false);
          equal(new Set(results).size, results.length);
          if (ordered) deepStrictEqual(results, [...results.keys()]);
          if (cutAtMs === Infinity) equal(results.length, gaps.length);
        }),
    ),
    runs,
  ));
