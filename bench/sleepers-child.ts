/** Lets so many sleepers sleep for a second, in the way named, and prints time and heap as JSON. */
import { performance } from "node:perf_hooks";
import { run, sleep, taskGroup } from "taskwright";

const [way, count] = [process.argv[2], Number(process.argv[3])];
const sleepMs = 1_000;
let woken = 0;
let heapMb = 0;

async function bySetTimeout(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, sleepMs));
  woken++;
}

async function bySleep(): Promise<void> {
  await sleep(sleepMs);
  woken++;
}

let open = (): void => {};
const gate = new Promise<void>((resolve) => {
  open = resolve;
});

/** What an async function weighs that waits for something it need not make: less is not to be had. */
async function byNothing(): Promise<void> {
  await gate;
  woken++;
}

/** Promises that settle after a while, without an async function around each. */
async function alone(sleepOnce: () => Promise<void>): Promise<void> {
  await together(sleepOnce);
  woken = count;
}

async function together(one: () => Promise<void>): Promise<void> {
  const all: Promise<void>[] = [];
  for (let index = 0; index < count; index++) all.push(one());
  weigh(all);
  setTimeout(open, sleepMs);
  await Promise.all(all);
}

function weigh(_held: unknown): void {
  // Collecting takes its time, which is not the sleepers'.
  const startedMs = performance.now();
  globalThis.gc!();
  heapMb = (process.memoryUsage().heapUsed - emptyBytes) / 1e6;
  weighedMs = performance.now() - startedMs;
}

let weighedMs = 0;
globalThis.gc!();
const emptyBytes = process.memoryUsage().heapUsed;
const startedMs = performance.now();
if (way === "setTimeout") await together(bySetTimeout);
else if (way === "sleep") await run(() => together(bySleep), { signals: false });
else if (way === "sleepAlone") await run(() => alone(() => sleep(sleepMs)), { signals: false });
else if (way === "setTimeoutAlone") await alone(() => new Promise((resolve) => setTimeout(resolve, sleepMs)));
else if (way === "nothing") await together(byNothing);
else {
  await run(
    () =>
      taskGroup((group) => {
        for (let index = 0; index < count; index++) group.spawn(bySleep);
        weigh(group);
      }),
    { signals: false },
  );
}
const ms = performance.now() - startedMs - weighedMs;
if (woken !== count) throw new Error(`${woken} of ${count} woke up`);
console.log(JSON.stringify({ ms: Math.max(0, ms - sleepMs), heapMb }));
