import { type Clock, type PermitReport, Timer, isCancelled } from "../../core/index.ts";
import type { Attempt } from "./attempt.ts";
import type { TokenBucket } from "../../sync/index.ts";
import type { Exchange } from "./exchange.ts";
import { failureOf } from "./failure.ts";
import type { Host } from "./host.ts";
import { Hosts } from "./hosts.ts";
import type { Job } from "./job.ts";
import { type PaceRules, bucketOf, hostPaceBy } from "./pace.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import { judge, wentWell } from "./verdict.ts";

/** Where jobs come from. */
export interface JobSource {
  /** The next job, or undefined if there is none now: then `engine.pump()` is called when there is. */
  take(): Job | undefined;
  /** Whether `take` will never give another. */
  readonly hasEnded: boolean;
  /** While there is one, no other of the jobs taken is to be started: they have got too far ahead of it. */
  readonly only?: Job | undefined;
}

/** Where outcomes go. */
export interface JobSink {
  /** The job is done, and this was its last attempt. */
  settled(last: Attempt): void;
  /** The job will be asked again in `delayMs`; `isPause` says that its host was paused for all, as it may well be. */
  retrying(failed: Attempt, delayMs: number, isPause: boolean): void;
  /** Nothing is left to do. Called once; with an error if source or sink threw it. */
  finished(crash: unknown): void;
}

/** Tells the limit of a host how an attempt went. */
type Learn = (report: PermitReport | undefined) => void;

export interface EngineOptions {
  /** Attempts on the wire. */
  readonly concurrency: number;
  /** The same for one origin. */
  readonly perHost: number;
  /** Whether each host finds its own limit by itself, up to `perHost`. @default false */
  readonly isAdaptive?: boolean;
  readonly retry: RetryPolicy;
  /** Undefined for as fast as it goes. */
  readonly pace?: PaceRules | undefined;
  /** Jobs that may be parked or wait for another attempt at once; those of paused hosts aside. */
  readonly lookAhead: number;
  /** And how much memory they may take, about. */
  readonly lookAheadBytes: number;
  readonly exchange: Exchange;
  /** Takes everything off the wire. */
  readonly abort: () => void;
  readonly clock: Clock;
}

