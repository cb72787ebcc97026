/** What a thread of a pool runs. */
import { availableParallelism } from "node:os";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { realClock } from "../../core/index.ts";
import { Slots } from "./slots.ts";
import { type ThreadData, type Signal, type Calls, type Order, type Reply, came } from "./protocol.ts";
import { findTask } from "./find-task.ts";
import { lookOut } from "./look-out.ts";
import { TaskRunner } from "./task-runner.ts";
import { workerState } from "./worker-state.ts";

const data = workerData as ThreadData;
const port = parentPort!;

const slots = new Slots(data.slots);

/** Leaves what fits there in the slots. */
function isAnswered([call, how, value]: Reply): boolean {
  return how === came.value && (typeof value === "number" || value === undefined) && slots.answer(call, value);
}

function takeNext(): boolean {
  const next = receiveMessageOnPort(port);
  if (next !== undefined) runner.take(next.message as Calls | Order);
  return next !== undefined;
}

workerState.isWorker = true;
// Before there is a timer: if that waits for nothing that could come, the thread ends.
if (data.init !== undefined) await (await findTask(data.init))();
const runner = new TaskRunner(slots, data.idleMs, {
  kind: "thread",
  reply: (reply, transfers) => isAnswered(reply) || data.replies.postMessage(reply, transfers),
  signal: (what) => port.postMessage(what),
});
// On a single processor the pool could not send anything meanwhile.
const looksOut = availableParallelism() > 1;
port.on("message", (message: Calls | Order) => {
  runner.take(message);
  if (looksOut) lookOut(realClock, takeNext, () => runner.isIdle);
});
// A task has closed it. The pool would hear of nothing any more.
port.once("close", () => process.exit());
port.postMessage("ready" satisfies Signal);
