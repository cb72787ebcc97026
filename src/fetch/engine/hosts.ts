import { type Clock, LinkedList, Timer } from "../../core/index.ts";
import { longestWaitMs } from "../../http/index.ts";
import type { Attempt } from "./attempt.ts";
import { Host } from "./host.ts";
import { HostLimit } from "./host-limit.ts";
import type { Job } from "./job.ts";
import type { HostPace } from "./pace.ts";
import { usedUpForMs } from "./quota-headers.ts";

export interface HostsOptions {
  /** Attempts on the wire for one host. */
  readonly perHost: number;
  readonly makePace: (() => HostPace) | undefined;
  /** Whether each host finds its limit by itself, up to `perHost`. */
  readonly isAdaptive: boolean;
  readonly clock: Clock;
  /** A host is no longer blocked. */
  readonly onReady: () => void;
}

/** So many hosts are remembered that nothing is to be asked now. */
const maxIdle = 1_000;

/** The hosts that requests are on the way to, or wait for, and some that were asked lately. */
export class Hosts {
  /** Jobs that wait for a slot of their host. */
  waiting = 0;
  /** Those of them whose hosts were paused: they wait for nothing that others take. */
  behind = 0;
  /** Hosts that have asked to be left alone, or are down. */
  paused = 0;
  /** Hosts with work and a free slot, longest unserved first. */
  readonly #ready: LinkedList<Host> = new LinkedList<Host>();
  /** Hosts that nothing is left of but what was learned, longest idle first. */
  readonly #idle: LinkedList<Host> = new LinkedList<Host>();
  readonly #byOrigin = new Map<string, Host>();
  readonly #options: HostsOptions;
  #last: Host | undefined = undefined;

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /** When the first of the paused hosts may be asked again, on the clock; undefined if none is paused. Looks at each. */
  get nextPauseEndMs(): number | undefined {
    if (this.paused === 0) return undefined;
    let endMs = Infinity;
    for (const host of this.#byOrigin.values()) if (host.isPaused) endMs = Math.min(endMs, host.pausedUntilMs);
    return endMs;
  }

  /** Attempts that may be on the wire now, at all hosts that something is asked of. Looks at each. */
  get capacity(): number {
    let sum = 0;
    for (const host of this.#byOrigin.values()) {
      if (host.list !== this.#idle) sum += host.isBlocked ? host.inFlight : Math.max(host.limit, host.inFlight);
    }
    return sum;
  }

  get(origin: string): Host {
    if (this.#last?.origin === origin) return this.#last;
    let host = this.#byOrigin.get(origin);
    if (host === undefined) {
      const { perHost, makePace, isAdaptive } = this.#options;
      const ownLimit = isAdaptive ? new HostLimit(perHost) : undefined;
      host = new Host(origin, perHost, makePace?.(), ownLimit);
      this.#byOrigin.set(origin, host);
    }
    this.#last = host;
    return host;
  }

  /** To be called whenever work, slots or the limit of `host` have changed. */
  update(host: Host): void {
    const list = this.#listFor(host);
    if (host.list === list) return;
    if (host.list !== null) host.list.remove(host);
    if (list !== null) list.push(host);
    if (list === this.#idle && list.size > maxIdle) this.#forgetSome();
  }

  #listFor(host: Host): LinkedList<Host> | null {
    if (host.waiting > 0) return !host.isFull && this.#isInPace(host) ? this.#ready : null;
    return host.inFlight === 0 && !host.isBlocked ? this.#idle : null;
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
    this.#leave(host);
    return job;
  }

  /** Takes `job`, if it waits and its host may be asked. `update(host)` puts that host last. */
  takeIfReady(job: Job): Job | undefined {
    const host = this.get(job.target.origin);
    if (job.list === null || host.list !== this.#ready) return undefined;
    this.#ready.remove(host);
    job.list.remove(job);
    this.#leave(host);
    return job;
  }

  /** One of the jobs of `host` waits no more. */
  #leave(host: Host): void {
    this.waiting--;
    if (!host.isBehind) return;
    this.behind--;
    host.isBehind = host.waiting > 0;
  }

  /** Sends nothing to `host` before `untilMs`. What gathers meanwhile does not count as read too far ahead. */
  pause(host: Host, untilMs: number): void {
    if (host.isPaused && untilMs <= host.pausedUntilMs) return;
    host.pausedUntilMs = untilMs;
    if (!host.isBehind) this.behind += host.waiting;
    host.isBehind = true;
    if (!host.isPaused) this.paused++;
    host.isPaused = true;
    this.#block(host, untilMs);
    this.update(host);
  }

  /**
   * An attempt has told what it weighed: its host may be ready earlier than it seemed, or later. Where it also says that
   * nothing is left, no other finds that out for itself.
   */
  ended(host: Host, pace: HostPace, attempt: Attempt): void {
    const nowMs = this.#options.clock.now();
    pace.ended(attempt, nowMs);
    const usedUpMs = attempt.answer && usedUpForMs(attempt.answer.headers, new Date().getTime());
    if (usedUpMs !== undefined) this.pause(host, nowMs + Math.min(usedUpMs, longestWaitMs));
    if (host.isPaused) return;
    host.isBlocked = false;
    host.timer?.cancel();
  }

  /** Lets no block end any more. */
  close(): void {
    for (const { timer } of this.#byOrigin.values()) timer?.cancel();
  }

  /** Whether the pace of `host` lets its next job go; if not, it is blocked until it does. */
  #isInPace(host: Host): boolean {
    const { pace } = host;
    if (pace === undefined) return true;
    const nowMs = this.#options.clock.now();
    const readyAtMs = pace.readyAtMs(host.next!, nowMs);
    if (readyAtMs <= nowMs) return true;
    this.#block(host, readyAtMs);
    return false;
  }

  #block(host: Host, untilMs: number): void {
    host.isBlocked = true;
    host.timer ??= new Timer(() => this.#unblock(host));
    host.timer.cancel();
    this.#options.clock.schedule(untilMs, host.timer);
  }

  #unblock(host: Host): void {
    if (host.isPaused) this.paused--;
    host.isPaused = false;
    host.isBlocked = false;
    if (host.waiting === 0) host.isBehind = false;
    this.update(host);
    this.#options.onReady();
  }

  /** Forgets the host that was idle for longest, and one more, so that there are less of those that were kept once. */
  #forgetSome(): void {
    const nowMs = this.#options.clock.now();
    for (let count = 0; count < 2 && this.#idle.size > maxIdle; count++) {
      const host = this.#idle.shift()!;
      // Of its pace something has to be remembered as long as something of it is left.
      if (host.pace !== undefined && host.pace.fullAtMs(nowMs) > nowMs) this.#idle.push(host);
      else this.#forget(host);
    }
  }

  #forget(host: Host): void {
    this.#byOrigin.delete(host.origin);
    if (this.#last === host) this.#last = undefined;
  }
}