/**
 * Sends jobs, with limits and retries, in constant memory.
 *
 *     running ── source ended, all settled ──> finished
 *        ├── drain() ──> draining ── all on the wire settled ──> finished
 *        └── stop() ───> stopped ─── all on the wire ended ────> finished
 *
 * A slot belongs to one attempt: a job that waits to be asked again has none. While all slots are taken nothing is
 * read from the source. While slots are free but the job read belongs to a host at its limit, the job is parked and
 * reading goes on, until `lookAhead` jobs are parked or wait: so one slow host does not hold up the others, unless it
 * has that many requests in a row. Hosts with parked jobs take turns. What is parked for a host that asked to be left
 * alone counts against the memory only, until all of it is sent: or others would wait as long as that host asks.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #source: JobSource;
  readonly #sink: JobSink;
  readonly #hosts: Hosts;
  /** Timers of jobs that wait to be asked again. */
  readonly #waiting = new Map<Job, Timer>();
  /** Of all attempts. */
  readonly #rate: TokenBucket | undefined;
  readonly #rateTimer: Timer = new Timer(() => this.pump());
  #inFlight = 0;
  #held = 0;
  /** Memory of what is parked or waits. */
  #aheadBytes = 0;
  #state: "running" | "draining" | "stopped" | "finished" = "running";
  #isPaused = false;
  #isPumping = false;
  #crash: unknown;

  constructor(options: EngineOptions, source: JobSource, sink: JobSink) {
    this.#options = options;
    this.#source = source;
    this.#sink = sink;
    const { perHost, clock, pace, isAdaptive = false } = options;
    this.#hosts = new Hosts({
      perHost,
      isAdaptive,
      clock,
      makePace: pace && hostPaceBy(pace),
      onReady: () => this.pump(),
    });
    this.#rate = pace?.rate && bucketOf(pace.rate);
  }

  /** Attempts on the wire. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Attempts that may be on the wire now: at most `concurrency`, and no more than the hosts in question may have. */
  get capacity(): number {
    return Math.min(this.#options.concurrency, this.#hosts.capacity);
  }

  /** Jobs that were read and have no slot: parked, or waiting to be asked again. */
  get ahead(): number {
    return this.#hosts.waiting + this.#waiting.size;
  }

  /** Hosts that have asked to be left alone, or are down. */
  get pausedHosts(): number {
    return this.#hosts.paused;
  }

  /** How long until the first of them may be asked again; undefined if there are none. */
  get pauseLeftMs(): number | undefined {
    const endMs = this.#hosts.nextPauseEndMs;
    return endMs === undefined ? undefined : Math.max(0, endMs - this.#options.clock.now());
  }

  /** Whether a slot is free. */
  get hasRoom(): boolean {
    return this.#inFlight + this.#held < this.#options.concurrency;
  }

  /** Starts whatever may start. To be called first, and whenever the source has jobs again. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      this.#fill();
    } catch (error) {
      this.#fail(error);
    }
    this.#isPumping = false;
    if (this.#inFlight === 0) this.#finishIfDone();
  }

  /** Starts nothing new until `resume()`: the sink cannot take more. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.pump();
  }

  /** Keeps a slot for an outcome that nobody has taken yet. */
  hold(): void {
    this.#held++;
  }

  /** The outcome was taken. */
  letGo(): void {
    this.#held--;
    this.pump();
  }

  /** Lets what is on the wire end, and starts nothing more: no new jobs, no further attempts. */
  drain(): void {
    if (this.#state === "running") this.#leaveRunning("draining");
  }

  /** Takes everything off the wire. It has no outcome. */
  stop(): void {
    if (this.#state !== "running" && this.#state !== "draining") return;
    this.#leaveRunning("stopped");
    this.#options.abort();
  }

  #leaveRunning(state: "draining" | "stopped"): void {
    this.#state = state;
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#finishIfDone();
  }

  #fill(): void {
    while (!this.#isPaused && this.hasRoom) {
      if (!this.#isInRate) return this.#findEnd();
      const job = this.#next();
      if (job === undefined) return;
      void this.#ask(job);
    }
  }

  /** Parks the next job: whether there is one is known before the rate lets it go, which at `1/h` is an hour. */
  #findEnd(): void {
    if (this.#state !== "running" || this.ahead > 0 || this.#source.only !== undefined) return;
    const job = this.#source.take();
    if (job !== undefined) this.#park(this.#hosts.get(job.target.origin), job);
  }

  #park(host: Host, job: Job): void {
    this.#aheadBytes += job.bytes;
    this.#hosts.park(host, job);
  }

  /** Whether the rate of all lets one go; if not, this is asked again when it does. */
  get #isInRate(): boolean {
    if (this.#rate === undefined) return true;
    const { clock } = this.#options;
    const nowMs = clock.now();
    const readyAtMs = this.#rate.readyAtMs(1, nowMs);
    if (readyAtMs <= nowMs) return true;
    if (!this.#rateTimer.isScheduled && this.#state === "running") clock.schedule(readyAtMs, this.#rateTimer);
    return false;
  }

  #next(): Job | undefined {
    if (this.#state !== "running") return undefined;
    const { only } = this.#source;
    const ready = only === undefined ? this.#hosts.takeReady() : this.#hosts.takeIfReady(only);
    if (ready !== undefined) {
      this.#aheadBytes -= ready.bytes;
      return ready;
    }
    while (only === undefined && this.#mayReadOn) {
      const job = this.#source.take();
      if (job === undefined) return undefined;
      const host = this.#hosts.get(job.target.origin);
      if (host.isReadyFor(job, this.#options.clock)) return job;
      this.#park(host, job);
    }
    return undefined;
  }

  get #mayReadOn(): boolean {
    const { lookAhead, lookAheadBytes } = this.#options;
    return this.ahead - this.#hosts.behind < lookAhead && this.#aheadBytes < lookAheadBytes;
  }

  async #ask(job: Job): Promise<void> {
    const { clock, exchange } = this.#options;
    const host = this.#hosts.get(job.target.origin);
    const startMs = clock.now();
    if (job.attempts++ === 0) {
      job.firstStartMs = startMs;
      host.trouble?.retries.call(startMs);
    }
    this.#rate?.take(1, startMs);
    host.pace?.take(job, startMs);
    this.#inFlight++;
    host.inFlight++;
    const learn = host.ownLimit?.began(host.inFlight);
    this.#hosts.update(host);
    try {
      const answer = await exchange.send(job);
      this.#ended(host, { job, startMs, endMs: startMs + answer.totalMs, answer, failure: undefined }, learn);
    } catch (error) {
      // A cancelled scope: whatever cancelled it, nothing more can be sent from here.
      if (isCancelled(error)) this.stop();
      this.#ended(host, { job, startMs, endMs: clock.now(), answer: undefined, failure: failureOf(error) }, learn);
    }
  }

  #ended(host: Host, attempt: Attempt, learn: Learn | undefined): void {
    this.#inFlight--;
    host.inFlight--;
    try {
      if (host.pace !== undefined) this.#hosts.ended(host, host.pace, attempt);
      if (this.#state === "running" || this.#state === "draining") this.#settle(host, attempt);
    } catch (error) {
      this.#fail(error);
    }
    if (learn !== undefined) {
      learn(reportOf(attempt));
      host.learned();
    }
    this.#hosts.update(host);
    this.pump();
  }

  #settle(host: Host, attempt: Attempt): void {
    if (!wentWell(attempt)) return this.#goOn(host, attempt);
    host.hasAnswered = true;
    host.trouble?.wentWell(host, attempt.startMs);
    this.#sink.settled(attempt);
  }

  /** An attempt has failed, or was refused for now. */
  #goOn(host: Host, attempt: Attempt): void {
    const { delayMs, pauseUntilMs } = judge(this.#options.retry, attempt, host, new Date().getTime());
    // When the run is broken off, a job that would have been asked again has no outcome.
    if (this.#state === "running") {
      if (pauseUntilMs !== undefined) this.#hosts.pause(host, pauseUntilMs);
      if (delayMs !== undefined) this.#sink.retrying(attempt, delayMs, pauseUntilMs !== undefined);
    }
    if (delayMs === undefined) this.#sink.settled(attempt);
    else if (this.#state === "running") this.#askAgain(host, attempt, pauseUntilMs === undefined ? delayMs : 0);
  }

  #askAgain(host: Host, { job, endMs }: Attempt, delayMs: number): void {
    this.#aheadBytes += job.bytes;
    if (delayMs === 0) return this.#hosts.park(host, job);
    const timer = new Timer(() => {
      this.#waiting.delete(job);
      this.#hosts.park(this.#hosts.get(job.target.origin), job);
      this.pump();
    });
    this.#waiting.set(job, timer);
    this.#options.clock.schedule(endMs + delayMs, timer);
  }

  /** Source or sink are broken. */
  #fail(crash: unknown): void {
    this.#crash ??= crash;
    this.stop();
  }

  #finishIfDone(): void {
    if (this.#inFlight > 0 || this.#state === "finished") return;
    if (this.#state === "running" && !(this.#source.hasEnded && this.ahead === 0)) return;
    this.#state = "finished";
    this.#hosts.close();
    this.#rateTimer.cancel();
    this.#sink.finished(this.#crash);
  }
}

/** What an attempt tells of its host; undefined if nothing, since it never met the host or failed for its own sake. */
function reportOf(attempt: Attempt): PermitReport | undefined {
  const ms = Math.max(0, attempt.endMs - attempt.startMs);
  if (wentWell(attempt)) return { ok: true, ms };
  return attempt.failure?.isRetryable === false ? undefined : { ok: false, ms };
}
