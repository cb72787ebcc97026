import type { ResourceLimits } from "node:worker_threads";
import { LinkedList, TimeoutError, Timer, outside, realClock } from "../../core/index.ts";
import { PoolClosedError, type WorkerCrashedError } from "../errors.ts";
import type { Call, PoolTask } from "./call.ts";
import type { TaskPlace } from "./protocol.ts";
import { Thread, type ThreadOwner } from "./thread.ts";

export interface DispatcherOptions {
  readonly name: string;
  readonly size: number;
  readonly idleMs: number;
  readonly graceMs: number;
  readonly timeoutMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly init: TaskPlace | undefined;
}

/** How often threads are looked at that have several calls, or whose time is limited, in milliseconds. */
const lookMs = 5;

/** Shares calls out to threads, and makes threads as they are needed. */
export class Dispatcher implements ThreadOwner {
  readonly name: string;
  readonly size: number;
  readonly idleMs: number;
  readonly graceMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly init: TaskPlace | undefined;
  readonly #timeoutMs: number;
  readonly #threads = new Set<Thread>();
  readonly #queue = new LinkedList<Call>();
  /** Were with a thread, and have not started: before the others. */
  readonly #again = new LinkedList<Call>();
  readonly #tasks = new Map<string, PoolTask & { readonly place: TaskPlace }>();
  readonly #look: Timer = new Timer(() => this.#lookAtThreads());
  #isAwaited = false;
  #made = 0;
  /** Calls that are with a thread. */
  inFlight = 0;
  completed = 0;
  crashed = 0;
  #onEnd: (() => void) | undefined;
  isClosed = false;

  constructor(options: DispatcherOptions) {
    const { name, size, idleMs, graceMs, timeoutMs, resourceLimits, init } = options;
    this.name = name;
    this.size = size;
    this.idleMs = idleMs;
    this.graceMs = graceMs;
    this.#timeoutMs = timeoutMs;
    this.resourceLimits = resourceLimits;
    this.init = init;
  }

  get waiting(): number {
    return this.#queue.size + this.#again.size;
  }

  get threads(): number {
    return this.#threads.size;
  }

  /** Threads that have nothing to do, or could be made. */
  get freeThreads(): number {
    let busy = 0;
    for (const thread of this.#threads) if (thread.size > 0 || thread.state === "ending") busy++;
    return this.size - busy;
  }

  /** How long a function takes, in milliseconds, where that is known. */
  averageMs(task: PoolTask): number | undefined {
    for (const { slots } of this.#threads) {
      const averageMs = slots.averageMs(task.number);
      if (averageMs !== undefined) return averageMs;
    }
    return undefined;
  }

  taskAt(place: TaskPlace): PoolTask {
    const key = `${place.module}#${place.name}#${place.ordinal}`;
    let task = this.#tasks.get(key);
    if (task === undefined) this.#tasks.set(key, (task = { number: this.#tasks.size, name: place.name, place }));
    return task;
  }

  placeOf(task: PoolTask): TaskPlace {
    return (task as PoolTask & { readonly place: TaskPlace }).place;
  }

  /** Queues a call. What comes within this turn is shared out together. */
  add(call: Call): void {
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
    this.inFlight -= calls.length;
    for (const call of calls) this.#again.push(call);
    if (this.isClosed) this.#refuseAll();
    else if (calls.length > 0) this.#share();
  }

  settled(calls: number): void {
    this.inFlight -= calls;
    this.completed += calls;
  }

  dropped(): void {
    this.inFlight--;
  }

  ended(thread: Thread, failure: ((task: string) => WorkerCrashedError) | undefined): void {
    this.#threads.delete(thread);
    if (thread.hasCrashed) this.crashed++;
    if (failure !== undefined) {
      // Or threads would be made for it again and again.
      const call = this.#again.shift() ?? this.#queue.shift();
      call?.reject(failure(call.task.name));
    }
    if (this.#threads.size === 0) this.#onEnd?.();
    this.#share();
  }

  /** Ends all threads, and fails what is not done. `onEnd` is called when no thread is left. */
  close(onEnd: () => void): void {
    this.isClosed = true;
    this.#look.cancel();
    this.#refuseAll();
    this.#onEnd = onEnd;
    for (const thread of this.#threads) {
      thread.fail((call) => new PoolClosedError(this.name, call.task.name));
      thread.end();
    }
    if (this.#threads.size === 0) onEnd();
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
    for (const thread of this.#threads) this.#fill(thread);
    this.#makeThreads();
    this.#lookLater();
  }

  /** Gives a thread its part of the queue, and no more: a thread that is quicker comes for the rest. */
  #fill(thread: Thread): void {
    let part = Math.ceil(this.waiting / this.size);
    for (; part > 0; part--) {
      const queue = this.#again.size > 0 ? this.#again : this.#queue;
      const call = queue.head;
      if (call === null || !thread.takes(call)) break;
      queue.remove(call);
      this.inFlight++;
      thread.add(call);
    }
    thread.flush();
  }

  #makeThreads(): void {
    let starting = 0;
    for (const thread of this.#threads) if (thread.state === "starting") starting++;
    for (; starting < this.waiting && this.#threads.size < this.size; starting++) {
      this.#threads.add(new Thread(this, `${this.name}, thread ${++this.#made}`));
    }
  }

  /** Averages may deceive: a call may take long behind which others wait, or whose reply has been held back. */
  #lookLater(): void {
    if (this.#look.isScheduled || this.isClosed) return;
    const isLimited = this.#timeoutMs !== Infinity;
    for (const thread of this.#threads) {
      if (thread.size > 1 || (isLimited && thread.size > 0)) {
        realClock.schedule(realClock.now() + lookMs, this.#look);
        return;
      }
    }
  }

  #lookAtThreads(): void {
    for (const thread of this.#threads) {
      thread.look();
      const { running, runningMs } = thread;
      if (runningMs >= lookMs && thread.size > 1) this.takeBack(thread.withdraw());
      if (running !== undefined && runningMs >= this.#timeoutMs) {
        thread.stop(running, new TimeoutError(`task ${running.task.name}`, this.#timeoutMs));
      }
    }
    this.#lookLater();
  }
}
