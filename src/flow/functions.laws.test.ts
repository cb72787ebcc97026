/** Functions run at once, or again, against models so simple that they must be right, with generated times. */
import { deepStrictEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { whatIsLeft } from "../../test/core/helpers.ts";
import {
  SingleFlight,
  any,
  asCompleted,
  gather,
  hedge,
  isCancelled,
  moveOnAfter,
  now,
  race,
  retry,
  settle,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

const runs = { numRuns: 300 };

/** One call: how long it takes, whether it fails then, and how long it cleans up if it is cancelled. */
interface Call {
  readonly ms: number;
  readonly fails: boolean;
  readonly cleanupMs: number;
}

/** Times are all different, so that it is clear who is first: the place of the call is in its last digits. */
const calls: fc.Arbitrary<Call[]> = fc
  .array(fc.record({ ms: fc.nat(9), fails: fc.boolean(), cleanupMs: fc.nat(3) }), { minLength: 1, maxLength: 8 })
  .map((each) => each.map((call, index) => ({ ...call, ms: call.ms * 100 + index })));

/** When the whole is cancelled: at a time at which nothing else happens. */
const cut = fc.oneof(
  fc.constant(Infinity),
  fc.nat(9).map((n) => n * 100 + 50),
);

class CallError extends Error {
  readonly index: number;

  constructor(index: number) {
    super(`call ${index}`);
    this.index = index;
  }
}

/** Calls that count how many of them run. */
class Running {
  count = 0;

  functions(each: readonly Call[]): (() => Promise<number>)[] {
    return each.map((call, index) => () => this.call(call, index));
  }

  async call({ ms, fails, cleanupMs }: Call, index: number): Promise<number> {
    this.count++;
    try {
      await sleep(ms);
      if (fails) throw new CallError(index);
      return index;
    } catch (error) {
      if (isCancelled(error)) await shield(() => sleep(cleanupMs));
      throw error;
    } finally {
      this.count--;
    }
  }
}

/** How something ended: a value, what failed, or that it was cut. */
async function endOf(cutAtMs: number, fn: () => Promise<unknown>): Promise<unknown> {
  let end: unknown = "cut";
  await moveOnAfter(cutAtMs, async () => {
    try {
      end = { value: await fn() };
    } catch (error) {
      if (isCancelled(error)) throw error;
      end = { error };
    }
  });
  return end;
}

function scheduled(body: () => Promise<void>): Promise<void> {
  return withVirtualTime(async (root) => {
    await body();
    deepStrictEqual(whatIsLeft(root), []);
  });
}

const indexes = (each: readonly unknown[]): number[] => [...each.keys()];

/** The places of those that `matches` says, soonest first. */
function byTime(each: readonly Call[], matches: (call: Call) => boolean): number[] {
  return indexes(each)
    .filter((index) => matches(each[index]!))
    .toSorted((a, b) => each[a]!.ms - each[b]!.ms);
}

const errorsOf = (list: readonly number[]): CallError[] => list.map((index) => new CallError(index));

test("race and any: who is first by the times wins, unless the whole was cancelled before", () =>
  fc.assert(
    fc.asyncProperty(calls, cut, (each, cutAtMs) =>
      scheduled(async () => {
        const running = new Running();
        const first = byTime(each, () => true)[0]!;
        const good = byTime(each, ({ fails }) => !fails)[0];
        const last = Math.max(...each.map(({ ms }) => ms));

        const raced = each[first]!.fails ? { error: new CallError(first) } : { value: first };
        const startedMs = now();
        deepStrictEqual(
          await endOf(cutAtMs, () => race(running.functions(each))),
          each[first]!.ms < cutAtMs ? raced : "cut",
        );
        equal(running.count, 0);
        ok(now() - startedMs <= Math.min(each[first]!.ms, cutAtMs) + 3);

        const found =
          good === undefined
            ? { error: new AggregateError(errorsOf(indexes(each)), `all ${each.length} functions failed`) }
            : { value: good };
        const foundMs = good === undefined ? last : each[good]!.ms;
        deepStrictEqual(await endOf(cutAtMs, () => any(running.functions(each))), foundMs < cutAtMs ? found : "cut");
        equal(running.count, 0);
      }),
    ),
    runs,
  ));

test("gather and settle: all results in their places, or the first failure", () =>
  fc.assert(
    fc.asyncProperty(calls, cut, (each, cutAtMs) =>
      scheduled(async () => {
        const running = new Running();
        const bad = byTime(each, ({ fails }) => fails)[0];
        const last = Math.max(...each.map(({ ms }) => ms));

        const gathered = bad === undefined ? { value: indexes(each) } : { error: new CallError(bad) };
        const gatheredMs = bad === undefined ? last : each[bad]!.ms;
        deepStrictEqual(
          await endOf(cutAtMs, () => gather(running.functions(each))),
          gatheredMs < cutAtMs ? gathered : "cut",
        );
        equal(running.count, 0);

        const settled = each.map(({ fails }, index) =>
          fails ? { ok: false, error: new CallError(index) } : { ok: true, value: index },
        );
        deepStrictEqual(
          await endOf(cutAtMs, () => settle(running.functions(each))),
          last < cutAtMs ? { value: settled } : "cut",
        );
        equal(running.count, 0);
      }),
    ),
    runs,
  ));

test("asCompleted: outcomes in the order of the times, as many as were asked for", () =>
  fc.assert(
    fc.asyncProperty(calls, fc.nat(9), cut, (each, count, cutAtMs) =>
      scheduled(async () => {
        const running = new Running();
        const seen: unknown[] = [];
        await endOf(cutAtMs, async () => {
          for await (const { key, ok: isGood } of asCompleted(running.functions(each))) {
            seen.push([key, isGood]);
            if (seen.length >= count) break;
          }
        });
        const inTime = byTime(each, ({ ms }) => ms < cutAtMs).map((index) => [index, !each[index]!.fails]);
        deepStrictEqual(seen, inTime.slice(0, Math.max(1, count)));
        equal(running.count, 0);
      }),
    ),
    runs,
  ));

interface Hedged {
  readonly begins: number[];
  readonly endMs: number;
  readonly winner: number | undefined;
}

/** When each attempt of a hedge begins, and who wins: event by event. */
function hedgeModel(each: readonly Call[], afterMs: number): Hedged {
  const begins = [0];
  const ended = new Set<number>();
  let pausedSinceMs = 0;
  for (;;) {
    const open = indexes(begins).filter((index) => !ended.has(index));
    const next = open.toSorted((a, b) => begins[a]! + each[a]!.ms - (begins[b]! + each[b]!.ms))[0];
    const endMs = next === undefined ? Infinity : begins[next]! + each[next]!.ms;
    const isMore = begins.length < each.length;
    const beginMs = isMore ? (next === undefined ? pausedSinceMs : pausedSinceMs + afterMs) : Infinity;
    if (next === undefined && !isMore) return { begins, endMs: pausedSinceMs, winner: undefined };
    if (beginMs < endMs) {
      begins.push(beginMs);
      pausedSinceMs = beginMs;
      continue;
    }
    ended.add(next!);
    if (!each[next!]!.fails) return { begins, endMs, winner: next };
    pausedSinceMs = isMore ? endMs : Math.max(pausedSinceMs, endMs);
    if (isMore) begins.push(endMs);
  }
}

test("hedge: attempts begin when the model says, and the first to succeed wins", () =>
  fc.assert(
    fc.asyncProperty(
      calls,
      fc.nat(6).map((n) => n * 100 + 33),
      cut,
      (each, afterMs, cutAtMs) =>
        scheduled(async () => {
          const running = new Running();
          const begins: number[] = [];
          const expected = hedgeModel(each, afterMs);
          const end = await endOf(cutAtMs, () =>
            hedge(
              (attempt) => {
                begins.push(now());
                return running.call(each[attempt - 1]!, attempt - 1);
              },
              { afterMs, attempts: each.length },
            ),
          );
          deepStrictEqual(
            begins,
            expected.begins.filter((ms) => ms < cutAtMs),
          );
          if (expected.endMs >= cutAtMs) equal(end, "cut");
          else if (expected.winner !== undefined) deepStrictEqual(end, { value: expected.winner });
          else ok((end as { error: unknown }).error instanceof CallError);
          equal(running.count, 0);
        }),
    ),
    runs,
  ));

interface Attempt {
  readonly ms: number;
  readonly backoffMs: number;
  readonly retryAfterMs: number | undefined;
}

const attempts: fc.Arbitrary<Attempt[]> = fc.array(
  fc.record({
    ms: fc.nat(20),
    backoffMs: fc.nat(20),
    retryAfterMs: fc.option(fc.nat(40), { nil: undefined }),
  }),
  { maxLength: 6 },
);

test("retry: attempts begin when the model says, and none would begin after the deadline", () =>
  fc.assert(
    fc.asyncProperty(
      attempts,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(Infinity, 30, 75),
      (failures, max, limitMs) =>
        scheduled(async () => {
          const begins: number[] = [];
          const expected: number[] = [];
          let [atMs, result] = [0, ""];
          for (let attempt = 1; result === ""; attempt++) {
            expected.push(atMs);
            const failure = failures[attempt - 1];
            atMs += failure?.ms ?? 1;
            if (atMs >= limitMs) result = "TimeoutError";
            else if (failure === undefined) result = "done";
            else {
              const nextMs = atMs + Math.max(failure.backoffMs, failure.retryAfterMs ?? 0);
              if (attempt === max || nextMs >= limitMs) result = `failure ${attempt}`;
              else atMs = nextMs;
            }
          }
          const startedMs = now();
          const retrying = timeout(limitMs, () =>
            retry(
              async (attempt) => {
                begins.push(now() - startedMs);
                const failure = failures[attempt - 1];
                await sleep(failure?.ms ?? 1);
                if (failure === undefined) return "done";
                throw Object.assign(new Error(`failure ${attempt}`), { retryAfterMs: failure.retryAfterMs });
              },
              { attempts: max, backoff: (attempt) => failures[attempt - 1]!.backoffMs },
            ),
          );
          const end = await retrying.catch((error: Error) => (error.name === "Error" ? error.message : error.name));
          equal(end, result);
          deepStrictEqual(begins, expected);
          ok(now() - startedMs <= Math.min(atMs, limitMs));
        }),
    ),
    runs,
  ));

interface Ask {
  readonly key: number;
  readonly atMs: number;
  readonly patienceMs: number;
}

/** Nobody asks, and no waiter leaves, at a time at which a flight ends. */
const workMs = 42;

const asks: fc.Arbitrary<Ask[]> = fc
  .array(fc.record({ key: fc.nat(1), gapMs: fc.nat(5), patienceMs: fc.constantFrom(Infinity, 15, 29) }), {
    maxLength: 12,
  })
  .map((steps) => {
    let atMs = 0;
    return steps.map(({ gapMs, ...ask }) => ({ ...ask, atMs: (atMs += 4 * gapMs) }));
  });

/** Which flight each asker gets the result of: flights are numbered by when they start. */
function flightsModel(each: readonly Ask[]): (number | "left")[] {
  const flights: { key: number; landsMs: number; lastLeavesMs: number }[] = [];
  return each.map(({ key, atMs, patienceMs }) => {
    const isOpen = (flight: (typeof flights)[number]): boolean =>
      flight.key === key && atMs < flight.landsMs && atMs < flight.lastLeavesMs;
    let index = flights.findIndex(isOpen);
    if (index === -1) index = flights.push({ key, landsMs: atMs + workMs, lastLeavesMs: 0 }) - 1;
    const flight = flights[index]!;
    flight.lastLeavesMs = Math.max(flight.lastLeavesMs, atMs + patienceMs);
    return atMs + patienceMs < flight.landsMs ? "left" : index;
  });
}

test("singleFlight: everybody gets the result of the flight that the model says, or has left before", () =>
  fc.assert(
    fc.asyncProperty(asks, (each) =>
      scheduled(async () => {
        const flights = new SingleFlight<number, number>();
        let started = 0;
        const fly = async (): Promise<number> => {
          const flight = started++;
          await sleep(workMs);
          return flight;
        };
        const seen: unknown[] = [];
        await taskGroup((group) => {
          for (const [asker, { key, atMs, patienceMs }] of each.entries()) {
            group.spawn(async () => {
              await sleep(atMs);
              seen[asker] = (await moveOnAfter(patienceMs, () => flights.run(key, fly))) ?? "left";
            });
          }
        });
        deepStrictEqual(seen, flightsModel(each));
        deepStrictEqual(flights.statistics(), { flights: 0, waiting: 0 });
      }),
    ),
    runs,
  ));
