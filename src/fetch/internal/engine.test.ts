import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Waiter, cancelScope, currentScope, sleep } from "../../core/index.ts";
import type { WholeResponse } from "../../http/index.ts";
import { withVirtualTime } from "../../testing/index.ts";
import type { Attempt } from "./attempt.ts";
import { Engine, type EngineOptions, type JobSource } from "./engine.ts";
import type { Exchange } from "./exchange.ts";
import { Job } from "./job.ts";

/** What a server does with one request, attempt by attempt: how long it takes, and the status, or none. */
interface Script {
  readonly host: number;
  readonly steps: readonly { readonly ms: number; readonly status: number | undefined }[];
}

interface Setup extends Partial<Pick<EngineOptions, "concurrency" | "perHost" | "lookAhead">> {
  /** Called before it starts. */
  readonly arrange?: (batch: Play) => void;
}

/** Plays a batch in virtual time, and watches that no limit is broken. */
class Play implements Exchange, JobSource {
  readonly started: Job[] = [];
  readonly settled: Attempt[] = [];
  readonly scripts: readonly Script[];
  hasEnded = false;
  /** The most jobs that were read and had neither ended nor a slot. */
  mostAhead = 0;
  mostInFlight = 0;
  mostPerHost = 0;
  engine!: Engine;
  #next = 0;
  readonly #inFlight = new Map<string, number>();

  constructor(scripts: readonly Script[]) {
    this.scripts = scripts;
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
    return new Job(this.#next++, undefined, target, "GET", [], undefined);
  }

  async send(job: Job): Promise<WholeResponse> {
    this.started.push(job);
    const { origin } = job.target;
    this.#inFlight.set(origin, (this.#inFlight.get(origin) ?? 0) + 1);
    this.mostInFlight = Math.max(this.mostInFlight, this.engine.inFlight);
    this.mostPerHost = Math.max(this.mostPerHost, ...this.#inFlight.values());
    const { steps } = this.scripts[job.index]!;
    const { ms, status } = steps[Math.min(job.attempts - 1, steps.length - 1)]!;
    try {
      await sleep(ms);
    } finally {
      this.#inFlight.set(origin, this.#inFlight.get(origin)! - 1);
    }
    if (status === undefined) throw new Error("refused");
    return { status, headers: {}, chunks: [], bodyBytes: 0, firstByteMs: ms, totalMs: ms };
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
  const { concurrency = 10, perHost = 10, lookAhead = 100, arrange } = setup;
  const batch = new Play(scripts);
  await withVirtualTime(() =>
    cancelScope(async (scope) => {
      const finished = Promise.withResolvers<void>();
      const retry = { attempts: 3, baseMs: 100, maxMs: 1_000, maxTimeMs: 60_000, random: () => 0.5 };
      batch.engine = new Engine(
        {
          concurrency,
          perHost,
          lookAhead,
          lookAheadBytes: Infinity,
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
    }),
  );
  return batch;
}

const step = fc.record({
  ms: fc.integer({ min: 1, max: 50 }),
  status: fc.constantFrom(200, 200, 404, 503, undefined),
});
const scriptOf = (hosts: number) =>
  fc.record({ host: fc.nat(hosts - 1), steps: fc.array(step, { minLength: 1, maxLength: 3 }) });
const limits = fc.record({
  concurrency: fc.integer({ min: 1, max: 8 }),
  perHost: fc.integer({ min: 1, max: 4 }),
  lookAhead: fc.integer({ min: 1, max: 10 }),
});

function expectEachOnce({ settled, engine }: Play): void {
  expect(new Set(settled.map(({ job }) => job)).size).toBe(settled.length);
  expect(engine.inFlight).toBe(0);
}

function ignore(): void {}

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

  test("lets hosts with parked jobs take turns", async () => {
    const hosts = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
    const { started } = await play(hosts.map(quiet), { concurrency: 3, perHost: 1 });
    expect(started.map(({ index }) => hosts[index])).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
  });

  test("drained anywhere, it starts nothing more, and settles what was on the wire", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(3), { minLength: 1, maxLength: 30 }),
        limits,
        fc.integer({ min: 0, max: 300 }),
        async (scripts, setup, afterMs) => {
          let startedThen: number | undefined;
          const batch = await play(scripts, {
            ...setup,
            arrange: ({ engine, started }) =>
              void sleep(afterMs).then(() => {
                engine.drain();
                startedThen = started.length;
              }, ignore),
          });
          expect(startedThen === undefined || batch.started.length === startedThen).toBe(true);
          expectEachOnce(batch);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("stopped anywhere, it settles nothing more, and leaves nothing on the wire", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(scriptOf(3), { minLength: 1, maxLength: 30 }),
        limits,
        fc.integer({ min: 0, max: 300 }),
        async (scripts, setup, afterMs) => {
          let settledThen: number | undefined;
          const batch = await play(scripts, {
            ...setup,
            arrange: ({ engine, settled }) =>
              void sleep(afterMs).then(() => {
                engine.stop();
                settledThen = settled.length;
              }, ignore),
          });
          expect(settledThen === undefined || batch.settled.length === settledThen).toBe(true);
          expectEachOnce(batch);
        },
      ),
      { numRuns: 30 },
    );
  });
});
