import {
  Deque,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  expectInteger,
  grant,
  refuse,
  takeAll,
  takeFirst,
} from "../core/index.ts";
import { ChannelClosedError } from "./errors.ts";

/** Settings of a {@link Channel}. */
export interface ChannelOptions {
  /** How many values it holds before `send` waits; 0: each is handed over. @default 0 */
  readonly capacity?: number;
  /** For messages. */
  readonly name?: string;
}

/** What a channel is doing. */
export interface ChannelStatistics {
  /** Values sent and not yet received, those of waiting senders not counted. */
  readonly buffered: number;
  /** Callers of `send` waiting. */
  readonly sending: number;
  /** Callers of `receive` waiting. */
  readonly receiving: number;
  /** Handles that are open. */
  readonly open: number;
}

/**
 * Values from many producers to many consumers, unbuffered unless told otherwise. It ends when every handle has said
 * that it will send no more.
 *
 * Each producer gets a handle of its own with `clone()` and closes it, best with `using`; what has been sent can still
 * be received through any handle, and iterating ends by itself.
 *
 *     open ── close() of the last handle ──> draining ── the last value received ──> ended
 *
 * @example
 * ```ts
 * import { Channel, taskGroup } from "taskwright";
 *
 * const channel = new Channel<number>();
 * let sum = 0;
 * await taskGroup(async (group) => {
 *   for (const start of [0, 10]) {
 *     group.spawn(async () => {
 *       using mine = channel.clone();
 *       for (const step of [1, 2]) await mine.send(start + step);
 *     });
 *   }
 *   channel.close();
 *   for await (const value of channel) sum += value;
 * });
 * console.log(sum); // => 26
 * ```
 */
export class Channel<T> implements AsyncIterable<T>, Disposable {
  readonly #pipe: Pipe<T>;
  #isClosed = false;

  constructor(options: ChannelOptions = {}) {
    this.#pipe = options instanceof Pipe ? (options as Pipe<T>) : new Pipe(options);
    this.#pipe.open++;
  }

  /**
   * Another handle to the same channel, open for sending.
   *
   * @throws {ChannelClosedError} CHANNEL_CLOSED, this handle was closed: a channel that has ended does not begin again
   */
  clone(): Channel<T> {
    if (this.#isClosed) throw new ChannelClosedError("this handle was closed");
    return new Channel<T>(this.#pipe);
  }

  /**
   * Sends a value: waits until it is received, or until there is room in the buffer.
   *
   * Cancel: the value has not been sent. One received before counts as sent, and the next checkpoint throws.
   *
   * @throws {ChannelClosedError} CHANNEL_CLOSED, this handle was closed
   */
  send(value: T): Promise<void> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isClosed) return Promise.reject(new ChannelClosedError("this handle was closed"));
    return this.#pipe.send(scope, value);
  }

  /**
   * Receives the next value; waits while there is none.
   *
   * Cancel: no value has been taken. One handed over before is returned, and the next checkpoint throws.
   *
   * @throws {ChannelClosedError} CHANNEL_CLOSED, all handles were closed, and nothing is left
   */
  receive(): Promise<T> {
    const scope = arrive(this);
    return scope.stop === undefined ? this.#pipe.receive(scope) : refuse(scope);
  }

  /** Says that nothing more will be sent through this handle. Receiving goes on. May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.closeOne();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  get label(): string {
    return this.#pipe.name;
  }

  /** What the channel is doing right now. */
  statistics(): ChannelStatistics {
    return this.#pipe.statistics();
  }

  /**
   * Receives until the channel has ended. Several may iterate: each value goes to one of them.
   *
   * Cancel: as {@link receive}.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      let value: T;
      try {
        value = await this.receive();
      } catch (error) {
        if (error instanceof ChannelClosedError) return;
        throw error;
      }
      yield value;
    }
  }
}

/** What the handles of a channel share. It is its own options, which is how a handle is cloned. */
class Pipe<T> implements ChannelOptions {
  readonly capacity: number;
  readonly name: string;
  /** Handles not yet closed. */
  open = 0;
  readonly #buffer = new Deque<T>();
  readonly #senders = new LinkedList<Sender<T>>();
  readonly #receivers = new LinkedList<Receiver<T>>();

  constructor(options: ChannelOptions) {
    this.capacity = options.capacity ?? 0;
    this.name = options.name === undefined ? "a Channel" : `Channel "${options.name}"`;
    expectInteger("capacity", this.capacity, 0);
  }

  send(scope: ScopeNode, value: T): Promise<void> {
    const receiver = takeFirst(this.#receivers);
    if (receiver !== undefined) {
      receiver.resolve(value);
      return grant(scope, undefined);
    }
    if (this.#buffer.size < this.capacity) {
      this.#buffer.push(value);
      return grant(scope, undefined);
    }
    const sender = new Sender(scope, this.name, value);
    this.#senders.push(sender);
    return sender.promise;
  }

  receive(scope: ScopeNode): Promise<T> {
    if (this.#buffer.size > 0) {
      const value = this.#buffer.shift();
      const sender = this.#takeSender();
      if (sender !== undefined) this.#buffer.push(sender.value);
      return grant(scope, value);
    }
    const sender = this.#takeSender();
    if (sender !== undefined) return grant(scope, sender.value);
    if (this.open === 0) return Promise.reject(new ChannelClosedError("every handle was closed"));
    const receiver = new Receiver<T>(scope, this.name);
    this.#receivers.push(receiver);
    return receiver.promise;
  }

  closeOne(): void {
    if (--this.open > 0) return;
    for (const receiver of takeAll(this.#receivers)) receiver.reject(new ChannelClosedError("every handle was closed"));
  }

  statistics(): ChannelStatistics {
    return Object.freeze({
      buffered: this.#buffer.size,
      sending: this.#senders.size,
      receiving: this.#receivers.size,
      open: this.open,
    });
  }

  #takeSender(): Sender<T> | undefined {
    const sender = takeFirst(this.#senders);
    sender?.resolve();
    return sender;
  }
}

class Sender<T> extends QueuedWaiter<void> {
  readonly value: T;
  readonly #channel: string;

  constructor(scope: ScopeNode, channel: string, value: T) {
    super(scope);
    this.#channel = channel;
    this.value = value;
  }

  describe(): string {
    return `a receiver of ${this.#channel}`;
  }
}

class Receiver<T> extends QueuedWaiter<T> {
  readonly #channel: string;

  constructor(scope: ScopeNode, channel: string) {
    super(scope);
    this.#channel = channel;
  }

  describe(): string {
    return `a value from ${this.#channel}`;
  }
}
