import { realClock } from "../../core/index.ts";
import { nextTurn, realTime } from "./real-time.ts";

/** What keeps the loop of the process alive, by kind: sockets, timers, requests to the file system. */
export type Resources = ReadonlyMap<string, number>;

/** Gone with the next turn of the loop. */
const passing = new Set(["Immediate", "TickObject"]);

export function activeResources(): Resources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!passing.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  // All timers of ours share one of Node's, which is nobody's fault.
  if (realClock.timers > 0) counts.set("Timeout", (counts.get("Timeout") ?? 0) - 1);
  return counts;
}

/** What there is more of than `before`: "2 x TCPSocketWrap". */
export function grownBy(before: Resources): string[] {
  const grown: string[] = [];
  for (const [kind, count] of activeResources()) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) grown.push(more === 1 ? kind : `${more} x ${kind}`);
  }
  return grown;
}

/** Handles need some turns of the loop to close; on a busy machine, some time. */
const turnsToClose = 20;
const tries = 25;
const betweenTriesMs = 20;

/** What there is more of than `before` when things have had time to close. Returns at once when nothing is. */
export async function stillGrownBy(before: Resources): Promise<string[]> {
  for (let turn = 0; turn < turnsToClose && grownBy(before).length > 0; turn++) await nextTurn();
  for (let attempt = 0; attempt < tries && grownBy(before).length > 0; attempt++) {
    await realTime(betweenTriesMs);
    // A timer counts while it fires.
    await nextTurn();
  }
  return grownBy(before);
}
