/** A service to call: it works on so many requests at once, each for so long, and lets more wait. */
import { type Limiter, type Scope, Semaphore, now, sleep, taskGroup } from "../../src/index.ts";

/** How much the time that the service works on a request varies: what it is multiplied by, 1 on average. */
export type Jitter = (random: () => number) => number;

export const jitters: Record<"none" | "a third" | "exponential", Jitter> = {
  none: () => 1,
  "a third": (random) => 2 / 3 + (2 / 3) * random(),
  exponential: (random) => -Math.log(1 - random()),
};

/** Numbers from 0 to below 1, always the same for one seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Service {
  /** How long it works on a request, on average. */
  workMs: number;
  /** How many may wait: more are refused at once. */
  maxWaiting: number = Infinity;
  readonly #workers: Semaphore;
  readonly #jitter: Jitter;
  readonly #random: () => number;

  constructor(workers: number, workMs: number, jitter: Jitter = jitters.none, seed = 1) {
    this.#workers = new Semaphore(workers);
    this.workMs = workMs;
    this.#jitter = jitter;
    this.#random = randomOf(seed);
  }

  get workers(): number {
    return this.#workers.limit;
  }

  set workers(workers: number) {
    this.#workers.limit = workers;
  }

  async call(): Promise<void> {
    const { limit, inUse, waiting } = this.#workers.statistics();
    if (inUse >= limit && waiting >= this.maxWaiting) throw new Error("too busy");
    await this.#workers.run(() => sleep(this.workMs * this.#jitter(this.#random)));
  }
}

/** What was seen of a service over some time. */
export interface Seen {
  /** Requests answered, against as many as the service can. */
  readonly throughput: number;
  /** How long a request took on average, against how long the service works on one. */
  readonly latency: number;
  /** The limit in the middle of that time's limits. */
  readonly limit: number;
  /** Which part failed. */
  readonly failed: number;
}

/** Many clients of a service, that all go through one limiter. */
export class Clients {
  readonly #service: Service;
  readonly #limiter: Limiter & { readonly limit: number };
  #answers: { readonly ms: number; readonly limit: number; readonly ok: boolean }[] = [];

  constructor(service: Service, limiter: Limiter & { readonly limit: number }) {
    this.#service = service;
    this.#limiter = limiter;
  }

  /** Has `count` clients call as fast as they may while `body` runs. */
  async during(count: number, body: (scope: Scope) => Promise<void>): Promise<void> {
    await taskGroup(async (group, scope) => {
      for (let client = 0; client < count; client++) group.spawn(() => this.#callAgainAndAgain());
      await body(scope);
      group.cancel();
    });
  }

  /** Lets so many of the service's times pass. */
  async pass(roundTrips: number): Promise<void> {
    await sleep(roundTrips * this.#service.workMs);
  }

  /** Looks on for so many of the service's times. */
  async watch(roundTrips: number): Promise<Seen> {
    this.#answers = [];
    await this.pass(roundTrips);
    const answers = this.#answers.filter(({ ok }) => ok);
    const limits = this.#answers.map(({ limit }) => limit).toSorted((a, b) => a - b);
    return {
      throughput: answers.length / (roundTrips * this.#service.workers),
      latency: answers.reduce((sum, { ms }) => sum + ms, 0) / answers.length / this.#service.workMs,
      limit: limits[limits.length >> 1]!,
      failed: 1 - answers.length / this.#answers.length,
    };
  }

  async #callAgainAndAgain(): Promise<void> {
    for (;;) {
      await this.#limiter
        .run(async () => {
          const startedMs = now();
          let ok = false;
          try {
            await this.#service.call();
            ok = true;
          } finally {
            this.#answers.push({ ms: now() - startedMs, limit: this.#limiter.limit, ok });
          }
        })
        .catch(() => sleep(1));
    }
  }
}
