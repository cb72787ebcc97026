import { type Clock, Timer, outside } from "../../core/index.ts";
import { ConnectionLostError } from "../errors.ts";
import { type Notification, type Wire, type WireClient, isServerMessage } from "../postgres.ts";
import { type CancelRequest, type CancelTarget, sendCancelRequest } from "./cancel-request.ts";
import type { Exchange } from "./exchange.ts";
import { StatementCache } from "./statement-cache.ts";
import type { WireReader } from "./wire-reader.ts";

/** Who hears of a connection. */
export interface ConnectionListener {
  /** Its socket is closed, whoever did it. */
  connectionClosed(connection: PostgresConnection): void;
}

/** What is under way. */
interface Running {
  readonly exchange: Exchange;
  /** Called once, when the server is ready for the next, or never will be. */
  onEnd: () => void;
  /** Whether the server has answered it to the end. */
  isAnswered: boolean;
}

/** How long a query may take to stop, and what a request to do so may take to arrive. */
const firstPatienceMs = 50;
const mostPatienceMs = 1_000;

/**
 * A connection, for one exchange at a time.
 *
 *     ready ── start() ──> running ── ReadyForQuery ──────────────────────────────────────> ready
 *                             └── interrupt() ──> stopping ── ReadyForQuery, and no request
 *                                                     │       to stop is on its way ──────> ready
 *                                                     └── cancelMs have passed ──> closed
 *     any ── the socket closes ──> closed
 *
 * Stopping: the server is asked over a second socket to stop what runs here. A request may come too early, when the server
 * has not yet read the query, so it is repeated; and it may come late, when the query has ended by itself, so the
 * connection is not ready before the sockets of all requests are closed.
 */
export class PostgresConnection {
  readonly statements: StatementCache;
  /** Since when nobody uses it, in milliseconds of the clock. Kept by the pool. */
  idleSinceMs = 0;
  /** Whether dates are written in the one way in which they are read. */
  writesIso = true;
  /** Hears what is notified. */
  onNotification: ((notification: Notification) => void) | undefined = undefined;
  listener: ConnectionListener | undefined = undefined;
  readonly #client: WireClient;
  readonly #reader: WireReader;
  readonly #clock: Clock;
  readonly #cancelTarget: CancelTarget;
  readonly #cancelMs: number;
  readonly #name: string;
  #running: Running | undefined = undefined;
  /** `I` idle, `T` in a transaction, `E` in one that has failed. */
  #status: "I" | "T" | "E" = "I";
  #stopping: Stopping | undefined = undefined;
  #isReady = true;
  /** Being closed, or closed. */
  #isDoomed = false;
  #isClosed = false;
  /** Why nothing more begins here. */
  #retiredBecause: Error | undefined = undefined;
  /** What was heard of its end. */
  #lostBecause: unknown = undefined;
  readonly #closed = Promise.withResolvers<void>();

