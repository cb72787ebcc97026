import { readFileSync, readdirSync } from "node:fs";
import { sleep } from "taskwright";

/** The numbers of the processes that `parent` has started and that run, by what Linux says. */
export function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

/** Waits until none of them runs any more. */
export async function gone(...pids: number[]): Promise<void> {
  while (pids.some((pid) => parentOf(pid) !== undefined)) await sleep(5);
}

/** Undefined if there is no such process, or if it has ended and only waits to be noticed. */
function parentOf(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent] = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
