/** What a thread of a pool runs. */
import { parentPort, workerData } from "node:worker_threads";
import { Slots } from "./slots.ts";
import { type ThreadData, type Signal, type Calls, type Order, type Reply, came } from "./protocol.ts";
import { findTask } from "./find-task.ts";
import { TaskRunner } from "./task-runner.ts";
import { workerState } from "./worker-state.ts";

const data = workerData as ThreadData;
const port = parentPort!;

const slots = new Slots(data.slots);

/** Leaves what fits there in the slots. */
function isAnswered([call, how, value]: Reply): boolean {
  return how === came.value && (typeof value === "number" || value === undefined) && slots.answer(call, value);
}

workerState.isWorker = true;
// Before there is a timer: if that waits for nothing that could come, the thread ends.
if (data.init !== undefined) await (await findTask(data.init))();
const runner = new TaskRunner(slots, data.idleMs, {
  kind: "thread",
  reply: (reply, transfers) => isAnswered(reply) || data.replies.postMessage(reply, transfers),
  signal: (what) => port.postMessage(what),
});
port.on("message", (message: Calls | Order) => runner.take(message));
port.postMessage("ready" satisfies Signal);
