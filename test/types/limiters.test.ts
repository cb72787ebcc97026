/** What the compiler knows of the limiters, and what it refuses. Nothing in here is run. */
import { expect, expectTypeOf, test } from "vitest";
import {
  AdaptiveLimiter,
  CircuitBreaker,
  type CircuitBreakerStatistics,
  CircuitOpenError,
  KeyedLimiter,
  type Limiter,
  type Permit,
  RateLimiter,
  Semaphore,
  combine,
  map,
} from "taskwright";
import { compiled, wants } from "./compiled.ts";

test("a rate has a limit and a time", () => {
  compiled(() => {
    const limiter = new RateLimiter({ limit: 10, perMs: 1_000, algorithm: "sliding-window" });
    wants<Limiter>(limiter);
    expectTypeOf(limiter.acquire(2)).toEqualTypeOf<Promise<Permit>>();
    limiter.limit = 20;
    limiter.pause(5_000);
    // @ts-expect-error ten in which time?
    void new RateLimiter({ limit: 10 });
    // @ts-expect-error not one of the two
    void new RateLimiter({ limit: 10, perMs: 1_000, algorithm: "leaky-bucket" });
    // @ts-expect-error the time is not changed while in use
    limiter.perMs = 5;
    // @ts-expect-error how long?
    limiter.pause();
  });
  expect.assertions(1);
});

test("an adaptive limiter needs nothing, and its limit is its own", () => {
  compiled(() => {
    const limiter = new AdaptiveLimiter();
    wants<Limiter>(limiter);
    expectTypeOf(limiter.statistics().baseMs).toEqualTypeOf<number | undefined>();
    // @ts-expect-error it finds its limit
    limiter.limit = 5;
    // @ts-expect-error not one of the two
    void new AdaptiveLimiter({ algorithm: "vegas" });
  });
  expect.assertions(1);
});

test("a circuit has three states", () => {
  compiled(() => {
    const breaker = new CircuitBreaker({ failureThreshold: 3, resetMs: 1_000 });
    wants<Limiter>(breaker);
    expectTypeOf<CircuitBreakerStatistics["state"]>().toEqualTypeOf<"closed" | "open" | "half-open">();
    expectTypeOf(new CircuitOpenError("x", 5).code).toEqualTypeOf<"CIRCUIT_OPEN">();
    // @ts-expect-error for how long?
    void new CircuitBreaker({ failureThreshold: 3 });
  });
  expect.assertions(1);
});

test("keys have a type, and give limiters; combined limiters are one", () => {
  compiled(() => {
    const keyed = new KeyedLimiter((host: URL) => new Semaphore(host.protocol === "https:" ? 6 : 2));
    expectTypeOf(keyed).toEqualTypeOf<KeyedLimiter<URL>>();
    expectTypeOf(keyed.for(new URL("https://example.com"))).toEqualTypeOf<Limiter>();
    expectTypeOf(combine(keyed.for(new URL("https://example.com")), new Semaphore(2))).toEqualTypeOf<Limiter>();
    // @ts-expect-error keys are URLs here
    keyed.for("example.com");
    // @ts-expect-error it has one limiter for each key, and is none itself
    void map([1], () => 1, { limiter: keyed });
    // @ts-expect-error a number is no limiter
    combine(5);
  });
  expect.assertions(1);
});
