/** A producer, three workers and a queue between them. Ctrl-C ends all of it in order; so does the end of the work. */
import { Queue, run, shield, sleep, taskGroup } from "taskwright";

const queue = new Queue<number>({ maxSize: 5, name: "jobs" });
const done: number[] = [];

async function produce(): Promise<void> {
  for (let job = 1; job <= 20; job++) await queue.put(job);
  queue.shutdown();
}

async function work(): Promise<void> {
  try {
    for await (const job of queue) {
      await sleep(5);
      done.push(job);
    }
  } finally {
    // Also when cancelled: what has to wait in cleanup goes into a shield.
    await shield(() => sleep(1), { timeoutMs: 1_000 });
  }
}

await run(() =>
  taskGroup((group) => {
    group.spawn(produce);
    for (let worker = 1; worker <= 3; worker++) group.spawn(work, { name: `worker ${worker}` });
  }),
);
console.log(`${done.length} jobs done by three workers`);
