import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ScopeNode, Waiter, cancelScope, currentScope, enter, now, sleep } from "../../core/index.ts";
import { ConnectionError, type WholeResponse, type WireHeaders } from "../../http/index.ts";
import { withVirtualTime } from "../../testing/index.ts";
import type { Attempt } from "./attempt.ts";
import { Engine, type EngineOptions, type JobSource } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import { Job } from "./job.ts";
import type { Rate } from "./pace.ts";

/** What a server does with one request, attempt by attempt: how long it takes, and the status, or none. */
interface Script {
  readonly host: number;
  readonly steps: readonly { readonly ms: number; readonly status: number | undefined }[];
}

/** A time in which a host refuses, and how it says so, or is down. */
interface Storm {
  readonly host: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly says: "seconds" | "date" | "nothing" | "is down";
}

interface Setup extends Partial<Pick<EngineOptions, "concurrency" | "perHost" | "isAdaptive" | "lookAhead" | "pace">> {
  /** How many times as long an answer takes when so many are under way. */
  readonly slowdown?: (inFlight: number) => number;
  readonly storms?: readonly Storm[];
  /** So many may be settled ahead of the first that is not, before only that one is started. */
  readonly mostEarly?: number;
  /** Called before it starts. */
  readonly arrange?: (batch: Play) => void;
}

/** Plays a batch in virtual time, and watches that no limit is broken. */
class Play implements Exchange, JobSource {
  readonly started: Job[] = [];
  /** Of what stands there. */
  readonly startedAtMs: number[] = [];
  /** How many were started before each was read, and before it ended, by index. */
  readonly readAfter: number[] = [];
  readonly endedAfter: number[] = [];
  /** How many were settled then. */
  readonly settledThen: number[] = [];
  readonly settled: Attempt[] = [];
  readonly scripts: readonly Script[];
  hasEnded = false;
  /** The most jobs that were read and had neither ended nor a slot. */
  mostAhead = 0;
  mostInFlight = 0;
  mostPerHost = 0;
  finishedAtMs = 0;
  engine!: Engine;
  /** As with a real exchange, what is sent belongs to it, whoever's turn of the loop it is sent in. */
  scope!: ScopeNode;
  slowdown: Setup["slowdown"];
  mostEarly = Infinity;
  earliest = 0;
  readonly #read: Job[] = [];
  headersOf: (job: Job) => WireHeaders = () => ({});
  refused = 0;
  /** Attempts that began before the time that their host had asked for. */
  tooEarly = 0;
  #next = 0;
  readonly #inFlight = new Map<string, number>();
  readonly #storms: readonly Storm[];
  /** Until when each host wants to hear of nobody. */
  readonly #askedUntilMs = new Map<number, number>();

  constructor(scripts: readonly Script[], storms: readonly Storm[]) {
    this.scripts = scripts;
    this.#storms = storms;
  }

