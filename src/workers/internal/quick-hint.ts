/** What takes less, in milliseconds, is mostly quicker where it is. */
const quickMs = 0.05;
/** After so many calls of one function it is looked at again. */
export const callsToHint = 1_000;

let hasHinted = false;

/** Says once in a program, and never in production, that a task is too short to be worth the way. */
export function hintIfQuick(task: string, averageMs: number | undefined): void {
  if (averageMs === undefined || averageMs >= quickMs) return;
  if (hasHinted || process.env["NODE_ENV"] === "production") return;
  hasHinted = true;
  process.emitWarning(
    `task ${task} takes ${Math.max(1, Math.round(averageMs * 1_000))} µs on the average, less than to send it to a worker ` +
      `and back. Call the function where you are, or give many items at once to map() of the pool`,
    { type: "TaskwrightWarning", code: "TASKWRIGHT_QUICK_TASK" },
  );
}
