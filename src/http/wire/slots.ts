import { Link, LinkedList } from "../../core/index.ts";
import type { HostPause } from "../attempts/host-pause.ts";

/** Something that needs a slot to start, and to which host it goes. */
export interface Job extends Link {
  readonly host: Lane;
  /** Called when it has its slot. It gives the slot back with {@link Slots.leave}. */
  start(): void;
  /** It will not have a slot any more: it is to withdraw. */
  sessionClosed(): void;
}

/** What stands in line for one host. A link of the ring of hosts that have something to start. */
export class Lane extends Link {
  readonly queue: LinkedList<Job> = new LinkedList();
  /** Slots taken. */
  active = 0;
  /** While it wants to be left alone: nothing starts. */
  pause: HostPause | undefined = undefined;

  get isUnused(): boolean {
    return this.active === 0 && this.queue.size === 0 && (this.pause === undefined || this.pause.isOver);
  }
}

/**
 * Who may be under way: so many in all, and so many for each host.
 *
 * Those of one host start in order of arrival. Hosts take turns, so that none can fill all slots while others wait; and
 * a host that is full, or paused, keeps nobody else waiting. Everything is O(1), however many wait.
 */
export class Slots {
  limit: number;
  limitPerHost: number;
  /** Slots taken. */
  active = 0;
  /** Jobs in line. */
  waiting = 0;
  /** Hosts with a job in line and a slot of their own left, in order of turn. */
  readonly #ring: LinkedList<Lane> = new LinkedList();
  /** A job that fails at once leaves while others are being started: one loop for all, or a long line would recurse. */
  #isStarting = false;

  constructor(limit: number, limitPerHost: number) {
    this.limit = limit;
    this.limitPerHost = limitPerHost;
  }

  /** Other limits from now on, for all of `hosts`. What is under way goes on, also where it is more than they allow. */
  change(limit: number, limitPerHost: number, hosts: Iterable<Lane>): void {
    this.limit = limit;
    this.limitPerHost = limitPerHost;
    for (const host of hosts) {
      if (host.active >= limitPerHost) host.list?.remove(host);
      else this.#line(host);
    }
    this.#startNext();
  }

  /** Starts `job` now or when its turn comes. */
  enter(job: Job): void {
    const { host } = job;
    if (host.pause?.isOver === true) this.#endPause(host);
    if (this.#isFree(host)) {
      this.#start(job, host);
      return;
    }
    host.queue.push(job);
    this.waiting++;
    if (host.pause === undefined) this.#line(host);
    else host.pause.watch();
  }

  /** Takes a slot for what is no job, if there is one. */
  tryTake(host: Lane): boolean {
    if (!this.#isFree(host)) return false;
    this.active++;
    host.active++;
    return true;
  }

  /** Whether a slot may be taken at once. Nobody is passed over: while one is free, the ring is empty. */
  #isFree(host: Lane): boolean {
    const isBelow = this.active < this.limit && host.active < this.limitPerHost;
    return isBelow && host.queue.size === 0 && host.pause === undefined;
  }

  /** Starts nothing for `host` until `pause` is over, or the one it has if that lasts longer. */
  pause(host: Lane, pause: HostPause): void {
    if (host.pause !== undefined && host.pause.untilMs >= pause.untilMs) return;
    host.pause?.unwatch();
    host.pause = pause;
    pause.onOver = () => {
      this.#endPause(host);
      this.#startNext();
    };
    host.list?.remove(host);
    if (host.queue.size > 0) pause.watch();
  }

  /** Takes a waiting job out of line. */
  withdraw(job: Job): void {
    const { host } = job;
    host.queue.remove(job);
    this.waiting--;
    if (host.queue.size > 0) return;
    host.list?.remove(host);
    host.pause?.unwatch();
  }

  /** A job has ended: its slot goes to the next in turn. */
  leave(host: Lane): void {
    this.active--;
    host.active--;
    this.#line(host);
    this.#startNext();
  }

  #startNext(): void {
    if (this.#isStarting || this.#ring.size === 0) return;
    this.#isStarting = true;
    while (this.active < this.limit) {
      const next = this.#ring.shift();
      if (next === undefined) break;
      const job = next.queue.shift()!;
      this.waiting--;
      this.#start(job, next);
      this.#line(next);
    }
    this.#isStarting = false;
  }

  #start(job: Job, host: Lane): void {
    this.active++;
    host.active++;
    job.start();
  }

  #endPause(host: Lane): void {
    host.pause?.unwatch();
    host.pause = undefined;
    this.#line(host);
  }

  #line(host: Lane): void {
    if (host.list !== null || host.queue.size === 0 || host.pause !== undefined) return;
    if (host.active < this.limitPerHost) this.#ring.push(host);
  }
}
