import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  Cancelled,
  CircuitBreaker,
  type CircuitBreakerOptions,
  CircuitOpenError,
  type Permit,
  cancelScope,
  isTaskwrightError,
  now,
  retry,
  sleep,
} from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

const down = new Error("down");

/** Lets `count` calls fail, or go well. */
async function calls(breaker: CircuitBreaker, count: number, ok: boolean): Promise<void> {
  for (; count > 0; count--) await breaker.run(() => (ok ? "up" : Promise.reject(down))).catch(() => {});
}

test(
  "after so many failures in a row it refuses at once, and says for how long",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 3, resetMs: 10_000, name: "billing" });
    await calls(breaker, 2, false);
    await calls(breaker, 1, true);
    await calls(breaker, 2, false);
    expect(breaker.statistics()).toEqual({ state: "closed", failures: 2, inUse: 0, retryAfterMs: 0 });
    await calls(breaker, 1, false);
    expect(breaker.statistics()).toEqual({ state: "open", failures: 0, inUse: 0, retryAfterMs: 10_000 });
    await sleep(4_000);
    const error = await thrownBy(breaker.run(() => "not called"));

    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(isTaskwrightError(error)).toBe(true);
    expect(error).toMatchObject({ code: "CIRCUIT_OPEN", retryAfterMs: 6_000 });
    expect((error as Error).message).toBe('the circuit "billing" is open, for another 6 s');
    expect(breaker.tryAcquire()).toBeUndefined();
  }),
);

test(
  "when its time is over it lets one through on trial, and closes if that goes well",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    await calls(breaker, 1, false);
    await sleep(1_000);
    expect(breaker.statistics().state).toBe("half-open");
    const trial = await breaker.acquire();
    expect(await thrownBy(breaker.acquire())).toMatchObject({ message: "the circuit is on trial", retryAfterMs: 0 });
    expect(breaker.tryAcquire()).toBeUndefined();
    trial.report({ ok: true, ms: 5 });
    trial.release();

    expect(breaker.statistics()).toEqual({ state: "closed", failures: 0, inUse: 0, retryAfterMs: 0 });
    await calls(breaker, 5, true);
  }),
);

test(
  "a failed trial opens it again for as long",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 5, resetMs: 1_000 });
    await calls(breaker, 5, false);
    await sleep(1_500);
    await calls(breaker, 1, false);

    expect(breaker.statistics()).toMatchObject({ state: "open", retryAfterMs: 1_000 });
  }),
);

test(
  "with several on trial, all must go well, and a trial that says nothing may be made again",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000, halfOpen: 2 });
    await calls(breaker, 1, false);
    await sleep(1_000);
    const [first, second] = [breaker.tryAcquire()!, breaker.tryAcquire()!];
    expect(breaker.tryAcquire()).toBeUndefined();
    first.release();
    const third = breaker.tryAcquire()!;
    second.report({ ok: true, ms: 1 });
    second.release();
    expect(breaker.statistics().state).toBe("half-open");
    expect(breaker.tryAcquire()).toBeUndefined();
    third.report({ ok: true, ms: 1 });
    third.release();

    expect(breaker.statistics().state).toBe("closed");
  }),
);

test(
  "what was started before it opened does not matter any more",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    const [late, good, bad] = [breaker.tryAcquire()!, breaker.tryAcquire()!, breaker.tryAcquire()!];
    bad.report({ ok: false, ms: 1 });
    bad.release();
    await sleep(1_000);
    good.report({ ok: true, ms: 1 });
    good.release();
    expect(breaker.statistics()).toMatchObject({ state: "half-open", inUse: 1 });
    await calls(breaker, 1, true);
    late.report({ ok: false, ms: 2_000 });
    late.release();

    expect(breaker.statistics()).toEqual({ state: "closed", failures: 0, inUse: 0, retryAfterMs: 0 });
  }),
);

test(
  "the last report of a permit counts, when it is released; once",
  virtually(() => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    {
      using permit = breaker.tryAcquire()!;
      permit.report({ ok: true, ms: 1 });
      permit.report({ ok: false, ms: 1 });
      expect(breaker.statistics()).toMatchObject({ state: "closed", inUse: 1 });
      permit.release();
      expect(() => permit.release()).toThrow("This permit was released before");
    }

    expect(breaker.statistics()).toMatchObject({ state: "open", inUse: 0 });
  }),
);

test(
  "cancelled work counts as neither, and acquire in a cancelled scope throws",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000 });
    await cancelScope((scope) => breaker.run(() => (scope.cancel(), sleep(1))));
    await cancelScope(async (scope) => {
      scope.cancel();
      expect(await thrownBy(breaker.acquire())).toBeInstanceOf(Cancelled);
    });

    expect(breaker.statistics()).toEqual({ state: "closed", failures: 0, inUse: 0, retryAfterMs: 0 });
  }),
);

test(
  "retry waits for as long as the circuit is open",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2, resetMs: 60_000 });
    const value = await retry((attempt) => breaker.run(() => (attempt <= 2 ? Promise.reject(down) : attempt)), {
      attempts: 10,
      backoff: () => 10,
    });

    // Two failures, one refusal, and then the trial.
    expect([value, now()]).toEqual([4, 60_010]);
  }),
);