  take(): Job | undefined {
    const script = this.scripts[this.#next];
    if (script === undefined) {
      this.hasEnded = true;
      return undefined;
    }
    const origin = `http://host${script.host}`;
    const target = { origin, path: "/", url: `${origin}/`, isPlain: true, authorization: undefined };
    this.mostAhead = Math.max(this.mostAhead, this.engine.ahead);
    this.readAfter[this.#next] = this.started.length;
    const job = new Job(this.#next++, undefined, target, "GET", [], undefined);
    this.#read.push(job);
    return job;
  }

  get only(): Job | undefined {
    const settled = new Set(this.settled.map(({ job }) => job));
    const first = this.#read.findIndex((job) => !settled.has(job));
    const early = first === -1 ? 0 : this.settled.length - first;
    this.earliest = Math.max(this.earliest, early);
    return early >= this.mostEarly ? this.#read[first] : undefined;
  }

  send(job: Job): Promise<WholeResponse> {
    return enter(this.scope, (sent: Job) => this.#answer(sent), job, undefined);
  }

  async #answer(job: Job): Promise<WholeResponse> {
    this.started.push(job);
    this.startedAtMs.push(now());
    this.settledThen.push(this.settled.length);
    const { origin } = job.target;
    this.#inFlight.set(origin, (this.#inFlight.get(origin) ?? 0) + 1);
    this.mostInFlight = Math.max(this.mostInFlight, this.engine.inFlight);
    this.mostPerHost = Math.max(this.mostPerHost, ...this.#inFlight.values());
    const { host, steps } = this.scripts[job.index]!;
    const step = steps[Math.min(job.attempts - job.uncounted - 1, steps.length - 1)]!;
    const { status } = step;
    const ms = step.ms * (this.slowdown?.(this.engine.inFlight) ?? 1);
    if (now() < (this.#askedUntilMs.get(host) ?? 0)) this.tooEarly++;
    try {
      await sleep(ms);
    } finally {
      this.endedAfter[job.index] = this.started.length;
      this.#inFlight.set(origin, this.#inFlight.get(origin)! - 1);
    }
    const storm = this.#storms.find((each) => each.host === host && each.fromMs <= now() && now() < each.toMs);
    if (storm !== undefined) return { ...this.#refuse(storm), chunks: [], bodyBytes: 0, firstByteMs: ms, totalMs: ms };
    if (status === undefined) throw new Error("refused");
    return { status, headers: this.headersOf(job), chunks: [], bodyBytes: 0, firstByteMs: ms, totalMs: ms };
  }

  #refuse({ host, toMs, says }: Storm): Pick<WholeResponse, "status" | "headers"> {
    this.refused++;
    if (says === "nothing") return { status: 429, headers: {} };
    if (says === "is down") throw unreachable;
    const seconds = Math.ceil((toMs - now()) / 1_000);
    this.#askedUntilMs.set(host, Math.max(this.#askedUntilMs.get(host) ?? 0, now() + seconds * 1_000));
    if (says === "seconds") return { status: 503, headers: { "retry-after": String(seconds) } };
    return { status: 429, headers: { date: dateAt(now()), "retry-after": dateAt(now() + seconds * 1_000) } };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Stands for the wait for the engine: without one, virtual time would take the batch for something that computes. */
class Watch extends Waiter<void> {
  describe(): string {
    return "the engine";
  }

  protected override leave(): void {}
}

async function play(scripts: readonly Script[], setup: Setup = {}): Promise<Play> {
  const { concurrency = 10, perHost = 10, lookAhead = 100, pace, arrange, storms = [] } = setup;
  const batch = new Play(scripts, storms);
  batch.slowdown = setup.slowdown;
  batch.mostEarly = setup.mostEarly ?? Infinity;
  await withVirtualTime(() =>
    cancelScope(async (scope) => {
      const finished = Promise.withResolvers<void>();
      const retry = { attempts: 3, baseMs: 100, maxMs: 1_000, maxTimeMs: 60_000, random: () => 0.5 };
      batch.scope = currentScope();
      batch.engine = new Engine(
        {
          concurrency,
          perHost,
          lookAhead,
          lookAheadBytes: Infinity,
          pace,
          isAdaptive: setup.isAdaptive ?? false,
          retry,
          exchange: batch,
          abort: () => scope.cancel(),
          clock: currentScope().tree.clock,
        },
        batch,
        {
          settled: (last) => batch.settled.push(last),
          retrying: () => {},
          finished: (crash) => (crash === undefined ? finished.resolve() : finished.reject(crash)),
        },
      );
      const watch = new Watch(currentScope());
      watch.promise.catch(ignore);
      arrange?.(batch);
      batch.engine.pump();
      await finished.promise.finally(() => watch.resolve());
      batch.finishedAtMs = now();
    }),
  );
  return batch;
}

const step = fc.record({
  ms: fc.integer({ min: 1, max: 50 }),
  status: fc.constantFrom(200, 200, 404, 500, undefined),
});
const scriptOf = (hosts: number) =>
  fc.record({ host: fc.nat(hosts - 1), steps: fc.array(step, { minLength: 1, maxLength: 3 }) });
const rate: fc.Arbitrary<Rate> = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  perMs: fc.integer({ min: 10, max: 2_000 }),
  burst: fc.integer({ min: 1, max: 5 }),
});

/** Whether in any time no more weighs in than comes in it, and a burst. */
function expectWithin({ limit, perMs, burst }: Rate, atMs: readonly number[], weights?: readonly number[]): void {
  const heaviest = Math.max(burst, ...(weights ?? []));
  for (const [from, fromMs] of atMs.entries()) {
    let sum = 0;
    for (let at = from; at < atMs.length; at++) {
      sum += weights?.[at] ?? 1;
      expect(sum).toBeLessThanOrEqual(heaviest + ((atMs[at]! - fromMs) * limit) / perMs + 1e-6);
    }
  }
}

const limits = fc.record({
  concurrency: fc.integer({ min: 1, max: 8 }),
  perHost: fc.integer({ min: 1, max: 4 }),
  lookAhead: fc.integer({ min: 1, max: 10 }),
  isAdaptive: fc.boolean(),
});

const storm: fc.Arbitrary<Storm> = fc.record({
  host: fc.nat(3),
  fromMs: fc.nat(500),
  toMs: fc.integer({ min: 1, max: 20_000 }),
  says: fc.constantFrom("seconds", "date", "nothing"),
});

/** Storms, and rates or none. */
const troubles = fc.record({
  storms: fc.array(storm, { maxLength: 3 }),
  pace: fc.option(
    fc.record({
      rate: fc.option(rate, { nil: undefined }),
      ratePerHost: fc.option(rate, { nil: undefined }),
      weights: fc.constant([]),
    }),
    { nil: undefined },
  ),
});

function expectEachOnce({ settled, engine }: Play): void {
  expect(new Set(settled.map(({ job }) => job)).size).toBe(settled.length);
  expect(engine.inFlight).toBe(0);
}

const unreachable = new ConnectionError({ method: "GET", url: "http://a/" }, "connect", false, new Error("refused"));

function dateAt(ms: number): string {
  return new Date(Date.UTC(2026, 0) + Math.floor(ms / 1_000) * 1_000).toUTCString();
}

function ignore(): void {}

/** A hundred requests to a host that is down after the first ten. */
function playDown(toMs: number): Promise<Play> {
  const storms: Storm[] = [{ host: 0, fromMs: 15, toMs, says: "is down" }];
  return play(
    [...Array(100).keys()].map(() => quiet(0)),
    { storms, concurrency: 10 },
  );
}

/** Of a server that from 20 on gets through less, the more there are at once. */
function slowdown(inFlight: number): number {
  return Math.max(1, (inFlight / 20) ** 2);
}

/** One request that is answered at the first attempt. */
function quiet(host: number): Script {
  return { host, steps: [{ ms: 10, status: 200 }] };
}

describe("the engine", () => {
  test("settles every job once and keeps every limit, whatever the servers do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scriptOf(4), { maxLength: 25 }), limits, async (scripts, setup) => {
        const batch = await play(scripts, setup);
        expect(batch.settled.map(({ job }) => job.index).toSorted((a, b) => a - b)).toEqual([...scripts.keys()]);
        expect(batch.mostInFlight).toBeLessThanOrEqual(setup.concurrency);
        expect(batch.mostPerHost).toBeLessThanOrEqual(setup.perHost);
        expect(batch.mostAhead).toBeLessThan(setup.lookAhead);
        for (const { job } of batch.settled) expect(job.attempts).toBeLessThanOrEqual(3);
        expect([batch.engine.inFlight, batch.engine.ahead]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  test("loses nothing in storms of refusals, uses up no attempts, and asks nobody before the time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(4), { minLength: 1, maxLength: 40 }),
        fc.array(storm, { maxLength: 6 }),
        limits,
        async (scripts, storms, setup) => {
          const batch = await play(scripts, { ...setup, storms });
          expectEachOnce(batch);
          expect(batch.settled).toHaveLength(scripts.length);
          expect(batch.settled.filter(({ answer }) => answer?.status === 429)).toEqual([]);
          expect(batch.tooEarly).toBe(0);
          expect(batch.started).toHaveLength(
            batch.settled.reduce((sum, { job }) => sum + job.attempts - job.uncounted, batch.refused),
          );
          expect(batch.mostInFlight).toBeLessThanOrEqual(setup.concurrency);
          expect(batch.mostPerHost).toBeLessThanOrEqual(setup.perHost);
          for (const { job } of batch.settled) expect(job.attempts - job.uncounted).toBeLessThanOrEqual(3);
          expect([batch.engine.ahead, batch.engine.pausedHosts]).toEqual([0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("starts only the one that all others have got too far ahead of, and is never held up by that for good", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(4), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        limits,
        troubles,
        async (scripts, mostEarly, setup, trouble) => {
          const batch = await play(scripts, { ...setup, ...trouble, mostEarly });
          expectEachOnce(batch);
          expect(batch.settled).toHaveLength(scripts.length);
          expect(batch.earliest).toBeLessThan(mostEarly + setup.concurrency);
          expect(batch.mostPerHost).toBeLessThanOrEqual(setup.perHost);
          expect(batch.engine.ahead).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("goes on with all others while a host is paused, however much of it gathers", async () => {
    const scripts = [...Array(400).keys()].map((index) => quiet(index % 2));
    const storms: Storm[] = [{ host: 0, fromMs: 0, toMs: 60_000, says: "seconds" }];
    const { settled } = await play(scripts, { storms, concurrency: 4, perHost: 2, lookAhead: 10 });
    const ends = (host: number): number[] =>
      settled.filter(({ job }) => scripts[job.index]!.host === host).map(({ endMs }) => endMs);
    expect(Math.max(...ends(1))).toBeLessThan(5_000);
    expect(Math.min(...ends(0))).toBeGreaterThanOrEqual(60_000);
    expect(ends(0)).toHaveLength(200);
  });

  test("asks with one attempt whether a pause is over, and only then with more", async () => {
    const storms: Storm[] = [{ host: 0, fromMs: 0, toMs: 30_000, says: "nothing" }];
    const batch = await play(
      [...Array(100).keys()].map(() => quiet(0)),
      { storms, concurrency: 10 },
    );
    // Ten are refused at once, then one after each pause, of half a second in the end.
    expect(batch.refused).toBeLessThan(10 + 70);
    expect(batch.settled).toHaveLength(100);
  });

  test("waits for a host that has answered and now is down, as long as retries may take", async () => {
    const back = await playDown(30_000);
    expect(back.settled.filter(({ answer }) => answer?.status === 200)).toHaveLength(100);
    expect(back.refused).toBeLessThan(10 + 70);
    const gone = await playDown(Infinity);
    expect(gone.settled.filter(({ failure }) => failure !== undefined)).toHaveLength(90);
    expect(gone.settled.at(-1)!.endMs).toBeLessThan(70_000);
  });

  test("waits for a host that is down also where a rate leaves it idle in between", async () => {
    const storms: Storm[] = [{ host: 0, fromMs: 5_000, toMs: 20_000, says: "is down" }];
    const pace = { rate: { limit: 1, perMs: 1_000, burst: 1 }, ratePerHost: undefined, weights: [] };
    const { settled } = await play(
      [...Array(30).keys()].map(() => quiet(0)),
      { storms, pace },
    );
    expect(settled.map(({ answer }) => answer?.status)).toEqual(Array(30).fill(200));
  });

  test("asks a host that never was there as often as any request, and no longer", async () => {
    const storms: Storm[] = [{ host: 0, fromMs: 0, toMs: Infinity, says: "is down" }];
    const { settled } = await play(
      [...Array(20).keys()].map(() => quiet(0)),
      { storms },
    );
    expect(settled.map(({ job }) => job.attempts)).toEqual(Array(20).fill(3));
    expect(settled.at(-1)!.endMs).toBeLessThan(2_000);
  });

  test("keeps rates exactly, of all hosts and of each, attempts and storms included", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(3), { minLength: 1, maxLength: 40 }),
        fc.array(storm, { maxLength: 3 }),
        limits,
        fc.option(rate, { nil: undefined }),
        fc.option(rate, { nil: undefined }),
        async (scripts, storms, setup, all, perHost) => {
          const pace = { rate: all, ratePerHost: perHost, weights: [] };
          const batch = await play(scripts, { ...setup, storms, pace });
          expectEachOnce(batch);
          expect(batch.settled).toHaveLength(scripts.length);
          const { startedAtMs, started } = batch;
          if (all !== undefined) expectWithin(all, startedAtMs);
          for (const host of perHost === undefined ? [] : [0, 1, 2]) {
            expectWithin(
              perHost!,
              startedAtMs.filter((_, at) => scripts[started[at]!.index]!.host === host),
            );
          }
          expect(batch.mostPerHost).toBeLessThanOrEqual(setup.perHost);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("sends as fast as the rate lets it", async () => {
    const scripts = [...Array(200).keys()].map((index) => quiet(index % 4));
    const all = { limit: 100, perMs: 1_000, burst: 2 };
    const { startedAtMs } = await play(scripts, { pace: { rate: all, ratePerHost: undefined, weights: [] } });
    expect(startedAtMs.at(-1)).toBe(1_980);
    const each = { limit: 25, perMs: 1_000, burst: 1 };
    const perHost = await play(scripts, { pace: { rate: undefined, ratePerHost: each, weights: [] } });
    expect(perHost.startedAtMs.at(-1)).toBe(49 * 40);
  });

  test("has finished when the last is settled, however long the rate would have another wait", async () => {
    const hourly = { limit: 1, perMs: 3_600_000, burst: 1 };
    const pace = { rate: hourly, ratePerHost: undefined, weights: [] };
    const { settled, finishedAtMs } = await play([quiet(0), quiet(1)], { pace });
    expect(settled).toHaveLength(2);
    expect(finishedAtMs).toBe(settled[1]!.endMs);
  });

  test("keeps weights, of each host, by estimates that answers correct, and holds up no other host", async () => {
    const weighed = fc.record({ host: fc.nat(2), estimate: fc.nat(20), actual: fc.option(fc.nat(40)) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(weighed, { minLength: 1, maxLength: 30 }),
        rate,
        limits,
        fc.boolean(),
        async (requests, limit, setup, isExact) => {
          const weightOf = ({ job }: Attempt): number | undefined =>
            isExact ? undefined : (requests[job.index]!.actual ?? undefined);
          const rule = { ...limit, estimate: (job: Job) => requests[job.index]!.estimate, actual: weightOf };
          const scripts = requests.map(({ host }) => quiet(host));
          const pace = { rate: undefined, ratePerHost: undefined, weights: [rule] };
          const batch = await play(scripts, { ...setup, pace });
          expect(batch.settled).toHaveLength(requests.length);
          for (const host of [0, 1, 2]) {
            const its = [...batch.started.entries()].filter(([, job]) => requests[job.index]!.host === host);
            const atMs = its.map(([at]) => batch.startedAtMs[at]!);
            const estimates = its.map(([, job]) => requests[job.index]!.estimate);
            if (isExact) expectWithin(limit, atMs, estimates);
            // What was used by the answers so far, and what the others may use, is never more than there was.
            for (const [place, startMs] of atMs.entries()) {
              const ended = batch.settled.slice(0, batch.settledThen[its[place]![0]]).map(({ job }) => job);
              const used = its.slice(0, place).map(([, job]) => {
                const { estimate, actual } = requests[job.index]!;
                return isExact || actual === null || !ended.includes(job) ? estimate : actual;
              });
              const sum = used.reduce((total, each) => total + each, estimates[place]!);
              const flowed = (startMs * limit.limit) / limit.perMs;
              const isFree = estimates[place] === 0;
              expect(isFree || sum <= Math.max(limit.burst, estimates[place]!) + flowed + 1e-6).toBe(true);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("lets other hosts go while one waits for its weights", async () => {
    const rule = { limit: 10, perMs: 1_000, burst: 10, estimate: () => 10, actual: () => undefined };
    const scripts = [...Array(20).keys()].map((index) => quiet(index % 2));
    const weights = [{ ...rule, estimate: (job: Job) => (scripts[job.index]!.host === 0 ? 10 : 0) }];
    const { settled } = await play(scripts, { pace: { rate: undefined, ratePerHost: undefined, weights } });
    const ends = (host: number): number[] =>
      settled.filter(({ job }) => scripts[job.index]!.host === host).map(({ endMs }) => endMs);
    expect(ends(0)).toEqual([...Array(10).keys()].map((n) => n * 1_000 + 10));
    expect(Math.max(...ends(1))).toBeLessThanOrEqual(20);
  });

  test("finds by itself how many at once a host can take", async () => {
    const scripts = [...Array(2_000).keys()].map(() => quiet(0));
    const elapsedMs = async (setup: Setup): Promise<number> => {
      const { settled } = await play(scripts, { ...setup, slowdown, concurrency: 100, perHost: 100 });
      return settled.at(-1)!.endMs;
    };
    expect(await elapsedMs({})).toBeGreaterThan(4_500);
    expect(await elapsedMs({ isAdaptive: true })).toBeLessThan(1_300);
  });

  test("asks nobody who has said that nothing is left, while there are weights to keep", async () => {
    const headers = { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30s" };
    const weights = [{ limit: 1_000, perMs: 1_000, burst: 1_000, estimate: () => 1, actual: () => undefined }];
    const pace = { rate: undefined, ratePerHost: undefined, weights };
    const { settled } = await play([0, 0, 0, 1].map(quiet), {
      pace,
      concurrency: 2,
      perHost: 1,
      arrange: (batch) => (batch.headersOf = ({ index }) => (index === 0 ? headers : {})),
    });
    expect(settled.map(({ job, endMs }) => [job.index, endMs])).toEqual([
      [0, 10],
      [3, 10],
      [1, 90_020],
      [2, 90_030],
    ]);
  });

  test("asks one host in the order of the list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scriptOf(3), { maxLength: 25 }), limits, async (scripts, setup) => {
        const { started } = await play(scripts, setup);
        for (const host of [0, 1, 2]) {
          const first = started.filter((job, at) => scripts[job.index]!.host === host && started.indexOf(job) === at);
          expect(first.map(({ index }) => index)).toEqual(first.map(({ index }) => index).toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("remembers no more hosts than it may, and yet keeps to the rate of each", async () => {
    const hosts = [0, ...Array(3_000).keys(), 0];
    const ratePerHost = { limit: 1, perMs: 60_000, burst: 1 };
    const { started, startedAtMs } = await play(hosts.map(quiet), {
      concurrency: 100,
      pace: { rate: undefined, ratePerHost, weights: [] },
    });
    const first = startedAtMs.filter((_, at) => hosts[started[at]!.index] === 0);
    expect(first).toEqual([0, 60_000, 120_000]);
  });

  test("lets hosts with parked jobs take turns", async () => {
    const hosts = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
    const { started } = await play(hosts.map(quiet), { concurrency: 3, perHost: 1 });
    expect(started.map(({ index }) => hosts[index])).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
  });

  test("lets no host wait that could be asked, while another is asked again and again", async () => {
    const hosts = fc.array(fc.nat(4), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        hosts,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 60 }),
        limits,
        async (of, ms, setup) => {
          const scripts = of.map((host, index) => ({ host, steps: [{ ms: ms[index]!, status: 200 }] }));
          const { started, readAfter, endedAfter } = await play(scripts, { ...setup, perHost: 1 });
          const lastOf = new Map<number, Job>();
          for (const [at, job] of started.entries()) {
            const host = of[job.index]!;
            const before = lastOf.get(host);
            lastOf.set(host, job);
            // From then on it could have been asked.
            const since = Math.max(readAfter[job.index]!, before === undefined ? 0 : endedAfter[before.index]!);
            const meanwhile = started.slice(since, at).map((other) => of[other.index]!);
            for (const other of meanwhile)
              expect(meanwhile.filter((each) => each === other).length).toBeLessThanOrEqual(2);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test.for([
    ["drained", "starts nothing more, and settles what was on the wire", "drain", "started"],
    ["stopped", "settles nothing more, and leaves nothing on the wire", "stop", "settled"],
  ] as const)("%s anywhere, it %s", async ([, , end, counted]) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(3), { minLength: 1, maxLength: 30 }),
        limits,
        troubles,
        fc.integer({ min: 0, max: 3_000 }),
        async (scripts, setup, trouble, afterMs) => {
          let countedThen: number | undefined;
          const batch = await play(scripts, {
            ...setup,
            ...trouble,
            arrange: (playing) =>
              void sleep(afterMs).then(() => {
                playing.engine[end]();
                countedThen = playing[counted].length;
              }, ignore),
          });
          expect(countedThen === undefined || batch[counted].length === countedThen).toBe(true);
          expectEachOnce(batch);
        },
      ),
      { numRuns: 30 },
    );
  });
});
