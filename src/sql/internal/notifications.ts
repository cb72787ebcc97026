import { type Clock, type ScopeNode, Timer } from "../../core/index.ts";
import type { ListenOptions } from "../database.ts";
import { ConnectError, DatabaseClosedError, type ServerMessage, queryErrorOf } from "../errors.ts";
import { isServerMessage } from "../postgres.ts";
import { quoteName } from "../query.ts";
import { SimpleExchange } from "./exchange.ts";
import { Listening } from "./listening.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { isPassing } from "./postgres-opening.ts";

const maxChannelBytes = 63;
const firstPauseMs = 50;
const mostPauseMs = 5_000;

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
  /** What the connection listens to. */
  #listened = new Set<string>();
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
    checkChannel(channel);
    const listening = new Listening(scope, channel, options, (self) => this.#left(self));
    const others = this.#channels.get(channel);
    if (others === undefined) this.#channels.set(channel, new Set([listening]));
    else others.add(listening);
    if (this.#listened.has(channel)) listening.began();
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

  /** Who listens to it now. */
  #all(channel: string): Listening[] {
    return [...(this.#channels.get(channel) ?? [])];
  }

  #everybody(): Listening[] {
    return [...this.#channels.values()].flatMap((listeners) => [...listeners]);
  }

  #left(listening: Listening): void {
    if (this.#forget(listening)) this.#work();
  }

  /** Returns whether nobody listens to its channel any more. */
  #forget(listening: Listening): boolean {
    const others = this.#channels.get(listening.channel);
    others?.delete(listening);
    if (others?.size !== 0) return false;
    return this.#channels.delete(listening.channel);
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
    for (const listening of this.#everybody()) listening.end(error);
    this.#channels.clear();
  }

  async #bringUp(): Promise<void> {
    const connection = (this.#connection ??= await this.#connect());
    let refusal: unknown;
    for (const [channel, isWanted] of this.#differences()) {
      // Somebody came or left meanwhile.
      if (this.#channels.has(channel) !== isWanted) continue;
      const exchange = new SimpleExchange(`${isWanted ? "listen" : "unlisten"} ${quoteName(channel)}`);
      if (!isWanted) this.#listened.delete(channel);
      await new Promise<void>((resolve) => connection.start(exchange, resolve));
      if (exchange.hasFailed) {
        if (!isServerMessage(exchange.failure)) throw exchange.failure;
        if (!this.#refused(channel, exchange.failure)) refusal = exchange.failure;
      } else if (isWanted) {
        this.#listened.add(channel);
        for (const listening of this.#all(channel)) listening.began();
      }
    }
    if (refusal === undefined) return;
    await connection.end();
    throw refusal;
  }

  /**
   * The server does not listen, as a standby does not. Who had begun waits for one that does; all others are told.
   *
   * @returns whether nobody waits
   */
  #refused(channel: string, failure: ServerMessage): boolean {
    for (const listening of this.#all(channel)) {
      if (listening.hasBegun) continue;
      listening.end(queryErrorOf(failure, undefined));
      this.#forget(listening);
    }
    return !this.#channels.has(channel);
  }

  async #connect(): Promise<PostgresConnection> {
    const connection = await this.#open();
    this.#hasConnected = true;
    this.#listened = new Set();
    connection.onNotification = ({ channel, payload }) => {
      for (const listening of this.#channels.get(channel) ?? []) listening.took(payload);
    };
    connection.listener = {
      connectionClosed: () => {
        this.#connection = undefined;
        this.#listened = new Set();
        if (!this.#isClosed) this.#work();
      },
    };
    if (this.#isClosed) await connection.end();
    return connection;
  }

  #differences(): [channel: string, isWanted: boolean][] {
    const added = [...this.#channels.keys()].filter((channel) => !this.#listened.has(channel));
    const left = [...this.#listened].filter((channel) => !this.#channels.has(channel));
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

/** Of a longer name Postgres takes the beginning, and what is notified there would not be known for what it is. */
function checkChannel(channel: string): void {
  quoteName(channel);
  const length = Buffer.byteLength(channel);
  if (length > maxChannelBytes)
    throw new RangeError(`Expected \`channel\` to have ${maxChannelBytes} bytes at most, got ${length}`);
}
