import { LinkedList, TimeoutError, Timer, outside, realClock } from "../../core/index.ts";
import { type AnyTask, placeOf } from "../define-task.ts";
import { PoolClosedError, WorkerCrashedError } from "../errors.ts";
import type { Call, PoolTask } from "./call.ts";
import { type StartWorker, type WorkerLink, neverStarted } from "./link.ts";
import { type TaskPlace, calling } from "./protocol.ts";
import { callsToHint, hintIfQuick } from "./quick-hint.ts";
import { PoolWorker, type WorkerOwner } from "./pool-worker.ts";

export interface DispatcherOptions {
  readonly name: string;
  /** What its workers are: for their names. */
  readonly kind: WorkerLink["kind"];
  readonly size: number;
  readonly graceMs: number;
  readonly timeoutMs: number;
  readonly startMs: number;
  readonly start: StartWorker;
}

/** How often workers are looked at that have several calls, or whose time is limited, in milliseconds. */
const lookMs = 5;

/** Less work than this, in milliseconds, is left to one worker: to wake another, and to hear of it, takes as long. */
const worthWakingMs = 0.1;

/** Shares calls out to workers, and makes workers as they are needed. */
export class Dispatcher implements WorkerOwner {
  readonly name: string;
  readonly size: number;
  readonly graceMs: number;
  readonly startMs: number;
  readonly #kind: WorkerLink["kind"];
  readonly #start: StartWorker;
  readonly #timeoutMs: number;
  readonly #workers = new Set<PoolWorker>();
  readonly #queue = new LinkedList<Call>();
  /** Were with a worker, and have not started: before the others. */
  #again = new LinkedList<Call>();
  readonly #tasks = new Map<string, PoolTask & { readonly place: TaskPlace }>();
  /** To find out the place of a function takes longer than all else that a call does here. */
  readonly #known = new WeakMap<AnyTask, PoolTask>();
  readonly #look: Timer = new Timer(() => this.#lookAtWorkers());
  #isAwaited = false;
  #made = 0;
  /** Calls that are with a worker. */
  inFlight = 0;
  completed = 0;
  crashed = 0;
  /** That it is closed, and no worker is left. */
  readonly #ended = Promise.withResolvers<void>();
  #onDrained: (() => void) | undefined;
  isClosed = false;

  constructor(options: DispatcherOptions) {
    const { name, kind, size, graceMs, timeoutMs, startMs, start } = options;
    this.name = name;
    this.#kind = kind;
    this.size = size;
    this.graceMs = graceMs;
    this.startMs = startMs;
    this.#timeoutMs = timeoutMs;
    this.#start = start;
  }

  get waiting(): number {
    return this.#queue.size + this.#again.size;
  }

  get workers(): number {
    return this.#workers.size;
  }

