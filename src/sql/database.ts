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
  /** What it sees of others that run at the same time. @default that of the database: `"read committed"` in Postgres */
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
   * not been read.
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

/** Whatever takes queries: a database, a connection of one's own, a transaction. */
export interface Queryable {
  /** All rows. */
  fetch<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R[]>;
  /** The first row; undefined if there is none. */
  fetchRow<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R | undefined>;
  /** The first column of the first row; undefined if there is none. */
  fetchValue<V = unknown>(query: QueryInput, values?: readonly unknown[]): Promise<V | undefined>;
  /** Runs it, and returns how many rows it has changed or given. */
  execute(query: QueryInput, values?: readonly unknown[]): Promise<number>;
  /** Runs one statement once for each row of values, many at a time, all of them or none. Returns how many rows changed. */
  executeMany(query: string, rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>): Promise<number>;
  /** Rows as they are read, in constant memory. */
  stream<R = Row>(query: QueryInput, values?: readonly unknown[], options?: StreamOptions): RowStream<R>;
  /** Inserts rows in the fastest way there is, all of them or none. Returns how many. */
  copyInto(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
  ): Promise<number>;
  /** Runs `fn` in a transaction: committed when it returns, rolled back when it throws or is cancelled. Inside of another: a savepoint. */
  transaction<T>(fn: (transaction: Queryable) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
}

/** A connection for oneself. Given back when it is disposed of. */
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

/** A database, with a pool of connections. Made by `connect`. */
export interface Database extends Queryable, AsyncDisposable {
  /** Which SQL it speaks. */
  readonly dialect: "postgres" | "sqlite";
  /** A connection for oneself, for what belongs to one: settings, locks, temporary tables. */
  acquire(): Promise<Connection>;
  /** What others notify on `channel`, from the call on and across lost connections. Postgres only. */
  listen(channel: string, options?: ListenOptions): NotificationStream;
  /** What COPY gives of a table, or of a query in parentheses, in pieces. Postgres only. */
  copyFrom(source: string, options?: { readonly format?: "text" | "csv" }): CopyStream;
  /** What it is doing right now. */
  statistics(): DatabaseStatistics;
}
