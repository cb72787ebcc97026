import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import type { Transferable } from "node:worker_threads";
import { Deque, Timer, outside, realClock, siblingModule } from "../../core/index.ts";
import { decodeError } from "./error-codec.ts";
import { inheritedExecArgv } from "./exec-argv.ts";
import { killGroup } from "./kill-group.ts";
import { LastLines } from "./last-lines.ts";
import type { LinkListener, WorkerLink } from "./link.ts";
import {
  type Calls,
  type Order,
  type ProcessData,
  type ProcessMessage,
  type ProcessReply,
  type Reply,
  isLast,
} from "./protocol.ts";
import { deserialize, serialize } from "./serialize.ts";
import { Slots } from "./slots.ts";

/** How processes of a pool are made. */
export interface ProcessSettings extends ProcessData {
  /** What they run: {@link processModule}. */
  readonly module: URL;
  readonly execArgv: readonly string[] | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
}

/** A process that was asked to end, and has not, is ended by force after so long, in milliseconds. */
const killMs = 100;
/** The pipes of a process that has ended are read to their end, but no longer than this: others may hold them open. */
const lingerMs = 500;

/** @throws {TypeError} it was left out of a bundle */
export function processModule(): URL {
  return siblingModule(import.meta.url, "process-side");
}

/**
 * A process. It leads a group of its own: signals of the terminal do not reach it, and what it has started ends with it.
 *
 * It has one call at a time. There is no memory to share, so nobody could take back what was sent, nor tell after a crash
 * what of it had begun. `slots` is the pool's own, and kept up to date by what comes.
 */
export class ProcessLink implements WorkerLink {
  readonly kind = "process";
  readonly slots: Slots = new Slots();
  readonly maxCalls: number = 1;
  readonly #listener: LinkListener;
  readonly #child: ChildProcess;
  readonly #replies = new Deque<Reply>();
  readonly #stderr = new LastLines();
  #timer: Timer | undefined;
  #failure: unknown;
  #isOver = false;
  #readyMs: number | undefined;
  #busyMs = 0;
  #busySinceMs: number | undefined;

  constructor(settings: ProcessSettings, listener: LinkListener) {
    this.#listener = listener;
    this.#child = outside(() => this.#start(settings));
    const { idleMs, init } = settings;
    this.#send({ idleMs, init });
  }

  #start({ module, execArgv, env }: ProcessSettings): ChildProcess {
    const child = fork(module, [], {
      serialization: "advanced",
      execArgv: [...(execArgv ?? inheritedExecArgv())],
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
      // The last one is for its watcher.
      stdio: ["ignore", "inherit", "pipe", "ipc", "pipe"],
      detached: process.platform !== "win32",
    });
    child.on("message", (message) => {
      // Nor does all that a process says come from us: Node's `--watch` has it name the files that it loads.
      const said = (message as Partial<ProcessMessage> | null)?.taskwright;
      if (said !== undefined) this.#heard(said);
    });
    child.on("error", (error) => this.#notStarted(error));
    child.on("exit", () => this.#exited());
    child.on("close", () => this.#over());
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr.add(chunk);
      process.stderr.write(chunk);
    });
    // Those of a process that ends are broken; that it does is told otherwise.
    for (const pipe of pipesOf(child)) pipe.on("error", () => {});
    return child;
  }

  #heard(said: ProcessMessage["taskwright"]): void {
    if (said === "ready") this.#readyMs = realClock.now();
    if (typeof said === "string") this.#listener.heard(said);
    else if ("failure" in said) this.#failure = decodeError(said.failure, undefined);
    else {
      const [reply, task, averageMs] = deserialize(said) as ProcessReply;
      this.#replies.push(reply);
      if (isLast(reply)) {
        this.slots.processed = reply[0] + 1;
        this.#isThrough();
      }
      if (averageMs !== undefined) this.slots.know(task, averageMs);
      this.#listener.heard("replies");
    }
  }

  /** Seen from here: how long it has had a call. */
  get utilization(): number {
    if (this.#readyMs === undefined) return 0;
    const nowMs = realClock.now();
    const currentMs = this.#busySinceMs === undefined ? 0 : nowMs - this.#busySinceMs;
    return (this.#busyMs + currentMs) / Math.max(1, nowMs - this.#readyMs);
  }

  #isThrough(): void {
    if (this.#busySinceMs !== undefined) this.#busyMs += realClock.now() - this.#busySinceMs;
    this.#busySinceMs = undefined;
  }

  post(message: Calls | Order, transfers?: readonly Transferable[]): void {
    if (transfers !== undefined) {
      throw new TypeError("memory is copied to a process and cannot be moved: leave out transfer(), or use threads");
    }
    this.#send(message);
    if (!("kind" in message)) this.#busySinceMs = realClock.now();
    else if (message.kind === "cancel") this.#tellWatcher(message.call);
  }

  #send(message: Calls | Order | ProcessData): void {
    const bytes = serialize(message);
    // That it was not started, or has ended, is told otherwise.
    if (this.#child.pid !== undefined) this.#child.send(bytes, () => {});
  }

  /** That a call is cancelled: its own loop may be held by it. */
  #tellWatcher(call: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(call >>> 0);
    (this.#child.stdio[4] as Socket).write(bytes);
  }

  receive(): Reply | undefined {
    return this.#replies.size > 0 ? this.#replies.shift() : undefined;
  }

  keepAlive(wanted: boolean): void {
    const all = [this.#child, this.#child.channel, ...pipesOf(this.#child)];
    for (const each of all) {
      if (wanted) each?.ref();
      else each?.unref();
    }
  }

  end(): void {
    killGroup(this.#child.pid, "SIGTERM");
    this.#after(killMs, () => killGroup(this.#child.pid, "SIGKILL"));
  }

  #notStarted(error: Error): void {
    if (this.#child.pid !== undefined) return;
    this.#failure = error;
    this.#over();
  }

  #exited(): void {
    // What it has started and left behind.
    killGroup(this.#child.pid, "SIGKILL");
    this.#after(lingerMs, () => this.#over());
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const { pid, exitCode, signalCode } = this.#child;
    this.#listener.ended({
      // If it was not started, what is there is the number of an error.
      exitCode: pid === undefined ? undefined : (exitCode ?? undefined),
      signal: signalCode ?? undefined,
      stderr: this.#stderr.toString(),
      failure: this.#failure,
    });
  }

  #after(ms: number, call: () => void): void {
    this.#timer?.cancel();
    this.#timer = new Timer(call);
    realClock.schedule(realClock.now() + ms, this.#timer);
  }

  close(): void {
    for (const pipe of pipesOf(this.#child)) pipe.destroy();
  }
}

/** None, if there was no file descriptor left for them. */
function pipesOf({ stdio }: { readonly stdio: ChildProcess["stdio"] | undefined }): Socket[] {
  return stdio === undefined ? [] : [stdio[2] as Socket, stdio[4] as Socket];
}
