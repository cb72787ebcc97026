import fc from "fast-check";
import { expect, test } from "vitest";
import { whatIsLeft } from "../../test/core/helpers.ts";
import { RateLimiter, cancelScope, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { explore, withVirtualTime } from "../testing/index.ts";

/**
 * What is done at a limiter, and when. No two things that could come in either order happen in the same millisecond:
 * callers come at whole times of `gridMs`, and permits become free then; each caller gives up, and each change is made,
 * at a distance of its own from whole times.
 */
interface Schedule {
  readonly perMs: number;
  readonly callers: readonly { readonly at: number; readonly weight: number; readonly patience: number }[];
  readonly changes: readonly (
    | { readonly do: "limit"; readonly at: number; readonly limit: number }
    | { readonly do: "pause"; readonly at: number; readonly for: number }
    | { readonly do: "try"; readonly at: number; readonly weight: number }
  )[];
}

const gridMs = 50;
const last = 40;

const at = fc.nat(last);
const weight = fc.integer({ min: 1, max: 4 });
const caller = fc.record({
  at,
  weight,
  patience: fc.oneof(fc.constant(Infinity), fc.nat(12)),
});
const pause = fc.record({ do: fc.constant("pause" as const), at, for: fc.nat(8) });
const attempt = fc.record({ do: fc.constant("try" as const), at, weight });
const limit = fc.record({ do: fc.constant("limit" as const), at, limit: fc.integer({ min: 1, max: 6 }) });

function schedules(
  change: Schedule["changes"][number] extends infer C ? fc.Arbitrary<C> : never,
): fc.Arbitrary<Schedule> {
  return fc.record({
    perMs: fc.constantFrom(6, 12, 18).map((steps) => steps * gridMs),
    callers: fc.array(caller, { maxLength: 20, size: "max" }),
    changes: fc.array(change, { maxLength: 8, size: "max" }),
  });
}

/** What has passed when, of what weight; refused callers are missing. */
type Passed = readonly { readonly atMs: number; readonly who: string; readonly weight: number }[];

const patienceMs = (index: number, patience: number): number => (patience + 0.5) * gridMs + index;
const atOfChange = (index: number, steps: number): number => steps * gridMs + index + 1;

/** What the limiter lets through. */
async function real(limiter: RateLimiter, { callers, changes }: Schedule): Promise<Passed> {
  const passed: { atMs: number; who: string; weight: number }[] = [];
  const pass = (who: string, n: number): unknown => passed.push({ atMs: now(), who, weight: n });
  await withVirtualTime(async (root) => {
    await taskGroup((group) => {
      for (const [index, { at: steps, weight: n, patience }] of callers.entries()) {
        group.spawn(async () => {
          await sleep(steps * gridMs);
          if (n > largestOf(limiter)) return;
          await moveOnAfter(patienceMs(index, patience), async () => {
            (await limiter.acquire(n)).release();
            pass(`caller ${index}`, n);
          });
        });
      }
      for (const [index, change] of changes.entries()) {
        group.spawn(async () => {
          await sleep(atOfChange(index, change.at));
          if (change.do === "limit") limiter.limit = change.limit;
          else if (change.do === "pause") limiter.pause(change.for * gridMs);
          else if (change.weight <= largestOf(limiter) && limiter.tryAcquire(change.weight) !== undefined) {
            pass(`try ${index}`, change.weight);
          }
        });
      }
    });
    expect(whatIsLeft(root)).toEqual([]);
    expect(limiter.statistics()).toMatchObject({ waiting: 0 });
  });
  return passed;
}

const bursts = new WeakMap<RateLimiter, number>();
const largestOf = (limiter: RateLimiter): number => bursts.get(limiter) ?? limiter.limit;

/** How a model counts. */
interface Rule {
  limit: number;
  readonly burst?: number;
  /** Whether there is room for `n` after what has passed. */
  fits(passed: Passed, n: number, atMs: number): boolean;
}

/** A limiter so simple that it must be right: it looks at each millisecond, and at all that has passed. */
function model({ callers, changes }: Schedule, rule: Rule): Passed {
  const passed: { atMs: number; who: string; weight: number }[] = [];
  let waiting: { readonly who: string; readonly weight: number; readonly untilMs: number }[] = [];
  let pausedUntilMs = 0;
  const pass = (who: string, n: number, atMs: number): boolean => {
    if (atMs < pausedUntilMs || !rule.fits(passed, n, atMs)) return false;
    passed.push({ atMs, who, weight: n });
    return true;
  };
  const comers = Map.groupBy(callers.entries(), ([, each]) => each.at * gridMs);
  const changesAt = new Map(changes.map((change, index) => [atOfChange(index, change.at), { change, index }]));
  for (let nowMs = 0; nowMs <= (last + 1) * gridMs || waiting.length > 0; nowMs++) {
    const { change, index = 0 } = changesAt.get(nowMs) ?? {};
    const largest = rule.burst ?? rule.limit;
    if (change?.do === "limit") rule.limit = change.limit;
    else if (change?.do === "pause") pausedUntilMs = Math.max(pausedUntilMs, nowMs + change.for * gridMs);
    else if (change !== undefined && waiting.length === 0 && change.weight <= largest) {
      pass(`try ${index}`, change.weight, nowMs);
    }
    if (waiting.some(({ untilMs }) => untilMs === nowMs)) waiting = waiting.filter(({ untilMs }) => untilMs !== nowMs);
    for (const [id, { weight: n, patience }] of comers.get(nowMs) ?? []) {
      if (n <= largest) waiting.push({ who: `caller ${id}`, weight: n, untilMs: nowMs + patienceMs(id, patience) });
    }
    while (waiting.length > 0 && pass(waiting[0]!.who, waiting[0]!.weight, nowMs)) waiting.shift();
  }
  return passed;
}

test("a sliding window lets through whoever is first as soon as the last `perMs` has room, and nobody else", () =>
  fc.assert(
    fc.asyncProperty(schedules(fc.oneof(limit, pause, attempt)), async (schedule) => {
      const { perMs } = schedule;
      const limiter = new RateLimiter({ limit: 4, perMs, algorithm: "sliding-window" });
      const passed = await real(limiter, schedule);

      expect(passed).toEqual(
        model(schedule, {
          limit: 4,
          fits(before, n, atMs) {
            const counted = before.filter((each) => each.atMs > atMs - perMs);
            const sum = counted.reduce((total, each) => total + each.weight, 0);
            return sum + n <= this.limit || sum === 0;
          },
        }),
      );
    }),
    { numRuns: 150 },
  ));

test("a token bucket lets through whoever is first as soon as there is enough in it, and nobody else", () =>
  fc.assert(
    fc.asyncProperty(
      schedules(fc.oneof(pause, attempt)),
      fc.constantFrom(1, 2, 3, 6),
      fc.integer({ min: 1, max: 5 }),
      async (schedule, perTime, burst) => {
        const { perMs } = schedule;
        const limiter = new RateLimiter({ limit: perTime, perMs, burst });
        bursts.set(limiter, burst);
        const passed = await real(limiter, schedule);

        expect(passed).toEqual(
          model(schedule, {
            limit: perTime,
            burst,
            fits: (before, n, atMs) => {
              // In whole numbers: it fills by `limit` a millisecond, and costs `perMs` a token.
              let level = burst * perMs;
              let lastMs = 0;
              for (const each of before) {
                level = Math.min(burst * perMs, level + (each.atMs - lastMs) * perTime) - each.weight * perMs;
                lastMs = each.atMs;
              }
              return Math.min(burst * perMs, level + (atMs - lastMs) * perTime) >= n * perMs;
            },
          }),
        );
        // In any time of t at most the burst and what grows in t.
        for (const [index, first] of passed.entries()) {
          let sum = 0;
          for (const each of passed.slice(index)) {
            sum += each.weight;
            expect(sum).toBeLessThanOrEqual(burst + ((each.atMs - first.atMs) * perTime) / perMs);
          }
        }
      },
    ),
    { numRuns: 150 },
  ));

test("in whatever order things happen, what was let through and what was not adds up", async () => {
  for (const algorithm of ["token-bucket", "sliding-window"] as const) {
    const { orders } = await explore(async () => {
      const limiter = new RateLimiter({ limit: 3, perMs: 100, algorithm });
      let passed = 0;
      await taskGroup((group) => {
        for (let count = 0; count < 6; count++) {
          group.spawn(() =>
            cancelScope(async (scope) => {
              group.spawn(async () => (await sleep(100), count % 3 === 0 && scope.cancel()));
              await limiter.acquire((count % 2) + 1);
              passed += (count % 2) + 1;
            }),
          );
        }
        group.spawn(async () => (await sleep(100), limiter.pause(50)));
      });
      const { available, waiting } = limiter.statistics();
      expect({ available: available <= 3, waiting }).toEqual({ available: true, waiting: 0 });
      // Never more than the first burst and what has grown since.
      expect(passed).toBeLessThanOrEqual(3 + (now() / 100) * 3);
    });
    expect(orders).toBeGreaterThan(10);
  }
});
