/** Pools of threads on the same work: very many tiny calls, and few long ones. */
import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { FixedThreadPool } from "poolifier";
import { type ModuleTask, openThreadPool } from "taskwright/workers";
import { Tinypool } from "tinypool";
import workerpool from "workerpool";
import { type Contender, hold } from "./harness.ts";

const calls = 100_000;
const inFlight = 64;
const threads = 2;
const longBelow = 10_000_000;

type Name = "add" | "sumOfSquares";

interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly call: (name: Name, n: number) => Promise<number>;
  /** Of ours: all items at once. */
  readonly map?: (name: Name, items: readonly number[]) => Promise<number[]>;
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function openPeers(): Peer[] {
  const filename = fileOf("./workers-side.ts");
  const size = { minThreads: threads, maxThreads: threads };
  const plain = new Piscina({ filename, ...size });
  const tuned = new Piscina({ filename, ...size, concurrentTasksPerWorker: 64 });
  const tiny = new Tinypool({ filename, ...size });
  const inTurn = workerpool.pool(fileOf("./workers-side-workerpool.ts"), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: "thread",
  });
  const fixed = new FixedThreadPool<number, number>(threads, fileOf("./workers-side-poolifier.ts"));
  const ours = openThreadPool({ size: threads });
  const module = new URL("./workers-side.ts", import.meta.url);
  const tasks: Record<Name, ModuleTask<[number], number>> = {
    add: { module, name: "add" },
    sumOfSquares: { module, name: "sumOfSquares" },
  };
  const peer = (name: string, call: Peer["call"], close: () => unknown): Peer => ({
    name,
    call,
    async [Symbol.asyncDispose]() {
      await close();
    },
  });
  return [
    peer(
      "piscina",
      async (name, n) => (await plain.run(n, { name })) as number,
      () => plain.destroy(),
    ),
    peer(
      "piscina, 64 tasks a thread",
      async (name, n) => (await tuned.run(n, { name })) as number,
      () => tuned.destroy(),
    ),
    peer(
      "tinypool",
      async (name, n) => (await tiny.run(n, { name })) as number,
      () => tiny.destroy(),
    ),
    peer(
      "workerpool",
      async (name, n) => (await inTurn.exec(name, [n])) as number,
      () => inTurn.terminate(),
    ),
    peer(
      "poolifier",
      (name, n) => fixed.execute(n, name),
      () => fixed.destroy(),
    ),
    {
      ...peer(
        "taskwright pool.run",
        (name, n) => ours.run(tasks[name], n),
        () => ours[Symbol.asyncDispose](),
      ),
      map: (name, items) => ours.map(items, tasks[name]),
    },
  ];
}

async function allAtOnce({ call }: Peer): Promise<number> {
  const results = await Promise.all(Array.from({ length: calls }, (_, n) => call("add", n)));
  return results.reduce((sum, n) => sum + n, 0);
}

async function someInFlight({ call }: Peer): Promise<number> {
  let next = 0;
  let sum = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const result = await call("add", next++);
      sum += result;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return sum;
}

function oneAfterTheOther({ call }: Peer): Promise<number> {
  return (async () => {
    for (let n = 0; n < 2_000; n++) await call("add", n);
    return 2_000;
  })();
}

async function fewLong({ call }: Peer): Promise<number> {
  const sums = await Promise.all(Array.from({ length: 4 }, () => call("sumOfSquares", longBelow)));
  return sums.length;
}

export async function benchWorkers(): Promise<void> {
  const peers = openPeers();
  await using closing = new AsyncDisposableStack();
  for (const each of peers) closing.use(each);
  for (const { call } of peers) for (let n = 0; n < 100; n++) await call("add", n);
  const contenders = (work: (peer: Peer) => unknown): Contender[] =>
    peers.map((each) => ({ name: each.name, run: () => work(each) }));
  const total = (calls * (calls + 1)) / 2;
  const sumOf = async (each: Peer): Promise<number> => {
    const results = await each.map!(
      "add",
      Array.from({ length: calls }, (_, n) => n),
    );
    return results.reduce((sum, n) => sum + n, 0);
  };
  const maps = peers.filter(({ map }) => map !== undefined);

  await hold({
    title: `${calls} tiny calls, all at once, ${threads} threads; per call`,
    units: calls,
    contenders: [
      ...contenders(allAtOnce),
      ...maps.map((each) => ({ name: "taskwright pool.map", run: () => sumOf(each) })),
    ],
    check: (sum) => assert.equal(sum, total),
  });
  await hold({
    title: `${calls} tiny calls, ${inFlight} in flight; per call`,
    units: calls,
    contenders: contenders(someInFlight),
    check: (sum) => assert.equal(sum, total),
  });
  await hold({
    title: "2000 tiny calls, one after the other; per call",
    units: 2_000,
    contenders: contenders(oneAfterTheOther),
    check: (count) => assert.equal(count, 2_000),
  });
  await hold({
    title: `4 sums of ${longBelow} squares; all of them`,
    units: 1,
    contenders: contenders(fewLong),
    check: (count) => assert.equal(count, 4),
  });
}
