import type { Transferable } from "node:worker_threads";
import {
  BoundFrame,
  type Cancelled,
  Deque,
  type ScopeNode,
  Timer,
  type Travelling,
  currentScope,
  enter,
  openScope,
  realClock,
  variableKeys,
  within,
} from "../../core/index.ts";
import { NotCloneableError } from "../errors.ts";
import { transfersOf } from "../transfer.ts";
import { type EncodedError, encodeError } from "./error-codec.ts";
import { eachOf, isThenable } from "./each-of.ts";
import { findTask } from "./find-task.ts";
import { ItemSender } from "./item-sender.ts";
import { ProgressSender } from "./progress-sender.ts";
import {
  type Calling,
  type Calls,
  type Order,
  type Reply,
  type Signal,
  type WithVariables,
  calling,
  callingBits,
  came,
  extra,
} from "./protocol.ts";
import type { WorkerLink } from "./link.ts";
import { copyOf } from "./serialize.ts";
import type { Slots } from "./slots.ts";
import { unpooled } from "./unpooled.ts";
import { workerState } from "./worker-state.ts";

interface KnownTask {
  readonly name: string;
  readonly find: () => Promise<(...args: unknown[]) => unknown>;
  fn: ((...args: unknown[]) => unknown) | undefined;
}

interface TakenCall {
  readonly how: Calling;
  /** What was added to `how`. */
  readonly extras: number;
  readonly task: number;
  /** Where it is called with each of some items, those are the only one. */
  readonly args: readonly unknown[];
  readonly variables: Travelling | undefined;
}

/** The pool is told of replies at the latest when the first has waited so long, in milliseconds. */
const maxUntoldMs = 0.25;
/** Before a call that takes longer than this, the pool is told of those that are done. */
const quickMs = 0.1;

/** Where a runner leaves what it has to say. */
export interface Outlet {
  readonly kind: WorkerLink["kind"];
  /** @throws what says that `reply` cannot go over */
  reply(reply: Reply, transfers: readonly Transferable[] | undefined): unknown;
  signal(what: Signal): void;
}

const whatComes: Record<number, string> = { [came.item]: "an item", [came.progress]: "the progress" };

/** In place of a value. */
const nothing: unique symbol = Symbol("no value");

/**
 * The other side of a `PoolWorker`: does one call after the other, in the order in which they come.
 *
 * Replies are left at once, so that none is lost when the worker ends, whatever ends it. What is put off, as long
 * as the calls are quick, is to tell the pool of them: waking it is what costs.
 */
export class TaskRunner {
  readonly #slots: Slots;
  readonly #outlet: Outlet;
  readonly #idleMs: number;
  readonly #idle: Timer;
  readonly #tasks: KnownTask[] = [];
  readonly #waiting = new Deque<TakenCall>();
  #isRunning = false;
  #processed = 0;
  #untold = 0;
  #untoldSinceMs = 0;
  #sender: ItemSender | undefined;

  constructor(slots: Slots, idleMs: number, outlet: Outlet) {
    this.#slots = slots;
    this.#outlet = outlet;
    this.#idleMs = idleMs;
    this.#idle = new Timer(() => outlet.signal("idle"));
    this.#expectIdleness();
  }

  /** Whether it waits for calls. */
  get isIdle(): boolean {
    return !this.#isRunning;
  }

  take(message: Calls | Order): void {
    if (!("kind" in message)) this.#takeCalls(message);
    else if (message.kind === "define") {
      const { task, place } = message;
      this.#tasks[task] = { name: place.name, find: () => findTask(place), fn: undefined };
    } else if (message.kind === "cancel") this.#cancel(message);
    else this.#sender?.read(message.call, message.items);
  }

  #takeCalls(calls: Calls): void {
    for (let next = 0; next < calls.length;) {
      const from = next + 3;
      const [how, task, count] = [calls[next], calls[next + 1], calls[next + 2]] as [number, number, number];
      next = from + count;
      this.#waiting.push(takenCall(how, task, calls.slice(from, next)));
    }
    if (!this.#isRunning) this.#runAll();
  }

