/** The command, killed at random points by what no process can catch, and gone on with until it is done. */
import { setTimeout as after } from "node:timers/promises";
import { expect, test } from "vitest";
import { TemporaryFolder } from "../cli.ts";
import { httpServer } from "../http-server.ts";
import { SweptJob, SweptRequests, randomFrom, untilChanged } from "./sweep.ts";

type Moment = (job: SweptJob) => Promise<void>;

const lineCount = 400;
const seed = Number(process.env["PROPERTY_SEED"] ?? 20_261_121);

/** Two at a time: each is a server, and one process after another. */
async function sweep(jobs: number, run: (index: number) => Promise<number>): Promise<number> {
  const kills = await Promise.all(
    [0, 1].map(async (first) => {
      let sum = 0;
      for (let index = first; index < jobs; index += 2) sum += await run(index);
      return sum;
    }),
  );
  return kills.reduce((a, b) => a + b, 0);
}

/** What a run without a break has. */
async function unbroken(isDown: boolean): Promise<unknown[]> {
  await using prepared = await prepare();
  prepared.requests.isDown = isDown;
  expect((await prepared.job.run()).code).toBe(1);
  return withoutPort(prepared.job.lasting);
}

/** Each job has its own server. */
function withoutPort(results: readonly unknown[]): unknown[] {
  return results.map((result) => JSON.parse(JSON.stringify(result).replace(/127\.0\.0\.1:\d+/, "server")) as unknown);
}

interface Prepared extends AsyncDisposable {
  readonly requests: SweptRequests;
  readonly job: SweptJob;
}

async function prepare(): Promise<Prepared> {
  await using stack = new AsyncDisposableStack();
  const requests = new SweptRequests();
  const server = stack.use(await httpServer(requests.answer));
  const folder = stack.use(new TemporaryFolder());
  const job = new SweptJob(folder, server, requests, lineCount);
  const all = stack.move();
  return { requests, job, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** At any time, by what was answered, by what was written, and by what the journal has. */
function momentsOf(random: () => number, { requests }: Prepared): Moment[] {
  return [
    () => after(random() * 400),
    () => requests.untilAnswered(1 + Math.floor(random() * 50)),
    async ({ results }) => {
      await requests.untilAnswered(Math.floor(random() * 20));
      await untilChanged(results);
    },
    async ({ results }) => {
      await untilChanged(`${results}.journal-wal`);
      await after(random() * 20);
    },
  ];
}

test("killed anywhere and run again until it is done, it has what a run without a break has", async () => {
  const expected = await unbroken(true);
  const kills = await sweep(16, async (index) => {
    const random = randomFrom(seed + index);
    await using prepared = await prepare();
    const { job } = prepared;
    const moments = momentsOf(random, prepared);
    for (let point = 0; point < 24 && job.kills < 10; point++) {
      await job.runUntil(moments[Math.floor(random() * moments.length)]!, random() < 0.5 ? 1 : random());
    }
    expect((await job.run()).code).toBe(1);
    expect(withoutPort(job.lasting)).toEqual(expected);
    return job.kills;
  });
  expect(kills).toBeGreaterThanOrEqual(155);
});

test("killed while it takes out failures and asks them again, it has what a run without a break has", async () => {
  const expected = await unbroken(false);
  const kills = await sweep(8, async (index) => {
    const random = randomFrom(seed + 100 + index);
    await using prepared = await prepare();
    const { job, requests } = prepared;
    expect((await job.run()).code).toBe(1);
    requests.isDown = false;
    const moments: Moment[] = [
      ...momentsOf(random, prepared),
      ({ results }) => untilChanged(`${results}.journal-copy`),
      async ({ results }) => {
        await untilChanged(`${results}.journal-copy`);
        await untilChanged(`${results}.journal-wal`);
      },
      async ({ results }) => {
        await untilChanged(`${results}.journal-copy`);
        await untilChanged(results);
      },
    ];
    // The job may be done meanwhile: then only the beginning of a run is left to be killed in.
    for (let point = 0; point < 24 && job.kills < 7; point++) {
      const moment = moments[Math.floor(random() * moments.length)]!;
      await job.runUntil(moment, random() < 0.5 ? 1 : random(), ...(random() < 0.7 ? ["--retry-failed"] : []));
    }
    expect((await job.run("--retry-failed")).code).toBe(1);
    expect(withoutPort(job.lasting)).toEqual(expected);
    return job.kills;
  });
  expect(kills).toBeGreaterThanOrEqual(45);
});
