import { type Clock, LinkedList, Timer, arrive, grant, refuse, takeAll, takeFirst } from "../../core/index.ts";
import { type ConnectError, DatabaseClosedError } from "../errors.ts";
import { ConnectionWaiter } from "./connection-waiter.ts";
import { SimpleExchange } from "./exchange.ts";
import { dismiss } from "./perform.ts";
import type { ConnectionListener, ConnectionSettings, PostgresConnection } from "./postgres-connection.ts";
import { PoolOpening } from "./pool-opening.ts";
import { PostgresOpening, isPassing } from "./postgres-opening.ts";
import type { PostgresTarget } from "./postgres-url.ts";

/** Settings of a pool, none left out. */
export interface PoolSettings extends ConnectionSettings {
  readonly max: number;
  readonly min: number;
  readonly idleMs: number;
  readonly connectMs: number;
}

/** A connection that nobody has used for as long is asked whether it still works before it is given away. */
const checkAfterMs = 30_000;
/** How long it may take to answer. */
const checkMs = 5_000;
/** Pauses between attempts to connect. */
const firstPauseMs = 50;
const mostPauseMs = 2_000;

/**
 * Connections, opened as they are needed. Those who wait for one stand in line, first come, first served.
 *
 * Each connection is in one of these: on its way, idle, in use, or being checked. It belongs to no scope: it serves many.
 */
export class PostgresPool implements ConnectionListener {
  readonly settings: PoolSettings;
  readonly #target: PostgresTarget;
  readonly #clock: Clock;
  /** The one used last is at the end, and goes first: the others may grow old. */
  readonly #idle: PostgresConnection[] = [];
  /** All that are open. */
  readonly #open = new Set<PostgresConnection>();
  /** Those of them that are being closed because nobody used them. */
  readonly #leaving = new Set<PostgresConnection>();
  readonly #openings = new Set<PoolOpening>();
  /** On their way to somebody who does not stand in line. */
  readonly #apart = new Set<PostgresOpening>();
  readonly #line = new LinkedList<ConnectionWaiter>();
  readonly #sweep: Timer = new Timer(() => this.#dropOld());
  #inUse = 0;
  /** Until then no connection is opened: there are others, and the last attempt failed. */
  #restsUntilMs = -Infinity;
  #isClosed = false;

  constructor(target: PostgresTarget, settings: PoolSettings, clock: Clock) {
    this.#target = target;
    this.settings = settings;
    this.#clock = clock;
  }

