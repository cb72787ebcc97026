import { type Clock, Link, LinkedList, type Timer } from "../../core/index.ts";
import type { HostLimit } from "./host-limit.ts";
import type { HostTrouble } from "./host-trouble.ts";
import type { Job } from "./job.ts";
import type { HostPace } from "./pace.ts";

/**
 * The requests to one origin, and what is known of it.
 *
 * Stands in the list of ready hosts exactly while it has something to ask, a free slot, and is not blocked; and in that
 * of idle ones while nothing is to be asked.
 */
export class Host extends Link {
  readonly origin: string;
  /** Attempts that may be on the wire now: the limit per host, or fewer while it recovers from something. */
  limit: number;
  /** Attempts on the wire. May exceed a limit that was lowered meanwhile. */
  inFlight = 0;
  /** Nothing is sent to it before its timer has fired: it is paused, or its pace asks for it. */
  isBlocked = false;
  isPaused = false;
  /** On the clock, while it is paused. */
  pausedUntilMs = 0;
  /** Whether it has ever answered as servers do that are well. */
  hasAnswered = false;
  /** What went wrong with it; undefined while nothing has. */
  trouble: HostTrouble | undefined = undefined;
  /** Jobs have gathered during a pause, and are not all sent yet. */
  isBehind = false;
  /** To be asked again now: ahead of what was never asked. */
  readonly again: LinkedList<Job> = new LinkedList<Job>();
  /** Read, and waiting for a slot of this host. */
  readonly parked: LinkedList<Job> = new LinkedList<Job>();
  /** Ends the block. */
  timer: Timer | undefined = undefined;
  /** How fast requests may follow each other there; undefined for as fast as they can. */
  readonly pace: HostPace | undefined;
  /** Finds the limit by itself, from how long answers take; undefined for a fixed one. */
  readonly ownLimit: HostLimit | undefined;
  /** What the limit cannot exceed. */
  mostAllowed: number;

  constructor(origin: string, limit: number, pace?: HostPace, ownLimit?: HostLimit) {
    super();
    this.origin = origin;
    this.pace = pace;
    this.ownLimit = ownLimit;
    this.mostAllowed = limit;
    this.limit = Math.min(limit, ownLimit?.limit ?? limit);
  }

  /** No more at once than this, until it is called again. */
  allow(most: number): void {
    this.mostAllowed = most;
    this.limit = Math.min(most, this.ownLimit?.limit ?? most);
  }

  /** What its own limit has learned holds from now on. */
  learned(): void {
    this.allow(this.mostAllowed);
  }

  /** What is to be asked next. */
  get next(): Job | null {
    return this.again.head ?? this.parked.head;
  }

  get waiting(): number {
    return this.again.size + this.parked.size;
  }

  get isFull(): boolean {
    return this.inFlight >= this.limit || this.isBlocked;
  }

  /** Whether `job`, which has just been read, may be sent. */
  isReadyFor(job: Job, clock: Clock): boolean {
    if (this.isFull) return false;
    const { pace } = this;
    if (pace === undefined) return true;
    const nowMs = clock.now();
    return pace.readyAtMs(job, nowMs) <= nowMs;
  }
}
