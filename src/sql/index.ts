/**
 * @module
 * Databases in the task tree: Postgres and SQLite, one API. What is cancelled stops at the server.
 *
 * @example
 * ```ts fragment
 * import { timeout } from "taskwright";
 * import { connect, sql } from "taskwright/sql";
 *
 * await using db = await connect("postgres://user:password@localhost/shop", { max: 10 });
 * const users = await timeout(2_000, () => db.fetch<{ name: string }>(sql`select name from users where id = ${id}`));
 * ```
 */
export { type ConnectOptions, connect } from "./connect.ts";
export type {
  Connection,
  CopyStream,
  Database,
  DatabaseStatistics,
  ListenOptions,
  NotificationStream,
  QueryInput,
  Queryable,
  Row,
  RowStream,
  StreamOptions,
  TransactionOptions,
} from "./database.ts";
export {
  BusyError,
  ConnectError,
  ConnectionLostError,
  ConstraintError,
  DatabaseClosedError,
  NotSupportedError,
  QueryError,
  type QueryErrorDetails,
  SerializationError,
  SqlError,
} from "./errors.ts";
export { type InsertBatchesOptions, insertBatches } from "./insert-batches.ts";
export { type Query, type SqlPart, type SqlTag, sql } from "./query.ts";
