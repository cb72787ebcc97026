/** Does a task and comes to its end, without closing the pool; says how many workers there are then. */
import { defineTask, openProcessPool, openThreadPool } from "../../src/workers/index.ts";

const speak = defineTask(function speak(text: string) {
  console.error(text);
  return text;
});

if (import.meta.main) {
  const pool = process.argv[2] === "processes" ? openProcessPool({ idleMs: 5_000 }) : openThreadPool({ idleMs: 5_000 });
  await pool.run(speak, "heard");
  process.once("beforeExit", () => console.log(`${pool.statistics().workers} left`));
}
