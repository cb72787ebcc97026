import {
  type Clock,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  Timer,
  arrive,
  grant,
  refuse,
  takeFirst,
} from "../../core/index.ts";
import type { ListenOptions } from "../database.ts";
import { ConnectError, DatabaseClosedError } from "../errors.ts";
import { quoteName } from "../query.ts";
import { SimpleExchange } from "./exchange.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { isPassing } from "./postgres-opening.ts";
import { Tie } from "./tie.ts";

/** Payloads of one channel that nobody has read; more are dropped, which is told as a loss. */
const maxUnread = 10_000;
const firstPauseMs = 50;
const mostPauseMs = 5_000;

type Step = IteratorResult<string, undefined>;
const atEnd: Step = { done: true, value: undefined };

/**
 * What is notified on channels: one connection for all of them, opened with the first and kept up as long as somebody
 * listens.
 */
export class Notifications {
  readonly #open: () => Promise<PostgresConnection>;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #channels = new Map<string, Set<Listening>>();
  #connection: PostgresConnection | undefined;
  /** What was right once is tried again, whatever the server says meanwhile. */
  #hasConnected = false;
  /** What the connection listens to, or is being told to. */
  #told = new Set<string>();
  #working: Promise<void> | undefined;
  #isClosed = false;
  readonly #pause: Timer = new Timer(() => this.#resume?.());
  #resume: (() => void) | undefined;

  constructor(open: () => Promise<PostgresConnection>, clock: Clock, name: string) {
    this.#open = open;
    this.#clock = clock;
    this.#name = name;
  }

  listen(scope: ScopeNode, channel: string, options: ListenOptions): Listening {
    if (this.#isClosed) throw new DatabaseClosedError(this.#name);
    quoteName(channel);
    const listening = new Listening(scope, channel, options, (self) => this.#left(self));
    const others = this.#channels.get(channel);
    if (others === undefined) this.#channels.set(channel, new Set([listening]));
    else others.add(listening);
    if (this.#told.has(channel) && this.#working === undefined) listening.began();
    else this.#work();
    return listening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endAll(new DatabaseClosedError(this.#name));
    this.#resume?.();
    await this.#connection?.end();
    await this.#working;
    await this.#connection?.end();
  }

  #all(): Listening[] {
    return [...this.#channels.values()].flatMap((listeners) => [...listeners]);
  }

  #left(listening: Listening): void {
    const others = this.#channels.get(listening.channel);
    others?.delete(listening);
    if (others?.size !== 0) return;
    this.#channels.delete(listening.channel);
    this.#work();
  }

  #work(): void {
    this.#working ??= this.#keepUp().finally(() => {
      this.#working = undefined;
      // Somebody came or left at the last moment.
      if (!this.#isClosed && !this.#isUpToDate()) this.#work();
    });
  }

  #isUpToDate(): boolean {
    if (this.#channels.size === 0) return this.#connection === undefined;
    return this.#connection !== undefined && this.#differences().length === 0;
  }

  /** Brings the connection to what is wanted: there or not, listening to these and no others. */
  async #keepUp(): Promise<void> {
    for (let pauseMs = firstPauseMs; !this.#isClosed && !this.#isUpToDate();) {
      if (this.#channels.size === 0) {
        await this.#connection?.end();
        continue;
      }
      try {
        await this.#bringUp();
        pauseMs = firstPauseMs;
      } catch (error) {
        const isPause = error instanceof ConnectError && isPassing(error);
        if (isPause || this.#hasConnected) await this.#rest(pauseMs);
        else this.#endAll(error);
        pauseMs = Math.min(mostPauseMs, pauseMs * 2);
      }
    }
  }

  #endAll(error: unknown): void {
    for (const listening of this.#all()) listening.end(error);
    this.#channels.clear();
  }

  async #bringUp(): Promise<void> {
    const connection = (this.#connection ??= await this.#connect());
    for (const [channel, isWanted] of this.#differences()) {
      const exchange = new SimpleExchange(`${isWanted ? "listen" : "unlisten"} ${quoteName(channel)}`);
      if (isWanted) this.#told.add(channel);
      else this.#told.delete(channel);
      await new Promise<void>((resolve) => connection.start(exchange, resolve));
      if (connection.isClosed) return;
      if (exchange.hasFailed) throw exchange.failure;
      if (isWanted) for (const listening of this.#channels.get(channel) ?? []) listening.began();
    }
  }

  async #connect(): Promise<PostgresConnection> {
    const connection = await this.#open();
    this.#hasConnected = true;
    this.#told = new Set();
    connection.onNotification = ({ channel, payload }) => {
      for (const listening of this.#channels.get(channel) ?? []) listening.took(payload);
    };
    connection.listener = {
      connectionClosed: () => {
        this.#connection = undefined;
        this.#told = new Set();
        if (!this.#isClosed) this.#work();
      },
    };
    if (this.#isClosed) await connection.end();
    return connection;
  }

  #differences(): [channel: string, isWanted: boolean][] {
    const added = [...this.#channels.keys()].filter((channel) => !this.#told.has(channel));
    const left = [...this.#told].filter((channel) => !this.#channels.has(channel));
    return [
      ...added.map((channel): [string, boolean] => [channel, true]),
      ...left.map((c): [string, boolean] => [c, false]),
    ];
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    this.#clock.schedule(this.#clock.now() + ms, this.#pause);
    await promise;
    this.#pause.cancel();
  }
}

/** One who listens to a channel. */
export class Listening implements AsyncIterableIterator<string, undefined>, AsyncDisposable {
  readonly channel: string;
  readonly #options: ListenOptions;
  readonly #onLeave: (self: Listening) => void;
  readonly #tie: Tie;
  readonly #unread: string[] = [];
  readonly #readers = new LinkedList<PayloadWaiter>();
  readonly #begun = Promise.withResolvers<void>();
  #hasBegun = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(scope: ScopeNode, channel: string, options: ListenOptions, onLeave: (self: Listening) => void) {
    this.channel = channel;
    this.#options = options;
    this.#onLeave = onLeave;
    this.#tie = new Tie(scope, `notifications on ${channel}`, async (why) => {
      this.end(why);
      this.#onLeave(this);
    });
  }

  /** Settles when the server has been told. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    const first = this.#unread.shift();
    if (first !== undefined) return grant(scope, { done: false, value: first });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isOver) return grant(scope, atEnd);
    const reader = new PayloadWaiter(scope, this.channel);
    this.#readers.push(reader);
    return reader.promise;
  }

  async return(): Promise<Step> {
    await this[Symbol.asyncDispose]();
    return atEnd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    await this.#tie.release();
  }

  /** The server has been told: for the first time, or again after what came between was lost. */
  began(): void {
    if (this.#hasBegun) this.#options.onLost?.("connection");
    this.#hasBegun = true;
    this.#begun.resolve();
  }

  took(payload: string): void {
    const reader = takeFirst(this.#readers);
    if (reader !== undefined) reader.resolve({ done: false, value: payload });
    else if (this.#unread.length < maxUnread) this.#unread.push(payload);
    else this.#options.onLost?.("buffer");
  }

  end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = { error };
    this.#begun.resolve();
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers))
      reader.reject(error);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#begun.resolve();
    this.#unread.length = 0;
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers))
      reader.resolve(atEnd);
    this.#onLeave(this);
  }
}

class PayloadWaiter extends QueuedWaiter<Step> {
  readonly #channel: string;

  constructor(scope: ScopeNode, channel: string) {
    super(scope);
    this.#channel = channel;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `a notification on ${this.#channel}`;
  }
}
