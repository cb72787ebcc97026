import type { Transferable } from "node:worker_threads";
import { type ScopeNode, type Travelling, Waiter, outside } from "../../core/index.ts";
import type { EncodedError } from "./error-codec.ts";
import type { ProgressListener } from "./progress-listener.ts";
import { packed } from "./packed.ts";
import { type Calling, type Reply, type WithVariables, calling, came, extra } from "./protocol.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { unpooled } from "./unpooled.ts";

/** A function as a pool knows it. */
export interface PoolTask {
  readonly number: number;
  readonly name: string;
  /** How many times it was called on its own. */
  calls: number;
  /** How long it takes on the average, in milliseconds, by what the worker knows that was through with it last. */
  averageMs: number | undefined;
}

/** Where items of a stream go. */
export interface ItemSink {
  call: Call | undefined;
  came(item: unknown): void;
}

/** What a call rejects with in place of an error from a worker: it is decoded where it is awaited, for the stack. */
export class WorkerFailure {
  readonly encoded: EncodedError;

  constructor(encoded: EncodedError) {
    this.encoded = encoded;
  }
}

/**
 * One call of a task in a worker, and the wait of its caller for it.
 *
 *     queued ── sent ──> with a worker ── it replied, or crashed ───────────────────────────────> over
 *       ↑ │                 │ │  └─ cancelled, and started: the worker is told ──> it ends, or its worker does ─> over
 *       │ └─ cancelled ─────┼─┼──────────────────────────────────────────────────────────────────────────────────┘
 *       └── taken back ─────┘ └─ cancelled, and not started: withdrawn ──> over
 *
 * A call that has started holds up the cancellation of its scope until it has ended: nothing of what was cancelled runs on.
 */
export class Call extends Waiter<unknown> {
  readonly how: Calling;
  readonly task: PoolTask;
  readonly args: readonly unknown[];
  readonly transfers: readonly Transferable[] | undefined;
  readonly sink: ItemSink | undefined;
  /** Context variables that go along. */
  readonly variables: Travelling | undefined;
  readonly listener: ProgressListener | undefined;
  /** The worker that has it, and which one of its calls it is. */
  worker: PoolWorker | undefined = undefined;
  number = -1;
  /** Why it is to end, once it is cancelled, or its time is up, and it has started. */
  stopping: Error | undefined = undefined;

  constructor(
    scope: ScopeNode,
    how: Calling,
    task: PoolTask,
    args: readonly unknown[],
    transfers: readonly Transferable[] | undefined,
    variables: Travelling | undefined,
    listener: ProgressListener | undefined,
    sink: ItemSink | undefined,
  ) {
    super(scope);
    this.how = how;
    this.task = task;
    this.args = args;
    this.transfers = transfers;
    this.variables = variables;
    this.listener = listener;
    this.sink = sink;
    if (sink !== undefined) sink.call = this;
  }

  /** What it rejects with if it is being stopped and nothing comes of it any more; undefined if it is not. */
  get ending(): unknown {
    return this.listener?.failure?.error ?? this.stopping;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `${this.task.name} in ${this.worker?.name ?? "the queue of its pool"}`;
  }

  /** Of a call that has started, the cancellation waits until it has ended, or its scope is closed under it. */
  override cut(error: Error): void {
    const { scope, worker } = this;
    if (scope === null) return;
    if (worker?.stop(this, error) === true && !scope.isClosed) return;
    super.cut(error);
  }

  protected override leave(): void {
    this.list?.remove(this);
  }

  /** Adds it to a message for its worker. */
  appendTo(message: unknown[]): void {
    const { how, variables, listener } = this;
    const extras = (listener === undefined ? 0 : extra.progress) + (variables === undefined ? 0 : extra.variables);
    const given = how === calling.each ? [packed(this.args)] : this.args;
    const args = variables === undefined ? given : ([variables, given] satisfies WithVariables);
    message.push(how + extras, this.task.number, args.length);
    for (const arg of args) message.push(unpooled(arg));
  }

  /** Its task has said how far it is. */
  progressed(value: unknown): void {
    // Of what is being stopped nobody wants to know.
    if (this.stopping !== undefined || this.listener?.came(value) !== false) return;
    const { error } = this.listener.failure!;
    const reason = error instanceof Error ? error : new Error("onProgress has thrown");
    // Not while replies are read.
    outside(() => queueMicrotask(() => this.worker?.stop(this, reason)));
  }

  /** Its worker has replied, for the last time. */
  settle(reply: Reply): void {
    const kind = reply[1];
    const failure = this.listener?.failure;
    if (failure !== undefined) return this.reject(failure.error);
    if (kind === came.value) this.resolve(reply[2]);
    else if (kind === came.error) this.reject(new WorkerFailure(reply[2]));
    else if (kind === came.cancelled) this.reject(this.stopping ?? new Error(`task ${this.task.name} was cancelled`));
  }
}