test(
  "it is idle when nothing is in use and its failures are long ago",
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureThreshold: 2, resetMs: 1_000 });
    const seen = [breaker.isIdle];
    const permit = breaker.tryAcquire()!;
    seen.push(breaker.isIdle);
    permit.release();
    seen.push(breaker.isIdle);
    await calls(breaker, 1, false);
    seen.push(breaker.isIdle);
    await calls(breaker, 1, false);
    await sleep(1_999);
    seen.push(breaker.isIdle);
    await sleep(1);
    seen.push(breaker.isIdle);

    expect(seen).toEqual([true, false, true, false, false, true]);
  }),
);

test("wrong settings are refused at the door", () => {
  const wrong: [Partial<CircuitBreakerOptions>, string][] = [
    [{ failureThreshold: 0 }, "Expected `failureThreshold` to be an integer of 1 or more, got `0` (number)"],
    [{ resetMs: -1 }, "Expected `resetMs` to be a number of milliseconds, 0 or more, got `-1` (number)"],
    [{ halfOpen: 0 }, "Expected `halfOpen` to be an integer of 1 or more, got `0` (number)"],
    [{ halfOpen: Infinity }, "Expected `halfOpen` to be finite, got `Infinity` (number)"],
  ];
  for (const [options, message] of wrong) {
    expect(() => new CircuitBreaker({ failureThreshold: 1, resetMs: 1_000, ...options })).toThrow(message);
  }
  expect(Object.isFrozen(new CircuitBreaker({ failureThreshold: 1, resetMs: 0 }).statistics())).toBe(true);
});

type Step =
  | { readonly do: "take" }
  | { readonly do: "giveBack"; readonly pick: number; readonly ok: boolean | undefined }
  | { readonly do: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "take" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("giveBack" as const),
      pick: fc.nat(),
      ok: fc.constantFrom(true, false, false, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 8 }) }) },
);

/** A breaker told as a story: what has happened since the circuit last changed decides. */
class Model {
  state: "closed" | "open" | "half-open" = "closed";
  untilMs = 0;
  /** Counts the changes. */
  chapter = 0;
  out: { readonly chapter: number; readonly permit: Permit }[] = [];
  /** How the permits of this chapter went that are back, oldest first. */
  outcomes: boolean[] = [];
  readonly #options: Required<Pick<CircuitBreakerOptions, "failureThreshold" | "resetMs" | "halfOpen">>;

  constructor(options: Required<Pick<CircuitBreakerOptions, "failureThreshold" | "resetMs" | "halfOpen">>) {
    this.#options = options;
  }

  get failures(): number {
    return this.state === "closed" ? this.outcomes.length - 1 - this.outcomes.lastIndexOf(true) : 0;
  }

  get mayTake(): boolean {
    const onTrial = this.outcomes.length + this.out.filter(({ chapter }) => chapter === this.chapter).length;
    return this.state === "closed" || (this.state === "half-open" && onTrial < this.#options.halfOpen);
  }

  turn(state: Model["state"]): void {
    this.state = state;
    this.chapter++;
    this.outcomes = [];
  }

  passTime(): void {
    if (this.state === "open" && now() >= this.untilMs) this.turn("half-open");
  }

  giveBack(chapter: number, ok: boolean | undefined): void {
    if (chapter !== this.chapter || ok === undefined) return;
    this.outcomes.push(ok);
    const { failureThreshold, resetMs, halfOpen } = this.#options;
    if (!ok && (this.state === "half-open" || this.failures >= failureThreshold)) {
      this.turn("open");
      this.untilMs = now() + resetMs;
    } else if (this.state === "half-open" && this.outcomes.length >= halfOpen) this.turn("closed");
  }
}

test("whatever goes well, fails, or says nothing, in whatever order: it is as the model says", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        failureThreshold: fc.integer({ min: 1, max: 4 }),
        resetMs: fc.integer({ min: 0, max: 10 }),
        halfOpen: fc.integer({ min: 1, max: 3 }),
      }),
      fc.array(step, { maxLength: 80, size: "max" }),
      (options, steps) =>
        withVirtualTime(async () => {
          const breaker = new CircuitBreaker(options);
          const model = new Model(options);
          for (const next of steps) {
            model.passTime();
            switch (next.do) {
              case "take": {
                const permit = breaker.tryAcquire();
                deepStrictEqual(permit !== undefined, model.mayTake);
                if (permit !== undefined) model.out.push({ chapter: model.chapter, permit });
                break;
              }
              case "giveBack": {
                const [taken] = model.out.splice(next.pick % Math.max(1, model.out.length), 1);
                if (taken === undefined) break;
                if (next.ok !== undefined) taken.permit.report({ ok: next.ok, ms: 1 });
                taken.permit.release();
                model.giveBack(taken.chapter, next.ok);
                break;
              }
              case "wait":
                await sleep(next.ms);
                break;
              default:
                next satisfies never;
            }
            model.passTime();
            const { state, failures, out } = model;
            const retryAfterMs = state === "open" ? model.untilMs - now() : 0;
            deepStrictEqual({ ...breaker.statistics() }, { state, failures, inUse: out.length, retryAfterMs });
          }
        }),
    ),
    { numRuns: 500 },
  ));
