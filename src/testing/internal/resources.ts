import type { ScopeNode } from "../../core/index.ts";
import { nextTurn, realTime } from "./real-time.ts";
import { TimerWatch } from "./timer-watch.ts";

/** How many there are of what keeps the loop of the process alive, by kind: sockets, requests to the file system. */
type ResourceCounts = ReadonlyMap<string, number>;

/** What there may be. */
export interface ResourceAllowance {
  readonly counts: ResourceCounts;
  /** Timers that may stay of those set below the root. */
  readonly timers: number;
}

/** Immediates are gone with the next turn of the loop, and timers are watched one by one. */
const uncounted = new Set(["Immediate", "TickObject", "Timeout"]);

function countResources(): ResourceCounts {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!uncounted.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Handles need some turns of the loop to close; on a busy machine, some time. */
const turnsToClose = 20;
const tries = 25;
const betweenTriesMs = 20;

/** Sees what is opened since it was made: timers set below `root`, and whatever the process has more of. */
export class ResourceWatch implements Disposable {
  readonly #allowed: ResourceAllowance;
  readonly #timers: TimerWatch;

  /** @param allowed - what there is now, and no timer, if left out */
  constructor(root: ScopeNode, allowed: ResourceAllowance = { counts: countResources(), timers: 0 }) {
    this.#allowed = allowed;
    this.#timers = new TimerWatch(root);
  }

  /** What there is more of than allowed: "2 x TCPSocketWrap". */
  grown(): string[] {
    const { counts, timers } = this.#allowed;
    const more = [...countResources()].map(([kind, count]) => ({ kind, count: count - (counts.get(kind) ?? 0) }));
    more.push({ kind: "Timeout", count: this.#timers.count - timers });
    return more.filter(({ count }) => count > 0).map(({ kind, count }) => (count === 1 ? kind : `${count} x ${kind}`));
  }

  /** The same when things have had time to close. Returns at once when nothing has grown. */
  async stillGrown(): Promise<string[]> {
    for (let turn = 0; turn < turnsToClose && this.grown().length > 0; turn++) await nextTurn();
    for (let attempt = 0; attempt < tries && this.grown().length > 0; attempt++) await realTime(betweenTriesMs);
    return this.grown();
  }

  /** As much as there is now. */
  allowance(): ResourceAllowance {
    return { counts: countResources(), timers: this.#timers.count };
  }

  [Symbol.dispose](): void {
    this.#timers[Symbol.dispose]();
  }
}
