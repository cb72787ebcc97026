/** What a process of a pool runs. */
import { Worker } from "node:worker_threads";
import { siblingModule } from "../../core/index.ts";
import { encodeError } from "./error-codec.ts";
import { findTask } from "./find-task.ts";
import { killGroup } from "./kill-group.ts";
import type { Calls, Order, ProcessData, ProcessMessage, ProcessReply, TaskPlace } from "./protocol.ts";
import { copyOf, deserialize, serialize } from "./serialize.ts";
import { Slots } from "./slots.ts";
import { TaskRunner } from "./task-runner.ts";
import { workerState } from "./worker-state.ts";

const slots = new Slots();
let calls = 0;
let task = 0;

function tell(said: ProcessMessage["taskwright"]): void {
  // If nobody is there any more, this process ends, too.
  process.send!({ taskwright: said } satisfies ProcessMessage, undefined, undefined, () => {});
}

/** If that waits for nothing that could come, the process ends. */
async function setUp(place: TaskPlace): Promise<void> {
  process.channel!.unref();
  const init = await findTask(place);
  await init();
  process.channel!.ref();
}

async function begin({ idleMs, init }: ProcessData): Promise<void> {
  if (init !== undefined) await setUp(init);
  const runner = new TaskRunner(slots, idleMs, {
    kind: "process",
    reply: (reply) => tell(serialize([reply, task, slots.averageMs(task)] satisfies ProcessReply)),
    // Of replies it knows when they come.
    signal: (what) => what === "replies" || tell(what),
  });
  process.on("message", (bytes: Uint8Array) => {
    const message = deserialize(bytes) as Calls | Order;
    if (!("kind" in message)) {
      task = message[1] as number;
      slots.add(calls++);
    }
    runner.take(message);
  });
  tell("ready");
}

workerState.isWorker = true;
process.once("message", (bytes: Uint8Array) => void begin(deserialize(bytes) as ProcessData));
process.once("disconnect", () => {
  process.once("exit", () => killGroup(process.pid, "SIGKILL"));
  process.exit();
});
process.on("uncaughtExceptionMonitor", (error) => tell({ failure: encodeError(error, copyOf.process) }));
// It hears of a cancellation, and of the end of the pool, while a task holds the loop. Flags may say what else to load.
const watcher = new Worker(siblingModule(import.meta.url, "process-watcher"), {
  workerData: slots.buffer,
  execArgv: [],
});
// Without it a task that holds the loop can be killed all the same, and others hear of it here.
watcher.on("error", () => {});
watcher.unref();
