/** What a thread of a pool runs. */
import { parentPort, workerData } from "node:worker_threads";
import { Slots } from "./slots.ts";
import { type ThreadData, type Signal, type Calls, type Order } from "./protocol.ts";
import { findTask } from "./find-task.ts";
import { TaskRunner } from "./task-runner.ts";
import { threadState } from "./thread-state.ts";

const data = workerData as ThreadData;
const port = parentPort!;
const signal = (what: Signal): void => port.postMessage(what);

threadState.isThread = true;
const runner = new TaskRunner(new Slots(data.slots), data.replies, data.idleMs, signal);
if (data.init !== undefined) await (await findTask(data.init))();
port.on("message", (message: Calls | Order) => runner.take(message));
signal("ready");
