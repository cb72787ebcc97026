import { Link, LinkedList } from "../../core/index.ts";
import type { Job } from "./job.ts";

/**
 * The requests to one origin.
 *
 * Stands in the engine's list of ready hosts exactly while it has something to ask and a free slot.
 */
export class Host extends Link {
  readonly origin: string;
  /** Attempts on the wire. Never more than the limit per host. */
  inFlight = 0;
  /** To be asked again now: ahead of what was never asked. */
  readonly again: LinkedList<Job> = new LinkedList<Job>();
  /** Read, and waiting for a slot of this host. */
  readonly parked: LinkedList<Job> = new LinkedList<Job>();

  constructor(origin: string) {
    super();
    this.origin = origin;
  }

  get hasWork(): boolean {
    return this.again.size > 0 || this.parked.size > 0;
  }
}

/** The hosts that requests are on the way to, or wait for. A host that nothing is left of is forgotten. */
export class Hosts {
  /** Hosts with work and a free slot, longest unserved first. */
  readonly ready: LinkedList<Host> = new LinkedList<Host>();
  readonly #byOrigin = new Map<string, Host>();
  readonly #limit: number;
  #last: Host | undefined = undefined;

  /** @param limit - attempts on the wire for one host */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byOrigin.size;
  }

  get(origin: string): Host {
    if (this.#last?.origin === origin) return this.#last;
    let host = this.#byOrigin.get(origin);
    if (host === undefined) {
      host = new Host(origin);
      this.#byOrigin.set(origin, host);
    }
    this.#last = host;
    return host;
  }

  isFull(host: Host): boolean {
    return host.inFlight >= this.#limit;
  }

  /** To be called whenever work or slots of `host` have changed. */
  update(host: Host): void {
    const isReady = host.hasWork && host.inFlight < this.#limit;
    if (isReady) {
      if (host.list === null) this.ready.push(host);
    } else {
      if (host.list !== null) this.ready.remove(host);
      if (host.inFlight === 0 && !host.hasWork) this.#forget(host);
    }
  }

  /** Takes the next job of the host that has waited longest, and puts that host last. */
  takeReady(): Job | undefined {
    const host = this.ready.shift();
    if (host === undefined) return undefined;
    return host.again.shift() ?? host.parked.shift();
  }

  #forget(host: Host): void {
    this.#byOrigin.delete(host.origin);
    if (this.#last === host) this.#last = undefined;
  }
}
