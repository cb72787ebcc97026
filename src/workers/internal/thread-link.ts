import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  type Transferable,
  Worker,
  receiveMessageOnPort,
} from "node:worker_threads";
import { outside, siblingModule } from "../../core/index.ts";
import { threadExecArgv } from "./exec-argv.ts";
import { LastLines } from "./last-lines.ts";
import type { LinkListener, WorkerLink } from "./link.ts";
import { type Calls, type Order, type Reply, type Signal, type TaskPlace, type ThreadData, came } from "./protocol.ts";
import { Slots, maxCallsInWorker } from "./slots.ts";

/** How threads of a pool are made. */
export interface ThreadSettings {
  /** What they run: {@link threadModule}. */
  readonly module: URL;
  readonly idleMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly init: TaskPlace | undefined;
}

/** @throws {TypeError} it was left out of a bundle */
export function threadModule(): URL {
  return siblingModule(import.meta.url, "thread-side");
}

/**
 * A thread. Replies lie in its slots, and in a port that nobody listens to: so those of a thread that has ended are there,
 * too, whatever has ended it.
 */
export class ThreadLink implements WorkerLink {
  readonly kind = "thread";
  readonly slots: Slots = new Slots();
  readonly maxCalls: number = maxCallsInWorker;
  readonly #worker: Worker;
  readonly #replies: MessagePort;
  readonly #stderr = new LastLines();
  /** Replies are received in the order of the calls: the slots were looked at before this call ... */
  #looked = 0;
  /** ... and are to be looked at before this one; then it is the turn of this reply, from the port. */
  #until = 0;
  #reply: Reply | undefined;
  #failure: unknown;

  constructor(name: string, settings: ThreadSettings, listener: LinkListener) {
    const { idleMs, init } = settings;
    const { port1, port2 } = new MessageChannel();
    this.#replies = port1;
    const data: ThreadData = { slots: this.slots.buffer, replies: port2, idleMs, init };
    this.#worker = outside(() => this.#start(name, settings, data, listener));
  }

  #start(name: string, settings: ThreadSettings, data: ThreadData, listener: LinkListener): Worker {
    const { module, resourceLimits } = settings;
    const execArgv = threadExecArgv();
    const worker = new Worker(module, {
      name,
      workerData: data,
      transferList: [data.replies],
      ...(execArgv === undefined ? {} : { execArgv }),
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    worker.on("message", (signal: Signal) => listener.heard(signal));
    worker.on("error", (error) => (this.#failure = error));
    worker.on("exit", (exitCode) => {
      const stderr = this.#stderr.toString();
      listener.ended({ exitCode, signal: undefined, stderr, failure: this.#failure });
    });
    // Also goes to that of the process, by itself. With the option `stderr` an idle thread would keep the process alive.
    worker.stderr.on("data", (chunk: Buffer) => this.#stderr.add(chunk));
    return worker;
  }

  get utilization(): number {
    return this.#worker.performance.eventLoopUtilization().utilization;
  }

  post(message: Calls | Order, transfers?: readonly Transferable[]): void {
    this.#worker.postMessage(message, transfers);
  }

  receive(): Reply | undefined {
    for (;;) {
      while (this.#looked < this.#until) {
        const call = this.#looked++;
        if (this.slots.hasAnswer(call)) return [call, came.value, this.slots.answerOf(call)];
      }
      const reply = this.#reply;
      this.#reply = undefined;
      if (reply !== undefined || !this.#lookFurther()) return reply;
    }
  }

  /** Looks into the port: what was called before the call of the reply that lies there is in the slots, or over. */
  #lookFurther(): boolean {
    // Read first: what the thread is through with by now, and has no reply in the port then, is in the slots.
    const { processed } = this.slots;
    this.#reply = receiveMessageOnPort(this.#replies)?.message as Reply | undefined;
    this.#until = this.#reply?.[0] ?? processed;
    return this.#reply !== undefined || this.#looked < this.#until;
  }

  keepAlive(wanted: boolean): void {
    if (wanted) this.#worker.ref();
    else this.#worker.unref();
  }

  end(): void {
    void this.#worker.terminate();
  }

  close(): void {
    this.#replies.close();
  }
}
