import { type Clock, Link, LinkedList, Timer } from "../../core/index.ts";
import type { HostTrouble } from "./host-trouble.ts";
import type { Job } from "./job.ts";

/**
 * The requests to one origin.
 *
 * Stands in the engine's list of ready hosts exactly while it has something to ask, a free slot, and is not blocked.
 */
export class Host extends Link {
  readonly origin: string;
  /** Attempts that may be on the wire now: the limit per host, or fewer while it recovers from something. */
  limit: number;
  /** Attempts on the wire. May exceed a limit that was lowered meanwhile. */
  inFlight = 0;
  /** Nothing is sent to it before its timer has fired. */
  isBlocked = false;
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

  constructor(origin: string, limit: number) {
    super();
    this.origin = origin;
    this.limit = limit;
  }

  get waiting(): number {
    return this.again.size + this.parked.size;
  }

  get isFull(): boolean {
    return this.inFlight >= this.limit || this.isBlocked;
  }
}

/** The hosts that requests are on the way to, or wait for. A host that nothing is left of is forgotten. */
export class Hosts {
  /** Jobs that wait for a slot of their host. */
  waiting = 0;
  /** Those of them whose hosts were paused: they wait for nothing that others take. */
  behind = 0;
  /** Hosts that are left alone for now. */
  blocked = 0;
  /** Hosts with work and a free slot, longest unserved first. */
  readonly #ready: LinkedList<Host> = new LinkedList<Host>();
  readonly #byOrigin = new Map<string, Host>();
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #onReady: () => void;
  #last: Host | undefined = undefined;

  /**
   * @param limit - attempts on the wire for one host
   * @param onReady - a host is no longer blocked
   */
  constructor(limit: number, clock: Clock, onReady: () => void) {
    this.#limit = limit;
    this.#clock = clock;
    this.#onReady = onReady;
  }

  get(origin: string): Host {
    if (this.#last?.origin === origin) return this.#last;
    let host = this.#byOrigin.get(origin);
    if (host === undefined) {
      host = new Host(origin, this.#limit);
      this.#byOrigin.set(origin, host);
    }
    this.#last = host;
    return host;
  }

  /** To be called whenever work, slots or the limit of `host` have changed. */
  update(host: Host): void {
    if (host.waiting > 0 && !host.isFull) {
      if (host.list === null) this.#ready.push(host);
    } else {
      if (host.list !== null) this.#ready.remove(host);
      if (host.inFlight === 0 && host.waiting === 0 && !host.isBlocked) this.#forget(host);
    }
  }

  /** `job` waits until its host has room: behind those of the same host, or, if it was asked before, behind those. */
  park(host: Host, job: Job): void {
    (job.attempts === 0 ? host.parked : host.again).push(job);
    this.waiting++;
    if (host.isBehind) this.behind++;
    this.update(host);
  }

  /** Takes the next job of the host that has waited longest. `update(host)` puts that host last. */
  takeReady(): Job | undefined {
    const host = this.#ready.shift();
    if (host === undefined) return undefined;
    const job = host.again.shift() ?? host.parked.shift();
    this.waiting--;
    if (host.isBehind) {
      this.behind--;
      host.isBehind = host.waiting > 0;
    }
    return job;
  }

  /** Sends nothing to `host` before `untilMs`. What gathers meanwhile does not count as read too far ahead. */
  pause(host: Host, untilMs: number): void {
    if (!host.isBehind) this.behind += host.waiting;
    host.isBehind = true;
    this.#block(host, untilMs);
  }

  /** Lets no block end any more. */
  close(): void {
    for (const { timer } of this.#byOrigin.values()) timer?.cancel();
  }

  #block(host: Host, untilMs: number): void {
    host.timer ??= new Timer(() => this.#unblock(host));
    host.timer.cancel();
    this.#clock.schedule(untilMs, host.timer);
    if (!host.isBlocked) this.blocked++;
    host.isBlocked = true;
    this.update(host);
  }

  #unblock(host: Host): void {
    host.isBlocked = false;
    this.blocked--;
    if (host.waiting === 0) host.isBehind = false;
    this.update(host);
    this.#onReady();
  }

  #forget(host: Host): void {
    this.#byOrigin.delete(host.origin);
    if (this.#last === host) this.#last = undefined;
  }
}
