import { type CancelReason, Timer, TimeoutError, isCancelled, outside, realClock } from "../../core/index.ts";
import { NotCloneableError, WorkerCrashedError } from "../errors.ts";
import type { Call, PoolTask } from "./call.ts";
import { HeldWatch } from "./held-watch.ts";
import { type LinkListener, type StartWorker, type WorkerEnd, type WorkerLink, neverStarted } from "./link.ts";
import { type Order, type Signal, type TaskPlace, calling, came } from "./protocol.ts";
import { type Slots, maxCallsInWorker } from "./slots.ts";

/** What a worker asks of its pool. */
export interface WorkerOwner {
  readonly graceMs: number;
  readonly startMs: number;
  placeOf(task: PoolTask): TaskPlace;
  /** It can take more calls. */
  hasRoom(worker: PoolWorker): void;
  /** These have not started, and are to be sent to another. */
  takeBack(calls: readonly Call[]): void;
  /** Calls have come to their end. */
  settled(calls: number): void;
  /** A call was given up, and has not begun. */
  dropped(): void;
  /** It never comes to take calls: a task that waits for it is told what `errorOf` says. */
  notStarted(errorOf: (task: string) => WorkerCrashedError): void;
  /** It has ended. */
  ended(worker: PoolWorker): void;
}

/** So much work, in milliseconds, is with a worker besides what it is at. */
const backlogMs = 0.5;
/** What is ended is gone within this, in milliseconds; a thread that takes longer is in native code, and not waited for. */
const endMs = 150;

/**
 * One worker of a pool: a thread or a process, behind its link.
 *
 *     starting ── it says so ──> ready ── idle, closed, or a call that does not stop ──> ending ── exit ──> ended
 *        └───────────────────────── exit, whatever the reason ───────────────────────────────────────────────┘
 *
 * Calls with it are numbered in the order in which they are sent; `#calls` has those that somebody waits for, each at its
 * number modulo {@link maxCallsInWorker}.
 */
export class PoolWorker implements LinkListener {
  readonly name: string;
  state: "starting" | "ready" | "ending" | "ended" = "starting";
  /** Whether it has ended by itself, after it had come to take calls. */
  hasCrashed = false;
  readonly slots: Slots;
  /** How long it has to work on what is with it, by what calls have taken so far, in milliseconds. */
  backlogMs = 0;
  readonly #owner: WorkerOwner;
  readonly #link: WorkerLink;
  readonly #watch: HeldWatch;
  readonly #known = new Set<PoolTask>();
  readonly #calls: (Call | undefined)[] = Array.from({ length: maxCallsInWorker });
  readonly #estimatesMs = new Float64Array(maxCallsInWorker);
  /** The oldest call that it is not through with, and the number of the next. */
  #first = 0;
  #next = 0;
  #seen = 0;
  #outgoing: Call[] = [];
  /** What is being stopped: nothing is sent meanwhile. */
  #stopping: Call | undefined;
  /** What it runs takes longer than was thought. */
  #isLate = false;
  #timer: Timer | undefined;
  #startedMs = 0;
  /** The call whose time is limited, and since when it is known to have begun. */
  #limited = -1;
  #limitedMs = 0;

  constructor(owner: WorkerOwner, name: string, start: StartWorker) {
    this.#owner = owner;
    this.name = name;
    this.#link = start(name, this);
    this.slots = this.#link.slots;
    this.#watch = new HeldWatch(this.slots, () => this.end());
    this.#after(owner.startMs, () => this.#giveUp());
  }

  /** The share of its time in which it was busy, from 0 to 1. */
  get utilization(): number {
    return this.#link.utilization;
  }

  /** Calls with it, those taken back included until it has passed them. */
  get size(): number {
    return this.#next - this.#first;
  }

