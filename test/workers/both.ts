/** Calls a task in a thread and in a process. Run with many flags of Node, its test runner among them. */
import { openProcessPool, openThreadPool } from "taskwright/workers";
import * as tasks from "./tasks.ts";

for (const [kind, open] of [
  ["threads", openThreadPool],
  ["processes", openProcessPool],
] as const) {
  await using pool = open({ size: 1 });
  console.log(`${kind} say ${await pool.run(tasks.add, 1, 2)}`);
}