  /** Of each worker, the share of its time in which it was busy. */
  get utilization(): number[] {
    return Array.from(this.#workers, (worker) => worker.utilization);
  }

  /** Workers that have nothing to do, or could be made. */
  get freeWorkers(): number {
    let busy = 0;
    for (const worker of this.#workers) if (worker.size > 0 || worker.state === "ending") busy++;
    return this.size - busy;
  }

  /** @throws {TypeError} it is nothing that a worker can find */
  taskFor(task: AnyTask): PoolTask {
    let known = this.#known.get(task);
    if (known === undefined) this.#known.set(task, (known = this.#taskAt(placeOf(task))));
    return known;
  }

  #taskAt(place: TaskPlace): PoolTask {
    const key = `${place.module}#${place.name}#${place.ordinal}`;
    const known = this.#tasks.get(key);
    if (known !== undefined) return known;
    const task = { number: this.#tasks.size, name: place.name, calls: 0, averageMs: undefined, place };
    this.#tasks.set(key, task);
    return task;
  }

  placeOf(task: PoolTask): TaskPlace {
    return (task as PoolTask & { readonly place: TaskPlace }).place;
  }

  /** Queues a call. What comes within this turn is shared out together. */
  add(call: Call): void {
    const { task } = call;
    if (call.how === calling.once && ++task.calls % callsToHint === 0) hintIfQuick(task.name, task.averageMs);
    this.#queue.push(call);
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    outside(() =>
      queueMicrotask(() => {
        this.#isAwaited = false;
        this.#share();
      }),
    );
  }

  hasRoom(): void {
    this.#share();
  }

  takeBack(calls: readonly Call[]): void {
    this.#gone(calls.length);
    // What still waits was taken back before, and so came after them.
    const rest = this.#again;
    this.#again = new LinkedList();
    for (const call of calls) this.#again.push(call);
    for (let call = rest.shift(); call !== undefined; call = rest.shift()) this.#again.push(call);
    if (this.isClosed) this.#refuseAll();
    else if (calls.length > 0) this.#share();
  }

  settled(calls: number): void {
    this.completed += calls;
    this.#gone(calls);
  }

  dropped(): void {
    this.#gone(1);
  }

  #gone(calls: number): void {
    this.inFlight -= calls;
    if (this.inFlight === 0) this.#onDrained?.();
  }

  notStarted(errorOf: (task: string) => WorkerCrashedError): void {
    this.crashed++;
    this.#failNext(errorOf);
  }

  ended(worker: PoolWorker): void {
    this.#workers.delete(worker);
    if (worker.hasCrashed) this.crashed++;
    if (this.isClosed && this.#workers.size === 0) this.#ended.resolve();
    this.#share();
  }

  /** Takes nothing more, and waits for what is with workers, as long as what was cancelled may take. */
  async drain(): Promise<void> {
    this.isClosed = true;
    this.#refuseAll();
    if (this.inFlight === 0) return;
    const drained = Promise.withResolvers<void>();
    const timer = new Timer(drained.resolve);
    realClock.schedule(realClock.now() + this.graceMs, timer);
    this.#onDrained = drained.resolve;
    await drained.promise;
    timer.cancel();
  }

  /** Ends all workers, and fails what is not done. Returns when no worker is left. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.#look.cancel();
    this.#refuseAll();
    for (const worker of this.#workers) {
      worker.fail((call) => new PoolClosedError(this.name, call.task.name));
      worker.end();
    }
    if (this.#workers.size === 0) this.#ended.resolve();
    await this.#ended.promise;
  }

  #refuseAll(): void {
    for (const queue of [this.#again, this.#queue]) {
      for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
        call.reject(new PoolClosedError(this.name, call.task.name));
      }
    }
  }

  #share(): void {
    if (this.isClosed || this.waiting === 0) return this.#lookLater();
    for (const worker of this.#workers) if (worker.backlogMs < worthWakingMs) this.#fill(worker);
    for (const worker of this.#workers) this.#fill(worker);
    this.#makeWorkers();
    this.#lookLater();
  }

  /** Gives a worker its part of the queue, and no more: a worker that is quicker comes for the rest. */
  #fill(worker: PoolWorker): void {
    const part = Math.ceil(this.waiting / this.size);
    for (let taken = 0; taken < part || worker.backlogMs < worthWakingMs; taken++) {
      const queue = this.#again.size > 0 ? this.#again : this.#queue;
      const call = queue.head;
      if (call === null || !worker.takes(call)) break;
      queue.remove(call);
      this.inFlight++;
      worker.add(call);
    }
    worker.flush();
  }

  #makeWorkers(): void {
    let starting = 0;
    for (const worker of this.#workers) if (worker.state === "starting") starting++;
    while (starting < this.waiting && this.#workers.size < this.size) if (this.#makeWorker()) starting++;
  }

  /** @returns whether that was possible; if not, a call fails */
  #makeWorker(): boolean {
    try {
      this.#workers.add(new PoolWorker(this, `${this.name}, ${this.#kind} ${++this.#made}`, this.#start));
      return true;
    } catch (failure) {
      // The system has no room for it, or does not like its settings.
      this.notStarted((task) => new WorkerCrashedError(task, this.#kind, neverStarted(failure)));
      return false;
    }
  }

  /** No worker has come to take the next call. It fails, or workers would be made for it again and again. */
  #failNext(errorOf: (task: string) => WorkerCrashedError): void {
    const call = this.#again.shift() ?? this.#queue.shift();
    call?.reject(errorOf(call.task.name));
  }

  /** Averages may deceive: a call may take long behind which others wait, or whose reply has been held back. */
  #lookLater(): void {
    if (this.#look.isScheduled || this.isClosed) return;
    const isLimited = this.#timeoutMs !== Infinity;
    for (const worker of this.#workers) {
      if (worker.size > 1 || (isLimited && worker.size > 0)) {
        realClock.schedule(realClock.now() + lookMs, this.#look);
        return;
      }
    }
  }

  #lookAtWorkers(): void {
    for (const worker of this.#workers) {
      worker.look();
      if (worker.runningMs >= lookMs && worker.size > 1) this.takeBack(worker.giveAway());
      const late = this.#timeoutMs === Infinity ? undefined : worker.runsFor(this.#timeoutMs);
      if (late !== undefined) worker.stop(late, new TimeoutError(`task ${late.task.name}`, this.#timeoutMs));
    }
    this.#lookLater();
  }
}