  /** Whether it may be sent a call now. */
  takes(call: Call): boolean {
    if (this.state !== "ready" || this.#stopping !== undefined || this.#isLate) return false;
    if (this.size === 0) return true;
    const estimateMs = this.slots.averageMs(call.task.number);
    if (estimateMs === undefined || call.transfers !== undefined || this.size >= this.#link.maxCalls) return false;
    return this.backlogMs + estimateMs * unitsOf(call) <= backlogMs;
  }

  /** Takes a call, to go with the next {@link flush}. */
  add(call: Call): void {
    const number = this.#next++;
    const place = number % maxCallsInWorker;
    const { task } = call;
    if (!this.#known.has(task)) {
      this.#known.add(task);
      this.#send({ kind: "define", task: task.number, place: this.#owner.placeOf(task) });
    }
    // Nothing more is sent before it is known how long this takes.
    const averageMs = this.slots.averageMs(task.number);
    const estimateMs = averageMs === undefined ? backlogMs : averageMs * unitsOf(call);
    this.#calls[place] = call;
    this.#estimatesMs[place] = estimateMs;
    this.backlogMs += estimateMs;
    this.slots.add(number);
    // Where nothing can be taken back, what is sent has begun.
    if (this.#link.maxCalls === 1) this.slots.start(number);
    call.worker = this;
    call.number = number;
    if (this.size === 1) {
      this.#link.keepAlive(true);
      this.#startedMs = realClock.now();
      this.#watch.start(this.#startedMs);
    }
    if (call.transfers === undefined) this.#outgoing.push(call);
    else this.#post(call);
  }

  /** Sends what was added. */
  flush(): void {
    const calls = this.#outgoing;
    if (calls.length === 0) return;
    this.#outgoing = [];
    const message: unknown[] = [];
    for (const call of calls) call.appendTo(message);
    try {
      this.#link.post(message);
    } catch {
      // One of them is poison. Each goes alone.
      for (const call of calls) this.#post(call);
    }
  }

  #post(call: Call): void {
    const message: unknown[] = [];
    call.appendTo(message);
    try {
      this.#link.post(message, call.transfers);
    } catch (error) {
      this.#refuse(call, error);
      if (this.#link.maxCalls === 1) this.#unsend();
      // Its number is taken: the worker is to pass it.
      else this.#link.post([calling.once, call.task.number, 0]);
    }
  }

  /** The call that was to be the only one is not with it. */
  #unsend(): void {
    this.#next--;
    this.#watch.stop();
    this.#link.keepAlive(false);
    outside(() => queueMicrotask(() => this.#owner.hasRoom(this)));
  }

  #refuse(call: Call, error: unknown): void {
    this.slots.withdraw(call.number);
    this.#forget(call);
    call.reject(new NotCloneableError("the arguments", call.task.name, this.#link.kind, error));
    this.#owner.dropped();
  }

  #forget(call: Call): void {
    this.#calls[call.number % maxCallsInWorker] = undefined;
    call.worker = undefined;
  }

  #send(order: Order): void {
    this.#link.post(order);
  }

  /** So many items of a stream were read. */
  read(call: Call, items: number): void {
    if (call.worker === this) this.#send({ kind: "read", call: call.number, items });
  }

  /** What a task may say itself, in a thread, changes nothing. */
  heard(signal: Signal): void {
    if (signal === "ready" && this.state === "starting") {
      this.state = "ready";
      this.#timer?.cancel();
      this.#link.keepAlive(false);
      this.#owner.hasRoom(this);
    } else if (signal === "replies") this.look();
    else if (signal === "idle" && this.size === 0 && this.state === "ready") this.end();
  }

  /** Takes the replies that are there. */
  look(): void {
    this.#takeReplies();
    this.#goOn();
  }

  /** If it is further than when this was last asked, there may be room, and it runs something else. */
  #goOn(): void {
    if (this.#first === this.#seen) return;
    this.#seen = this.#first;
    this.#isLate = false;
    this.#startedMs = realClock.now();
    if (this.size === 0) {
      this.#watch.stop();
      if (this.state === "ready") this.#link.keepAlive(false);
    }
    this.#owner.hasRoom(this);
  }

  #takeReplies(): void {
    // Read first: what the worker is through with by now has its reply here, and its place may be given away.
    const { processed } = this.slots;
    let settled = 0;
    for (let reply = this.#link.receive(); reply !== undefined; reply = this.#link.receive()) {
      const call = this.#calls[reply[0] % maxCallsInWorker];
      if (call?.number !== reply[0]) continue;
      if (reply[1] === came.item) call.sink?.came(reply[2]);
      else if (reply[1] === came.progress) call.progressed(reply[2]);
      else {
        this.#forget(call);
        if (this.#stopping === call) this.#stopped();
        call.task.averageMs = this.slots.averageMs(call.task.number) ?? call.task.averageMs;
        call.settle(reply);
        settled++;
      }
    }
    for (; this.#first < processed; this.#first++) {
      this.backlogMs -= this.#estimatesMs[this.#first % maxCallsInWorker]!;
    }
    if (this.size === 0) this.backlogMs = 0;
    this.#owner.settled(settled);
  }

  /** How long it has been at what it runs, in milliseconds, as far as is known here. */
  get runningMs(): number {
    return this.size === 0 ? 0 : realClock.now() - this.#startedMs;
  }

  /** The call that it has run for so long, in milliseconds. To be asked often: it says since when it is known to run. */
  runsFor(ms: number): Call | undefined {
    const call = this.size === 0 ? undefined : this.#calls[this.#first % maxCallsInWorker];
    if (call === undefined || !this.slots.hasStarted(call.number)) return undefined;
    const nowMs = realClock.now();
    if (this.#limited !== call.number) {
      this.#limited = call.number;
      this.#limitedMs = nowMs;
    }
    return nowMs >= this.#limitedMs + ms ? call : undefined;
  }

  /** Takes back all that has not started. */
  withdraw(): Call[] {
    const taken: Call[] = [];
    for (let number = this.#first; number < this.#next; number++) {
      const call = this.#calls[number % maxCallsInWorker];
      if (call === undefined || call.transfers !== undefined || !this.slots.withdraw(number)) continue;
      this.#forget(call);
      taken.push(call);
    }
    return taken;
  }

  /** The same because what it runs takes longer than was thought: nothing is sent until it goes on. */
  giveAway(): Call[] {
    this.#isLate = true;
    return this.withdraw();
  }

  /**
   * Ends a call: at once if it has not started. Else the task is told, after a while its worker is ended, and if that
   * takes long, because it is in native code, the caller goes on without.
   *
   * @returns whether it has started, and `error` comes when it has ended
   */
  stop(call: Call, error: Error): boolean {
    if (this.slots.withdraw(call.number)) {
      this.#forget(call);
      this.#owner.dropped();
      return false;
    }
    if (call.stopping !== undefined) return true;
    // It may have ended, and its reply be here already: then that is what counts.
    this.#takeReplies();
    if (call.worker !== this) {
      this.#goOn();
      return true;
    }
    call.stopping = error;
    this.#stopping = call;
    this.slots.cancel(call.number);
    this.#send({ kind: "cancel", call: call.number, reason: reasonOf(error) });
    this.#owner.takeBack(this.withdraw());
    this.#after(this.#owner.graceMs, () => this.end());
    return true;
  }

  #stopped(): void {
    this.#stopping = undefined;
    this.#timer?.cancel();
  }

  /** Fails all that is with it. */
  fail(errorOf: (call: Call) => Error): void {
    for (const call of this.#calls) {
      if (call === undefined) continue;
      this.#forget(call);
      call.reject(call.ending ?? errorOf(call));
      this.#owner.settled(1);
    }
  }

  /** Whoever waits for it is told now: native code may take long to end. */
  #giveUp(): void {
    const late = new TimeoutError("starting it, `init` included,", this.#owner.startMs);
    this.#owner.notStarted((task) => new WorkerCrashedError(task, this.#link.kind, neverStarted(late)));
    this.end();
  }

  /** Ends it, whatever it does. */
  end(): void {
    if (this.state === "ending" || this.state === "ended") return;
    this.state = "ending";
    this.#watch.stop();
    this.#link.keepAlive(true);
    this.#owner.takeBack(this.withdraw());
    this.#link.end();
    // A process is killed, whatever it does.
    if (this.#link.kind === "thread") this.#after(endMs, () => this.#leaveBehind());
  }

  /** It runs on in native code: those who wait do not. */
  #leaveBehind(): void {
    const call = this.#stopping;
    if (call === undefined) return;
    this.#forget(call);
    call.reject(call.ending);
    this.#owner.settled(1);
  }

  #after(ms: number, look: () => void): void {
    this.#timer?.cancel();
    this.#timer = new Timer(look);
    realClock.schedule(realClock.now() + ms, this.#timer);
  }

  ended(end: WorkerEnd): void {
    const wasStarting = this.state === "starting";
    this.hasCrashed = this.state === "ready";
    this.#timer?.cancel();
    this.#watch.stop();
    this.#takeReplies();
    this.state = "ended";
    this.#link.close();
    const crash = (task: string): WorkerCrashedError => new WorkerCrashedError(task, this.#link.kind, end);
    const again = this.withdraw();
    let lost = 0;
    for (const call of this.#calls) {
      if (call === undefined) continue;
      this.#forget(call);
      call.reject(call.ending ?? crash(call.task.name));
      lost++;
    }
    this.#owner.settled(lost);
    this.#owner.takeBack(again);
    // Before another is made in its place: a call that it was made for is told.
    if (wasStarting) this.#owner.notStarted(crash);
    this.#owner.ended(this);
  }
}

/** For how many times its function a call counts. */
function unitsOf({ how, args }: Call): number {
  return how === calling.each ? args.length : 1;
}

/** Why a call ends, as it can be sent. */
function reasonOf(error: Error): CancelReason {
  if (error instanceof TimeoutError) return { kind: "deadline", deadline: 0 };
  if (!isCancelled(error)) return { kind: "unneeded", why: error.message };
  const { reason } = error;
  // The error of another task may hold anything.
  return reason.kind === "sibling-failed" ? { ...reason, error: String(reason.error) } : reason;
}
