import type { Query } from "./query.ts";

/** A row, by the names of its columns. */
export type Row = Record<string, unknown>;

/** What runs: text with `$1`, `$2` ... for the values beside it, or what `sql` has made, which has its own. */
export type QueryInput = string | Query;

/** Settings of `stream`. */
export interface StreamOptions {
  /** Rows asked for at once. @default 1_000 */
  readonly batchRows?: number;
}

/** Settings of `transaction`. */
export interface TransactionOptions {
  /**
   * What it sees of others that run at the same time. @default that of the database: `"read committed"` in Postgres;
   * SQLite has only `"serializable"`
   */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** Whether it may write. @default false */
  readonly readOnly?: boolean;
  /**
   * How often it is run again where the database gave up one of several that got into each other's way (SQLSTATE 40001,
   * 40P01). The function is called anew each time. @default 0
   */
  readonly retrySerialization?: number;
}

/** Settings of `listen`. */
export interface ListenOptions {
  /**
   * Called when notifications may have been missed: the connection was lost and is there again, or more than 10,000 had
   * not been read. What it throws ends the stream.
   */
  readonly onLost?: (why: "connection" | "buffer") => void;
}

/** What `listen` gives: payloads, as they come. */
export interface NotificationStream extends AsyncIterableIterator<string, undefined>, AsyncDisposable {
  /** Settles when the server listens: what is notified from then on comes. */
  readonly begun: Promise<void>;
}

/** What `copyFrom` gives: pieces of 64 KiB and more. To be read once. */
export type CopyStream = AsyncIterableIterator<Uint8Array, undefined> & AsyncDisposable;

/** The rows of `stream`. To be read once. */
export type RowStream<R> = AsyncIterableIterator<R, undefined> & AsyncDisposable;

/**
 * Whatever takes queries: a database, a connection of one's own, a transaction.
 *
 * A query is text with `$1`, `$2` ... for values, or what `sql` has made. Every call is a checkpoint. Those of a connection or
 * a transaction run one after another.
 *
 * Cancel: a call that waits in line for a connection leaves it. A query that runs is stopped by the database (by SQLite between
 * two rows), and the call ends when it has stopped; where it had ended by itself, its value is returned, and the next checkpoint throws.
 */
export interface Queryable {
  /**
   * All rows, as objects.
   *
   * Cancel: stops the query.
   *
   * @throws {QueryError} SQL_QUERY, SQL_CONSTRAINT, SQL_SERIALIZATION, SQL_BUSY: the database refused
   * @throws {ConnectError} SQL_CONNECT, no connection can be had
   * @throws {ConnectionLostError} SQL_CONNECTION_LOST, it broke
   * @throws {DatabaseClosedError} SQL_CLOSED
   */
  fetch<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R[]>;
  /**
   * The first row; undefined if there is none. The others are passed over, not left out, so ask for one only.
   *
   * Cancel: stops the query.
   *
   * @throws as {@link Queryable.fetch}
   */
  fetchRow<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R | undefined>;
  /**
   * The first column of the first row; undefined if there is none.
   *
   * Cancel: stops the query.
   *
   * @throws as {@link Queryable.fetch}
   */
  fetchValue<V = unknown>(query: QueryInput, values?: readonly unknown[]): Promise<V | undefined>;
  /**
   * Runs it, and returns how many rows it has changed or given. Without values, the text may be several statements, which
   * run in one transaction.
   *
   * Cancel: stops the query.
   *
   * @throws as {@link Queryable.fetch}
   */
  execute(query: QueryInput, values?: readonly unknown[]): Promise<number>;
  /**
   * Runs one statement once for each row of values, very many at a time, all of them or none, in constant memory.
   *
   * Cancel: nothing of it has happened, and the source is closed.
   *
   * @param rows - as many values each as the statement has parameters
   * @returns how many rows were changed
   * @throws {QueryError} the database refused one; nothing of it has happened
   */
  executeMany(query: string, rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>): Promise<number>;
  /**
   * Rows as they are read, in constant memory. It begins with the first that is asked for. Leaving the loop ends it, and so
   * does the end of the scope in which it was made: then a reader gets a TaskCancelledError for what is missing.
   *
   * Cancel: stops the query, and ends the loop with the cancellation.
   */
  stream<R = Row>(query: QueryInput, values?: readonly unknown[], options?: StreamOptions): RowStream<R>;
  /**
   * Inserts rows in the fastest way there is, all of them or none, in constant memory.
   *
   * Cancel: nothing of it is in the table, and the source is closed.
   *
   * @param table - a name, or `schema.table`; quoted
   * @param columns - names; quoted
   * @param rows - as many values each as there are columns
   * @returns how many
   */
  copyInto(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  ): Promise<number>;
  /**
   * Runs `fn` in a transaction: committed when it returns, rolled back when it throws or is cancelled. Inside of another: a
   * savepoint, which is rolled back alone.
   *
   * Cancel: cancels `fn`, rolls back, and waits for both.
   *
   * @param fn - uses what it is given, until it returns
   * @throws {QueryError} SQL_QUERY with `sqlState` 25P02, an error in it was caught outside a transaction of its own; 25P01,
   * a statement in it has ended it
   * @throws {SerializationError} SQL_SERIALIZATION, others got in its way more than `retrySerialization` times
   * @throws {NotSupportedError} SQL_NOT_SUPPORTED, SQLite has no such isolation
   * @throws {TypeError} it was called inside a transaction, of an object that waits for the end of that
   */
  transaction<T>(fn: (transaction: Queryable) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
}

/** A connection for oneself, whose settings, locks and temporary tables go when it is given back: when it is disposed of. */
export interface Connection extends Queryable, AsyncDisposable {}

/** What a database is doing. */
export interface DatabaseStatistics {
  /** Connections open, those in use included. */
  readonly connections: number;
  /** Connections in use. */
  readonly inUse: number;
  /** Callers in line for one. */
  readonly waiting: number;
}

/**
 * A database, with a pool of connections. Made by `connect`. Disposing of it stops what runs in it, ends what waits with a
 * DatabaseClosedError, and waits until all sockets are closed.
 */
export interface Database extends Queryable, AsyncDisposable {
  /** Which SQL it speaks. */
  readonly dialect: "postgres" | "sqlite";
  /**
   * Waits for a connection for oneself, for what belongs to one: settings, locks, temporary tables. `await using` gives it back;
   * at the latest the end of the scope in which it was acquired, which stops what runs on it.
   *
   * Cancel: leaves the line.
   *
   * @throws {ConnectError} SQL_CONNECT
   */
  acquire(): Promise<Connection>;
  /**
   * What others notify on `channel`, from when it has `begun` and across lost connections. Postgres only.
   *
   * Cancel: a reader stops waiting; listening goes on until it is disposed of, a loop over it is left, or the scope ends in
   * which it began.
   *
   * @param channel - of 63 bytes at most; quoted
   * @throws {NotSupportedError} SQL_NOT_SUPPORTED, it is SQLite
   * @throws {RangeError} the name is too long for Postgres, which would listen to another
   */
  listen(channel: string, options?: ListenOptions): NotificationStream;
  /**
   * What COPY gives of a table, or of a query in parentheses, in pieces, in constant memory. Leaving the loop ends it, and so
   * does the end of the scope in which it was made, as with `stream`. Postgres only.
   *
   * Cancel: stops it.
   *
   * @throws {NotSupportedError} SQL_NOT_SUPPORTED, it is SQLite
   */
  copyFrom(source: string, options?: { readonly format?: "text" | "csv" }): CopyStream;
  /** What it is doing right now. */
  statistics(): DatabaseStatistics;
}
