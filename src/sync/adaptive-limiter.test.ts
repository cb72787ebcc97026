import { describe, expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import { Clients, type Seen, Service, jitters, randomOf } from "../../test/sync/service.ts";
import {
  AdaptiveLimiter,
  type AdaptiveLimiterOptions,
  Cancelled,
  type Permit,
  cancelScope,
  checkpoint,
  map,
  sleep,
  taskGroup,
} from "../index.ts";

/** What may become of a service for good. */
const shifts: Record<string, (service: Service) => void> = {
  "that stays as it is": () => {},
  "that becomes twice as slow": (service) => (service.workMs *= 2),
  "that becomes twice as fast": (service) => (service.workMs /= 2),
  "that gets twice the workers": (service) => (service.workers *= 2),
  "that loses half its workers": (service) => (service.workers /= 2),
};

/** What a round trip is here: the time that the service works on a request. */
const roundTripsToSettle = 60;

async function goWrong(): Promise<never> {
  await sleep(10);
  throw new Error("down");
}

/** Has many clients call a service by a limiter, lets it settle, changes the service, and looks on after a while. */
async function seenAfter(
  shift: (service: Service) => void,
  service: Service,
  options: AdaptiveLimiterOptions = {},
): Promise<Seen> {
  const clients = new Clients(service, new AdaptiveLimiter(options));
  let seen: Seen;
  await clients.during(6 * service.workers, async () => {
    await clients.pass(roundTripsToSettle);
    shift(service);
    await clients.pass(roundTripsToSettle);
    seen = await clients.watch(100);
  });
  return seen!;
}

/** From the number of workers to half of it more, and one. A tenth less, and more, for what cannot be known exactly. */
function expectNear(limit: number, workers: number): void {
  expect(limit).toBeGreaterThanOrEqual(Math.floor(0.9 * workers));
  expect(limit).toBeLessThanOrEqual(Math.ceil(1.6 * workers) + 1);
}

describe.for(Object.entries(shifts))("the gradient, within 60 round trips, at a service %s", ([, shift]) => {
  test.for([4, 20, 50])("with %i workers: finds their number, keeps them busy, and lets few wait", (workers) =>
    virtually(async () => {
      const service = new Service(workers, 100);
      const seen = await seenAfter(shift, service);

      expectNear(seen.limit, service.workers);
      expect(seen.throughput).toBeGreaterThanOrEqual(0.9);
      expect(seen.latency).toBeLessThanOrEqual(1.8);
    })(),
  );

  test.for([20, 50])("with %i workers whose times vary by a third: the same", (workers) =>
    virtually(async () => {
      for (const seed of [1, 2, 3]) {
        const service = new Service(workers, 100, jitters["a third"], seed);
        const seen = await seenAfter(shift, service);

        expectNear(seen.limit, service.workers);
        expect(seen.throughput).toBeGreaterThanOrEqual(0.9);
        expect(seen.latency).toBeLessThanOrEqual(1.6);
      }
    })(),
  );

  test.for([6, 20])("with %i workers whose times are as irregular as can be: on average, nearly the same", (workers) =>
    virtually(async () => {
      const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
      const all: Seen[] = [];
      for (const seed of seeds) all.push(await seenAfter(shift, new Service(workers, 100, jitters.exponential, seed)));

      expect(all.reduce((sum, { throughput }) => sum + throughput, 0) / seeds.length).toBeGreaterThanOrEqual(0.85);
      expect(Math.min(...all.map(({ throughput }) => throughput))).toBeGreaterThanOrEqual(0.65);
      expect(Math.max(...all.map(({ latency }) => latency))).toBeLessThanOrEqual(2.4);
    })(),
  );
});

test(
  "the gradient finds the new best whenever the service changes, in the middle of a probe too, and several times over",
  virtually(async () => {
    const random = randomOf(7);
    const service = new Service(16, 100, jitters["a third"]);
    const clients = new Clients(service, new AdaptiveLimiter());
    await clients.during(300, async () => {
      for (let round = 0; round < 20; round++) {
        service.workers = 8 + Math.floor(random() * 40);
        service.workMs = 20 + Math.floor(random() * 400);
        await clients.pass(roundTripsToSettle + random() * 20);
        const seen = await clients.watch(30);

        expect([round, seen.throughput > 0.75, seen.latency < 2]).toEqual([round, true, true]);
      }
    });
  }),
);

test(
  "the gradient keeps the limit while little of it is in use, learns of it all the same, and goes on from there",
  virtually(async () => {
    const service = new Service(20, 100, jitters["a third"]);
    const limiter = new AdaptiveLimiter();
    const clients = new Clients(service, limiter);
    await clients.during(100, () => clients.pass(200));
    const learned = limiter.limit;
    expectNear(learned, 20);
    await clients.during(5, () => clients.pass(50));
    expect(limiter.limit).toBe(learned);
    service.workMs = 400;
    await clients.during(5, () => clients.pass(50));
    expect(limiter.limit).toBe(learned);
    expect(Math.abs(limiter.statistics().baseMs! - 400)).toBeLessThan(60);
    await clients.during(100, async () => {
      const seen = await clients.watch(10);
      expect(seen.throughput).toBeGreaterThan(0.7);
    });
  }),
);

test(
  "the gradient does not take fast refusals for fast answers",
  virtually(async () => {
    const service = new Service(20, 100, jitters["a third"]);
    service.maxWaiting = 5;
    const limiter = new AdaptiveLimiter();
    const clients = new Clients(service, limiter);
    await clients.during(100, async () => {
      await clients.pass(roundTripsToSettle);
      const seen = await clients.watch(100);
      expectNear(seen.limit, 20);
      expect(seen.throughput).toBeGreaterThan(0.85);
    });
  }),
);

test(
  "how long it takes to fail is not taken for how long the work takes",
  virtually(async () => {
    const service = new Service(20, 100, jitters["a third"]);
    const limiter = new AdaptiveLimiter();
    let calls = 0;
    const call = (): Promise<void> => (++calls % 3 === 0 ? goWrong() : service.call());
    await map(Array.from({ length: 5_000 }), () => limiter.run(call).catch(() => {}), { concurrency: 100 });

    expect(Math.abs(limiter.statistics().baseMs! - 100)).toBeLessThan(15);
  }),
);

test(
  "where everything fails the gradient leaves but a few, and goes up again when things go well",
  virtually(async () => {
    const limiter = new AdaptiveLimiter({ initial: 40, min: 2 });
    await map(Array.from({ length: 4_000 }), () => limiter.run(goWrong).catch(() => {}), { concurrency: 40 });
    expect(limiter.limit).toBeLessThanOrEqual(5);
    await map(Array.from({ length: 1_000 }), () => sleep(10), { limiter });

    expect(limiter.limit).toBeGreaterThan(40);
  }),
);

test(
  "one that never comes back does not keep the gradient from learning",
  virtually(async () => {
    const service = new Service(20, 100);
    const limiter = new AdaptiveLimiter();
    const clients = new Clients(service, limiter);
    using hung = await limiter.acquire();
    expect(hung).toBeDefined();
    await clients.during(100, () => clients.pass(roundTripsToSettle));

    expectNear(limiter.limit, 20);
  }),
);

test(
  "AIMD goes up while all goes well and down when the service refuses, and keeps it busy",
  virtually(async () => {
    for (const [what, shift] of Object.entries(shifts)) {
      const service = new Service(20, 100, jitters["a third"]);
      service.maxWaiting = 0;
      const seen = await seenAfter(shift, service, { algorithm: "aimd" });

      expect([what, seen.limit]).toEqual([what, expect.any(Number)]);
      expect(seen.limit).toBeGreaterThanOrEqual(0.8 * service.workers);
      expect(seen.limit).toBeLessThanOrEqual(1.1 * service.workers + 1);
      expect(seen.throughput).toBeGreaterThanOrEqual(0.85);
      expect(seen.failed).toBeLessThan(0.1);
    }
  }),
);

/** Permits, taken and given back as told. */
class Hand {
  readonly limiter: AdaptiveLimiter;
  readonly #permits: Permit[] = [];

  constructor(options: AdaptiveLimiterOptions) {
    this.limiter = new AdaptiveLimiter(options);
  }

  /** Takes so many, or as many as there are. */
  take(count: number = Infinity): void {
    for (let taken = 0; taken < count; taken++) {
      const permit = this.limiter.tryAcquire();
      if (permit === undefined) return;
      this.#permits.push(permit);
    }
  }

  /** Gives so many back, or all, oldest first. */
  giveBack(count: number, ok: boolean | undefined): void {
    for (const permit of this.#permits.splice(0, count)) {
      if (ok !== undefined) permit.report({ ok, ms: 10 });
      permit.release();
    }
  }

  /** A round trip in full use. */
  roundTrip(ok: boolean | undefined): void {
    for (let { limit } = this.limiter; limit > 0; limit--) {
      this.take();
      this.giveBack(1, ok);
    }
    this.take();
  }
}

describe("AIMD", () => {
  test("adds one for each round trip at the full limit that goes well, up to the highest", () => {
    const hand = new Hand({ algorithm: "aimd", initial: 4, max: 7 });
    const limits = [1, 2, 3, 4, 5, 6].map(() => (hand.roundTrip(true), hand.limiter.limit));

    // Not counted is what was given before the limit was in full use.
    expect(limits).toEqual([4, 5, 6, 6, 7, 7]);
  });

  test("takes a tenth off for all failures of one round trip, down to the lowest", () => {
    const hand = new Hand({ algorithm: "aimd", initial: 20, min: 15 });
    hand.take();
    hand.giveBack(5, false);
    expect(hand.limiter.limit).toBe(20);
    hand.giveBack(6, false);
    expect(hand.limiter.limit).toBe(18);
    hand.giveBack(9, false);
    expect(hand.limiter.limit).toBe(18);
    const limits = [1, 2, 3].map(() => {
      hand.take();
      hand.giveBack(Infinity, false);
      return hand.limiter.limit;
    });

    expect(limits).toEqual([16, 15, 15]);
  });

  test("keeps a limit of which less than half is in use, whatever becomes of it", () => {
    const hand = new Hand({ algorithm: "aimd", initial: 20 });
    for (const ok of [true, false, undefined]) {
      for (let count = 0; count < 100; count++) {
        hand.take(9);
        hand.giveBack(9, ok);
      }
    }

    expect(hand.limiter.limit).toBe(20);
  });
});

test.for(["gradient", "aimd"] as const)("%s learns nothing from permits that are not reported on", (algorithm) => {
  const hand = new Hand({ algorithm, initial: 8 });
  for (let count = 0; count < 100; count++) hand.roundTrip(undefined);

  expect(hand.limiter.statistics()).toEqual({ limit: 8, inUse: 8, waiting: 0, baseMs: undefined });
});

test(
  "permits are given first come, first served, and what does not fit waits",
  virtually(async () => {
    const limiter = new AdaptiveLimiter({ initial: 3, algorithm: "aimd" });
    const log: string[] = [];
    await taskGroup((group) => {
      const hold = (name: string, weight: number): unknown =>
        group.spawn(async () => {
          using permit = await limiter.acquire(weight);
          expect(permit).toBeDefined();
          log.push(name);
          await sleep(10);
        });
      hold("light", 1);
      hold("heavy", 3);
      hold("last", 1);
      expect(limiter.statistics()).toEqual({ limit: 3, inUse: 1, waiting: 2, baseMs: undefined });
      expect(limiter.tryAcquire()).toBeUndefined();
    });

    expect(log).toEqual(["light", "heavy", "last"]);
    expect(limiter.statistics()).toEqual({ limit: 3, inUse: 0, waiting: 0, baseMs: undefined });
  }),
);

test(
  "a weight above the limit of the moment goes alone",
  virtually(async () => {
    const limiter = new AdaptiveLimiter({ initial: 2, max: 10, algorithm: "aimd" });
    const light = limiter.tryAcquire()!;
    expect(limiter.tryAcquire(5)).toBeUndefined();
    await taskGroup(async (group) => {
      const heavy = group.spawn(() => limiter.acquire(5));
      await sleep(1);
      expect(limiter.statistics().waiting).toBe(1);
      light.release();
      using permit = await heavy.join();
      expect(permit).toBeDefined();
      expect(limiter.statistics()).toMatchObject({ limit: 2, inUse: 5 });
      expect(limiter.tryAcquire()).toBeUndefined();
    });

    expect(limiter.statistics().inUse).toBe(0);
  }),
);

test(
  "a permit granted before the cancellation is received, and a waiter that is cancelled leaves the queue",
  virtually(async () => {
    const limiter = new AdaptiveLimiter({ initial: 1 });
    const log: unknown[] = [];
    await cancelScope(async (scope) => {
      const first = await limiter.acquire();
      const [second, third] = [limiter.acquire(), thrownBy(limiter.acquire())];
      first.release();
      scope.cancel();
      using permit = await second;
      log.push(typeof permit.release, await third, await thrownBy(checkpoint()));
      expect(limiter.statistics()).toMatchObject({ inUse: 1, waiting: 0 });
    });

    expect(log).toEqual(["function", expect.any(Cancelled), expect.any(Cancelled)]);
    expect(limiter.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
  }),
);

test("a permit is released once, and takes no report that makes no sense", () => {
  const limiter = new AdaptiveLimiter();
  const permit = limiter.tryAcquire()!;
  for (const ms of [-1, NaN, Infinity]) expect(() => permit.report({ ok: true, ms })).toThrow(RangeError);
  permit.release();
  expect(() => permit.release()).toThrow("This permit was released before");

  expect(limiter.statistics().inUse).toBe(0);
});

test(
  "what was learned is kept for ten minutes: until then the limiter is not idle",
  virtually(async () => {
    const limiter = new AdaptiveLimiter();
    expect(limiter.isIdle).toBe(true);
    const permit = await limiter.acquire();
    expect(limiter.isIdle).toBe(false);
    permit.release();
    expect(limiter.isIdle).toBe(true);
    await limiter.run(() => sleep(1));
    await sleep(599_999);
    expect(limiter.isIdle).toBe(false);
    await sleep(1);

    expect(limiter.isIdle).toBe(true);
  }),
);

test("the limit starts from 10, or what is nearest to it of what may be", () => {
  const initial = [{}, { max: 4 }, { min: 20 }, { initial: 7 }].map((options) => new AdaptiveLimiter(options).limit);

  expect(initial).toEqual([10, 4, 20, 7]);
});

test("wrong settings and weights are refused at the door", async () => {
  const wrong: [AdaptiveLimiterOptions, string][] = [
    [{ min: 0 }, "Expected `min` to be an integer of 1 or more, got `0` (number)"],
    [{ min: 5, max: 4 }, "Expected `max` to be an integer of 5 or more, got `4` (number)"],
    [{ initial: 3, min: 5 }, "Expected `initial` to be an integer of 5 or more, got `3` (number)"],
    [{ initial: 9, max: 5 }, "Expected `initial` to be at most `max`, 5, got `9` (number)"],
    [{ initial: Infinity, max: Infinity }, "Expected `initial` to be finite, got `Infinity` (number)"],
    [{ algorithm: "vegas" as "aimd" }, 'Expected `algorithm` to be "gradient" or "aimd", got `vegas` (string)'],
  ];
  for (const [options, message] of wrong) expect(() => new AdaptiveLimiter(options)).toThrow(message);
  const limiter = new AdaptiveLimiter({ max: 20 });
  for (const weight of [0, 1.5, NaN, 21, Infinity]) {
    expect(() => limiter.tryAcquire(weight)).toThrow(RangeError);
    expect(await thrownBy(limiter.acquire(weight))).toBeInstanceOf(RangeError);
  }

  expect(limiter.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
});