  constructor({ client, reader }: Wire, cancel: CancelTarget, clock: Clock, options: ConnectionSettings) {
    this.#client = client;
    this.#reader = reader;
    this.#cancelTarget = cancel;
    this.#clock = clock;
    this.#cancelMs = options.cancelMs;
    this.#name = options.name;
    this.statements = new StatementCache(options.statements);
    const { connection } = client;
    connection.on("readyForQuery", ({ status }) => this.#readyForQuery(status));
    connection.on("parameterStatus", ({ parameterName, parameterValue }) => {
      if (parameterName === "DateStyle") this.writesIso = parameterValue.startsWith("ISO");
    });
    connection.on("parseComplete", () => this.#running?.exchange.handleParseComplete());
    connection.on("noData", () => this.#running?.exchange.handleNoData());
    connection.on("parameterDescription", (message) => this.#running?.exchange.handleParameterDescription(message));
    client.on("error", (error) => this.#broke(error));
    client.on("end", () => this.#ended());
    client.on("notification", (notification) => this.onNotification?.(notification));
  }

  /** Whether the server is ready for the next. */
  get isReady(): boolean {
    return this.#isReady && !this.#isDoomed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isInTransaction(): boolean {
    return this.#status !== "I";
  }

  get hasTransactionFailed(): boolean {
    return this.#status === "E";
  }

  /** Settles when its socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  isRunning(exchange: Exchange): boolean {
    return this.#running?.exchange === exchange;
  }

  /** Starts an exchange. `onEnd` is called from the context of the socket. */
  start(exchange: Exchange, onEnd: () => void): void {
    if (this.#isDoomed || this.#retiredBecause !== undefined) {
      exchange.fail(this.#retiredBecause ?? this.#lostError(exchange.text));
      onEnd();
      return;
    }
    this.#running = { exchange, onEnd, isAnswered: false };
    this.#isReady = false;
    this.#reader.listener = exchange;
    this.#client.query(exchange);
  }

  /** Whoever waits for the exchange gives up, and another takes its place. */
  onEnd(listener: () => void): void {
    if (this.#running === undefined) listener();
    else this.#running.onEnd = listener;
  }

  /** Lets nothing more begin, for whoever has it. What is under way goes on. */
  retire(why: Error): void {
    this.#retiredBecause = why;
  }

  /** Brings what is under way to its end, or closes the connection. */
  interrupt(): void {
    const running = this.#running;
    if (running === undefined || this.#stopping !== undefined || this.#isClosed) return;
    const isPolite = running.exchange.interrupt();
    this.#stopping = outside(
      () => new Stopping(this.#cancelTarget, this.#clock, this.#cancelMs, isPolite, () => this.destroy()),
    );
  }

  /** Says goodbye, and closes. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    this.#isDoomed = true;
    const patience = new Timer(() => this.destroy());
    this.#clock.schedule(this.#clock.now() + mostPatienceMs, patience);
    outside(() => this.#client.end(() => {}));
    await this.closed;
    patience.cancel();
  }

  /** Closes at once. */
  destroy(): void {
    this.#isDoomed = true;
    if (!this.#isClosed) this.#client.connection.stream.destroy();
  }

  /** Stops reading from the socket, and goes on. */
  pause(): void {
    this.#client.connection.stream.pause();
  }

  resume(): void {
    this.#client.connection.stream.resume();
  }

  #readyForQuery(status: "I" | "T" | "E"): void {
    this.#status = status;
    const running = this.#running;
    if (running === undefined) return;
    running.isAnswered = true;
    const stopping = this.#stopping;
    if (stopping === undefined) return this.#finish(running);
    void stopping.stopped().then(() => {
      // Closed, or about to be, because a request did not arrive: that is its end.
      if (this.#running !== running || this.#isDoomed) return;
      this.#stopping = undefined;
      this.#finish(running);
    });
  }

  #finish(running: Running): void {
    this.#running = undefined;
    this.#reader.listener = undefined;
    this.#isReady = true;
    running.onEnd();
  }

  /** Told before the end: by the server, or by the socket. */
  #broke(error: unknown): void {
    this.#lostBecause ??= error;
    this.destroy();
  }

  #ended(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isDoomed = true;
    this.#stopping?.giveUp();
    const running = this.#running;
    this.#running = undefined;
    if (running?.isAnswered === false) {
      const { exchange } = running;
      const told = exchange.failure;
      const cause = isServerMessage(told) ? told : this.#lostBecause;
      this.#lostBecause = cause;
      exchange.hasFailed = true;
      exchange.failure = this.#retiredBecause ?? this.#lostError(exchange.text);
    }
    this.#closed.resolve();
    this.listener?.connectionClosed(this);
    running?.onEnd();
  }

  #lostError(query: string | undefined): ConnectionLostError {
    const cause = this.#lostBecause;
    const why = cause instanceof Error && cause.message !== "" ? cause.message : "it was closed";
    return new ConnectionLostError(this.#name, why, query, cause);
  }
}

/** Settings of a connection. */
export interface ConnectionSettings {
  /** What messages call the database. */
  readonly name: string;
  /** Prepared statements that it keeps. */
  readonly statements: number;
  /** How long what is cancelled may take to stop. */
  readonly cancelMs: number;
}

/** Requests to stop one exchange, until it has ended. */
class Stopping {
  readonly #target: CancelTarget;
  readonly #clock: Clock;
  readonly #requests = new Set<CancelRequest>();
  readonly #onTooLong: () => void;
  readonly #limit: Timer;
  readonly #again: Timer = new Timer(() => this.#ask());
  #patienceMs = firstPatienceMs;
  #isOver = false;

  /** @param isPolite - whether it was ended in another way, and the server is asked only if that does not help */
  constructor(target: CancelTarget, clock: Clock, limitMs: number, isPolite: boolean, onTooLong: () => void) {
    this.#target = target;
    this.#clock = clock;
    this.#onTooLong = onTooLong;
    this.#limit = new Timer(() => this.#tooLong());
    clock.schedule(clock.now() + limitMs, this.#limit);
    if (isPolite) this.#askLater();
    else this.#ask();
  }

  /** The server is ready. Settles when no request is on its way any more. */
  async stopped(): Promise<void> {
    this.#isOver = true;
    this.#again.cancel();
    await Promise.all([...this.#requests].map(({ closed }) => closed));
    this.#limit.cancel();
  }

  /** There is nothing to be stopped any more. */
  giveUp(): void {
    this.#isOver = true;
    this.#again.cancel();
    this.#limit.cancel();
    for (const request of this.#requests) request.destroy();
  }

  #ask(): void {
    const request = outside(() => sendCancelRequest(this.#target));
    this.#requests.add(request);
    void request.closed.then(() => {
      this.#requests.delete(request);
      if (!this.#isOver) this.#askLater();
    });
  }

  #askLater(): void {
    this.#clock.schedule(this.#clock.now() + this.#patienceMs, this.#again);
    this.#patienceMs = Math.min(mostPatienceMs, this.#patienceMs * 2);
  }

  /** Where a request hangs, the connection must not be used any more: it may still arrive. */
  #tooLong(): void {
    this.giveUp();
    this.#onTooLong();
  }
}
