import { type ScopeNode, Waiter, arrive, checkedScope, refuse, shield, toItsEnd } from "../../core/index.ts";
import { DatabaseClosedError, queryErrorOf, shorten } from "../errors.ts";
import { isServerMessage } from "../postgres.ts";
import { type Exchange, SimpleExchange } from "./exchange.ts";
import type { PostgresConnection } from "./postgres-connection.ts";

/** What the server says of what it was asked to stop. */
const queryCancelled = "57014";

/** Those who wait for something of a connection, by it: so that closing the database can reach them. */
const waiters = new WeakMap<PostgresConnection, ExchangeWaiter>();

/**
 * Runs an exchange to its end.
 *
 * Cancel: stops it at the server, and waits until the connection is ready for the next, or closed. What has ended by itself
 * meanwhile counts: the next checkpoint throws.
 *
 * @throws {QueryError} the server refused
 * @throws {ConnectionLostError} the connection broke
 */
export function perform(connection: PostgresConnection, exchange: Exchange): Promise<void> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  return performIn(scope, connection, exchange);
}

async function performIn(scope: ScopeNode, connection: PostgresConnection, exchange: Exchange): Promise<void> {
  const wait = new ExchangeWaiter(scope, exchange);
  waiters.set(connection, wait);
  connection.start(exchange, () => wait.resolve());
  try {
    await wait.promise;
  } catch (error) {
    if (connection.isRunning(exchange)) await stop(connection, exchange);
    if (!exchange.hasFailed) return;
    if (!isServerMessage(exchange.failure) || exchange.failure.code === queryCancelled) throw error;
  }
  if (exchange.hasFailed) throw errorOf(exchange);
}

/** Stops what is under way, and waits for its end. */
async function stop(connection: PostgresConnection, exchange: Exchange): Promise<void> {
  await toItsEnd(`stop ${labelOf(exchange.text)}`, () => {
    const ended = Promise.withResolvers<void>();
    connection.onEnd(ended.resolve);
    connection.interrupt();
    return ended.promise;
  });
}

/**
 * The database is closed: whoever waits for something of the connection gives up, and nothing more begins there. Returns whether
 * somebody does.
 */
export function dismiss(connection: PostgresConnection, name: string): boolean {
  const error = new DatabaseClosedError(name);
  connection.retire(error);
  const wait = waiters.get(connection);
  if (wait?.isPending !== true) return false;
  wait.reject(error);
  return true;
}

/** What to throw for what has failed. */
function errorOf({ failure, text }: Exchange): unknown {
  return isServerMessage(failure) ? queryErrorOf(failure, text) : failure;
}

/** A query, for people. */
export function labelOf(text: string | undefined): string {
  return text === undefined ? "a query" : shorten(text.replaceAll(/\s+/g, " ").trim(), 60);
}

class ExchangeWaiter extends Waiter<void> {
  readonly #exchange: Exchange;
  readonly #what: string | undefined;

  constructor(scope: ScopeNode, exchange: Exchange, what?: string) {
    super(scope);
    this.#exchange = exchange;
    this.#what = what;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return this.#what ?? `query ${labelOf(this.#exchange.text)}`;
  }

  /** Whoever waits sees to it. */
  protected override leave(): void {}
}

/** Waits for a promise that settles as the exchange goes on. */
export type WaitFor = (what: string, promise: Promise<void>) => Promise<void>;

/**
 * Runs an exchange that is a dialogue: `talk` does our part. When it returns, the end is waited for.
 *
 * Cancel, and a `talk` that throws: the exchange is stopped, and the connection is ready again afterwards, or closed.
 *
 * @returns what the server has counted
 */
export async function converse(
  connection: PostgresConnection,
  exchange: Exchange,
  talk: (wait: WaitFor) => Promise<void>,
): Promise<number> {
  const dialogue = new Dialogue(connection, exchange);
  try {
    await talk(dialogue.wait);
    await dialogue.end();
  } catch (error) {
    await dialogue.giveUp(error);
  }
  return dialogue.count();
}

/** The same where our part hands on what comes. Leaving it stops the exchange. */
export async function* converseLong<T>(
  connection: PostgresConnection,
  exchange: Exchange,
  talk: (wait: WaitFor) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  const dialogue = new Dialogue(connection, exchange);
  try {
    yield* talk(dialogue.wait);
    await dialogue.end();
  } catch (error) {
    await dialogue.giveUp(error);
  } finally {
    if (connection.isRunning(exchange)) await stop(connection, exchange);
  }
  dialogue.count();
}

class Dialogue {
  readonly #connection: PostgresConnection;
  readonly #exchange: Exchange;
  readonly #ended = Promise.withResolvers<void>();

  constructor(connection: PostgresConnection, exchange: Exchange) {
    checkedScope();
    this.#connection = connection;
    this.#exchange = exchange;
    connection.start(exchange, () => {
      exchange.ended();
      this.#ended.resolve();
    });
  }

  readonly wait: WaitFor = async (what, promise) => {
    const waiter = new ExchangeWaiter(checkedScope(), this.#exchange, what);
    waiters.set(this.#connection, waiter);
    void promise.then(() => waiter.resolve());
    await waiter.promise;
  };

  async end(): Promise<void> {
    await this.wait(`query ${labelOf(this.#exchange.text)}`, this.#ended.promise);
  }

  /** Stops it, and throws why: what the server has said before `error` came counts more. */
  async giveUp(error: unknown): Promise<void> {
    const exchange = this.#exchange;
    const wasRefused = exchange.hasFailed;
    if (this.#connection.isRunning(exchange)) await stop(this.#connection, exchange);
    if (exchange.hasFailed && !wasRefused) throw error;
  }

  count(): number {
    if (this.#exchange.hasFailed) throw errorOf(this.#exchange);
    return this.#exchange.count;
  }
}

/** Runs what must be run although the scope is cancelled, or closes the connection. Never rejects. */
export async function settle(connection: PostgresConnection, what: string | Exchange): Promise<void> {
  if (connection.isClosed) return;
  const exchange = typeof what === "string" ? new SimpleExchange(what) : what;
  try {
    await shield(() => perform(connection, exchange), { timeoutMs: settleMs });
  } catch {
    connection.destroy();
  }
}

const settleMs = 10_000;