  #cancel({ call, reason }: Extract<Order, { kind: "cancel" }>): void {
    const { running } = workerState;
    if (running?.call === call) running.scope.cancel(reason);
  }

  #runAll(): void {
    this.#isRunning = true;
    this.#idle.cancel();
    while (this.#waiting.size > 0) {
      const rest = this.#runNext(this.#waiting.shift());
      if (rest !== undefined) {
        this.#tell();
        void rest.then(() => this.#runAll());
        return;
      }
    }
    this.#isRunning = false;
    this.#tell();
    this.#expectIdleness();
  }

  /** Does one call, and returns a promise only if it takes more than this turn. */
  #runNext(taken: TakenCall): Promise<void> | undefined {
    const call = this.#processed;
    if (!this.#slots.start(call)) return this.#pass();
    const task = this.#tasks[taken.task]!;
    const expectedMs = this.#slots.averageMs(taken.task);
    if (expectedMs === undefined || expectedMs * unitsOf(taken) > quickMs) this.#tell();
    const scope = scopeOf(task, taken);
    const progress = (taken.extras & extra.progress) === 0 ? undefined : this.#progressOf(call, scope);
    workerState.running = { slots: this.#slots, call, scope, progress };
    if (task.fn === undefined) return this.#loadAndRun(call, taken, task, scope);
    return this.#run(call, taken, task.fn, scope);
  }

  #progressOf(call: number, scope: ScopeNode): ProgressSender {
    return new ProgressSender((value) => {
      this.#post(call, came.progress, value, scope);
      this.#tell();
    });
  }

  async #loadAndRun(call: number, taken: TakenCall, task: KnownTask, scope: ScopeNode): Promise<void> {
    try {
      task.fn = await task.find();
    } catch (error) {
      this.#failed(call, scope, error);
      return this.#end(scope);
    }
    await this.#run(call, taken, task.fn, scope);
  }

  #run(
    call: number,
    taken: TakenCall,
    fn: (...args: unknown[]) => unknown,
    scope: ScopeNode,
  ): Promise<void> | undefined {
    const startedMs = realClock.now();
    try {
      const value = enter(scope, begin, fn, taken);
      if (isThenable(value) || scope.hasTasks || taken.how === calling.stream) {
        return this.#finish(call, taken, scope, value, startedMs);
      }
      this.#measure(taken, startedMs);
      this.#succeeded(call, scope, value);
    } catch (error) {
      // What it had started is waited for.
      if (scope.hasTasks)
        return this.#finish(call, { ...taken, how: calling.once }, scope, Promise.reject(error), startedMs);
      this.#failed(call, scope, error);
    }
    return this.#end(scope);
  }

  /** Waits for what goes on. */
  async #finish(call: number, taken: TakenCall, scope: ScopeNode, value: unknown, startedMs: number): Promise<void> {
    try {
      const body = (): unknown => (taken.how === calling.stream ? this.#send(call, scope, value) : value);
      const result = await within<unknown>(scope, body, () => nothing);
      this.#measure(taken, startedMs);
      if (result === nothing) this.#cancelled(call);
      else this.#succeeded(call, scope, result);
    } catch (error) {
      this.#failed(call, scope, error);
    }
    this.#end(scope);
  }

  async #send(call: number, scope: ScopeNode, items: unknown): Promise<void> {
    this.#sender = new ItemSender(call, (item) => {
      this.#post(call, came.item, item, scope);
      this.#tell();
    });
    try {
      await this.#sender.sendAll(await items);
    } finally {
      this.#sender = undefined;
    }
  }

  #measure(taken: TakenCall, startedMs: number): void {
    this.#slots.measured(taken.task, realClock.now() - startedMs, unitsOf(taken));
  }

  #succeeded(call: number, scope: ScopeNode, value: unknown): void {
    try {
      workerState.running?.progress?.flush();
      this.#post(call, came.value, value, scope);
    } catch (error) {
      this.#reply([call, came.error, this.#encoded(error)]);
    }
  }

  /** @throws {NotCloneableError} */
  #post(
    call: number,
    how: typeof came.value | typeof came.item | typeof came.progress,
    value: unknown,
    scope: ScopeNode,
  ): void {
    try {
      this.#reply([call, how, unpooled(value)], transfersOf(value));
    } catch (error) {
      throw new NotCloneableError(whatComes[how] ?? "the result", scope.name, this.#outlet.kind, error);
    }
  }

  #failed(call: number, scope: ScopeNode, error: unknown): void {
    const cancellation: Cancelled | undefined = scope.cancellationBehind(error);
    if (cancellation !== undefined) return this.#cancelled(call);
    this.#flushProgress();
    this.#reply([call, came.error, this.#encoded(error)]);
  }

  #encoded(error: unknown): EncodedError {
    return encodeError(error, copyOf[this.#outlet.kind]);
  }

  #cancelled(call: number): void {
    this.#flushProgress();
    this.#reply([call, came.cancelled]);
  }

  /** Of a call that has failed. */
  #flushProgress(): void {
    try {
      workerState.running?.progress?.flush();
    } catch {
      // What it has failed by is what counts.
    }
  }

  #reply(reply: Reply, list?: readonly Transferable[]): void {
    this.#outlet.reply(reply, list);
    if (this.#untold++ === 0) this.#untoldSinceMs = realClock.now();
  }

  #end(scope: ScopeNode): undefined {
    scope.close();
    workerState.running = undefined;
    return this.#pass();
  }

  #pass(): undefined {
    this.#slots.processed = ++this.#processed;
    if (this.#untold > 0 && realClock.now() - this.#untoldSinceMs >= maxUntoldMs) this.#tell();
  }

  #tell(): void {
    if (this.#untold === 0 && this.#processed === this.#told) return;
    this.#untold = 0;
    this.#told = this.#processed;
    this.#outlet.signal("replies");
  }

  #told = 0;

  #expectIdleness(): void {
    if (this.#idleMs !== Infinity) realClock.schedule(realClock.now() + this.#idleMs, this.#idle);
  }
}

function takenCall(sentHow: number, task: number, args: readonly unknown[]): TakenCall {
  const how = (sentHow & callingBits) as Calling;
  const extras = sentHow & ~callingBits;
  if ((sentHow & extra.variables) === 0) return { how, extras, task, args, variables: undefined };
  const [variables, given] = args as WithVariables;
  return { how, extras, task, args: given, variables };
}

/** The scope of a call, with the context variables that came along. */
function scopeOf({ name }: KnownTask, { variables }: TakenCall): ScopeNode {
  if (variables === undefined) return openScope(name);
  return enter(new BoundFrame(currentScope(), variableKeys.arrived(variables)), openScope, name, undefined);
}

function begin(fn: (...args: unknown[]) => unknown, { how, args }: TakenCall): unknown {
  return how === calling.each ? eachOf(fn, itemsOf(args)) : fn(...args);
}

/** For how many times its function a call counts. */
function unitsOf({ how, args }: TakenCall): number {
  return how === calling.each ? itemsOf(args).length : 1;
}

/** The items of a chunk, as they have come: {@link packed} or not. */
function itemsOf(args: readonly unknown[]): ArrayLike<unknown> {
  return args[0] as ArrayLike<unknown>;
}