  get connections(): number {
    return this.#open.size;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Waits for a connection.
   *
   * Cancel: leaves the line.
   *
   * @throws {ConnectError} none can be had
   * @throws {DatabaseClosedError} the database is closed
   */
  take(): Promise<PostgresConnection> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isClosed) return Promise.reject(this.#closedError());
    if (this.#line.size === 0) {
      const connection = this.#takeIdle();
      if (connection !== undefined) return grant(scope, connection);
    }
    const waiter = new ConnectionWaiter(scope, this.settings.name, this.#line);
    this.#line.push(waiter);
    this.#serve();
    return waiter.promise;
  }

  /** Takes a connection back. One that is not ready, in a transaction, or set to write dates in another way, is closed. */
  giveBack(connection: PostgresConnection): void {
    this.#inUse--;
    if (this.#isClosed) void connection.end();
    else if (!connection.isReady || connection.isInTransaction || !connection.writesIso) connection.destroy();
    else this.#put(connection);
  }

  /** Opens one that is not of the pool, and is not counted. */
  async openApart(): Promise<PostgresConnection> {
    if (this.#isClosed) throw this.#closedError();
    const opening = new PostgresOpening(this.#target, this.settings, this.#clock);
    this.#apart.add(opening);
    try {
      return await opening.open(this.settings.connectMs);
    } finally {
      this.#apart.delete(opening);
    }
  }

  connectionClosed(connection: PostgresConnection): void {
    this.#open.delete(connection);
    this.#leaving.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (!this.#isClosed) this.#serve();
  }

  /** Ends what is in line and under way, and waits until all sockets are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sweep.cancel();
    for (const waiter of takeAll(this.#line)) waiter.reject(this.#closedError());
    for (const opening of [...this.#openings, ...this.#apart]) opening.giveUp();
    for (const connection of this.#open) {
      // Whoever waits for a query has it stopped, and gives the connection back.
      if (!dismiss(connection, this.settings.name)) void connection.end();
    }
    await Promise.all([...this.#openings].map(({ ended }) => ended));
    await Promise.all([...this.#open].map(({ closed }) => closed));
  }

  #takeIdle(): PostgresConnection | undefined {
    // Those that are broken, of which the end was not heard yet.
    while (this.#idle.at(-1)?.isReady === false) this.#idle.pop();
    const connection = this.#idle.at(-1);
    if (connection === undefined || this.#isOld(connection)) return undefined;
    this.#idle.pop();
    this.#inUse++;
    return connection;
  }

  #isOld(connection: PostgresConnection): boolean {
    return this.#clock.now() - connection.idleSinceMs > checkAfterMs;
  }

  /** To the first in line, or to rest. */
  #put(connection: PostgresConnection): void {
    const waiter = takeFirst(this.#line);
    if (waiter !== undefined) {
      this.#inUse++;
      waiter.resolve(connection);
      return;
    }
    connection.idleSinceMs = this.#clock.now();
    this.#idle.push(connection);
    if (!this.#sweep.isScheduled) this.#scheduleSweep();
  }

  /** Sees that somebody who waits will get a connection. */
  #serve(): void {
    while (this.#line.size > 0) {
      const connection = this.#takeIdle();
      if (connection === undefined) break;
      this.#inUse--;
      this.#put(connection);
      // All of the line are about to leave it.
      if (this.#idle.at(-1) === connection) return;
    }
    while (this.#line.size > this.#openings.size) {
      const old = this.#idle.pop();
      if (old !== undefined) this.#start(new PoolOpening(() => this.#check(old)));
      else if (this.#mayOpen()) this.#start(new PoolOpening((self) => this.#connect(self), true));
      else return;
    }
  }

  #mayOpen(): boolean {
    let count = this.#open.size;
    for (const { isNew } of this.#openings) if (isNew) count++;
    return count === 0 || (count < this.settings.max && this.#clock.now() >= this.#restsUntilMs);
  }

  #start(opening: PoolOpening): void {
    this.#openings.add(opening);
    void opening.run().then((connection) => {
      this.#openings.delete(opening);
      opening.hasEnded();
      if (connection !== undefined && !connection.isClosed && !this.#isClosed) this.#put(connection);
      if (!this.#isClosed) this.#serve();
    });
  }

  async #connect(opening: PoolOpening): Promise<PostgresConnection | undefined> {
    const { connectMs } = this.settings;
    const untilMs = this.#clock.now() + connectMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(mostPauseMs, pauseMs * 2)) {
      const leftMs = untilMs - this.#clock.now();
      const attempt = new PostgresOpening(this.#target, this.settings, this.#clock);
      opening.onGiveUp = () => attempt.giveUp();
      try {
        const connection = await attempt.open(Math.max(1, leftMs));
        this.#join(connection);
        return connection;
      } catch (error) {
        const isLast = this.#isClosed || !isPassing(error as ConnectError);
        if (isLast || this.#clock.now() + pauseMs >= untilMs) {
          this.#failed(opening, error as ConnectError);
          return undefined;
        }
        await opening.pause(this.#clock, pauseMs);
        // Nobody wants it any more.
        if (this.#isClosed || this.#line.size === 0) return undefined;
      }
    }
  }

  #join(connection: PostgresConnection): void {
    connection.listener = this;
    this.#open.add(connection);
    if (this.#isClosed) void connection.end();
  }

  /** No connection could be opened. Those in line are told, unless there are others that will serve them. */
  #failed(opening: PoolOpening, error: ConnectError): void {
    // Two may fail at the same moment.
    this.#openings.delete(opening);
    const isAlone = this.#open.size === 0 && this.#openings.size === 0;
    if (this.#isClosed) return;
    if (!isAlone) {
      this.#restsUntilMs = this.#clock.now() + mostPauseMs;
      return;
    }
    for (const waiter of takeAll(this.#line)) waiter.reject(error);
  }

  /** Asks a connection that was not used for long whether it works. */
  async #check(connection: PostgresConnection): Promise<PostgresConnection | undefined> {
    const limit = new Timer(() => connection.destroy());
    this.#clock.schedule(this.#clock.now() + checkMs, limit);
    const exchange = new SimpleExchange("");
    await new Promise<void>((resolve) => connection.start(exchange, resolve));
    limit.cancel();
    if (!exchange.hasFailed) return connection;
    connection.destroy();
    return undefined;
  }

  get #staying(): number {
    return this.#open.size - this.#leaving.size;
  }

  #scheduleSweep(): void {
    const oldest = this.#idle[0];
    if (oldest === undefined || this.#isClosed || this.#staying <= this.settings.min) return;
    this.#clock.schedule(oldest.idleSinceMs + this.settings.idleMs, this.#sweep);
  }

  #dropOld(): void {
    const untilMs = this.#clock.now() - this.settings.idleMs;
    while (this.#idle.length > 0 && this.#idle[0]!.idleSinceMs <= untilMs && this.#staying > this.settings.min) {
      const connection = this.#idle.shift()!;
      this.#leaving.add(connection);
      void connection.end();
    }
    this.#scheduleSweep();
  }

  #closedError(): DatabaseClosedError {
    return new DatabaseClosedError(this.settings.name);
  }
}
