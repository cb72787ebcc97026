/**
 * The errors of databases. No values are put into them, nor passwords.
 *
 *     TaskwrightError
 *     └─ SqlError
 *        ├─ QueryError            SQL_QUERY             the database refused what it was asked
 *        │  ├─ ConstraintError    SQL_CONSTRAINT        a row breaks a rule of its table
 *        │  ├─ SerializationError SQL_SERIALIZATION     several got into each other's way: once more
 *        │  └─ BusyError          SQL_BUSY              another process has locked the file of SQLite
 *        ├─ ConnectError          SQL_CONNECT           no connection can be had
 *        ├─ ConnectionLostError   SQL_CONNECTION_LOST   it broke while it was used
 *        ├─ DatabaseClosedError   SQL_CLOSED            the database was disposed of
 *        └─ NotSupportedError     SQL_NOT_SUPPORTED     this database cannot do that
 */
import { TaskwrightError, formatMs } from "../core/index.ts";

/** What a server of Postgres says of an error. */
export interface ServerMessage {
  readonly message: string;
  readonly severity?: string | undefined;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: string | undefined;
  readonly constraint?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly routine?: string | undefined;
}

/** The base of the errors of databases. */
export abstract class SqlError extends TaskwrightError {
  /** The text of the query, of a long one the beginning. Without its values. Undefined where none was under way. */
  readonly query: string | undefined;

  constructor(message: string, query: string | undefined, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.query = query === undefined ? undefined : shorten(query, maxQueryLength);
  }
}

/** What the database says of a query that it refuses. */
export interface QueryErrorDetails {
  /** Five characters that tell what went wrong, in Postgres; in SQLite its code, as a name. */
  readonly sqlState: string;
  /** The constraint that was broken. */
  readonly constraint?: string | undefined;
  /** The table it is about. */
  readonly table?: string | undefined;
  /** The column it is about. */
  readonly column?: string | undefined;
  /** Where in the text of the query: the first character is 1. */
  readonly position?: number | undefined;
  /** What the database suggests. */
  readonly hint?: string | undefined;
  /** May hold values. */
  readonly detail?: string | undefined;
}

const code = "SQL_QUERY" as const;

/** The database refused what it was asked. */
export class QueryError extends SqlError {
  override readonly name: string = "QueryError";
  override readonly code: typeof code | "SQL_CONSTRAINT" | "SQL_SERIALIZATION" | "SQL_BUSY" = code;
  /** What went wrong, as the database names it: five characters in Postgres, such as `23505`. */
  readonly sqlState: string;
  /** The constraint that was broken. */
  readonly constraint: string | undefined;
  /** The table it is about. */
  readonly table: string | undefined;
  /** The column it is about. */
  readonly column: string | undefined;
  /** Where in the text of the query: the first character is 1. */
  readonly position: number | undefined;
  /** What the database suggests. */
  readonly hint: string | undefined;
  /** More of it. Not enumerable, for it may hold values. */
  declare readonly detail: string | undefined;

  constructor(message: string, query: string | undefined, details: QueryErrorDetails, cause?: unknown) {
    const of = query === undefined ? "" : `, in: ${shorten(query.replaceAll(/\s+/g, " ").trim(), maxShown)}`;
    super(`${message} (${details.sqlState})${of}`, query, cause);
    this.sqlState = details.sqlState;
    this.constraint = details.constraint;
    this.table = details.table;
    this.column = details.column;
    this.position = details.position;
    this.hint = details.hint;
    Object.defineProperty(this, "detail", { value: details.detail, enumerable: false });
  }
}

/** A row breaks a rule of its table: one that must be unique is there already, a value is missing, and so on. */
export class ConstraintError extends QueryError {
  override readonly name = "ConstraintError" as const;
  override readonly code = "SQL_CONSTRAINT" as const;
}

/** Several transactions got into each other's way, and this one was given up. It may work when tried again. */
export class SerializationError extends QueryError {
  override readonly name = "SerializationError" as const;
  override readonly code = "SQL_SERIALIZATION" as const;
}

/** The file of an SQLite database was locked by another process all the time, and nothing has happened. SQLite only. */
export class BusyError extends QueryError {
  override readonly name = "BusyError" as const;
  override readonly code = "SQL_BUSY" as const;

  constructor(busyMs: number, query: string | undefined, details: QueryErrorDetails, cause?: unknown) {
    super(`the database is locked by others, for longer than \`busyMs\` (${formatMs(busyMs)})`, query, details, cause);
  }
}

/** No connection can be had: nobody answers, or it was refused. */
export class ConnectError extends SqlError {
  override readonly name = "ConnectError" as const;
  override readonly code = "SQL_CONNECT" as const;
  /** What the server said, where one answered. */
  readonly sqlState: string | undefined;

  constructor(database: string, why: string, sqlState?: string, cause?: unknown) {
    super(`no connection to ${database}: ${why}`, undefined, cause);
    this.sqlState = sqlState;
  }
}

/** The connection broke while it was used. Whether the database has done what it was asked is not known. */
export class ConnectionLostError extends SqlError {
  override readonly name = "ConnectionLostError" as const;
  override readonly code = "SQL_CONNECTION_LOST" as const;

  constructor(database: string, why: string, query: string | undefined, cause?: unknown) {
    super(`the connection to ${database} was lost: ${why}`, query, cause);
  }
}

/** The database was disposed of, or the connection or transaction has ended that was to be used. */
export class DatabaseClosedError extends SqlError {
  override readonly name = "DatabaseClosedError" as const;
  override readonly code = "SQL_CLOSED" as const;

  constructor(what: string) {
    super(`${what} is closed`, undefined);
  }
}

/** This database cannot do that. */
export class NotSupportedError extends SqlError {
  override readonly name = "NotSupportedError" as const;
  override readonly code = "SQL_NOT_SUPPORTED" as const;

  constructor(what: string, dialect: string) {
    super(`${what} is not supported by ${dialect}`, undefined);
  }
}

/** As much of a query stays with its error. */
const maxQueryLength = 2_000;
const maxShown = 120;

/** `text`, or its beginning. */
export function shorten(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}

/** The error for what a server of Postgres says. */
export function queryErrorOf(message: ServerMessage, query: string | undefined): QueryError {
  const sqlState = message.code ?? "XX000";
  const { constraint, table, column, detail, hint } = message;
  const position = message.position === undefined ? undefined : Number(message.position);
  const details = { sqlState, constraint, table, column, position, detail, hint };
  if (sqlState.startsWith("23")) return new ConstraintError(message.message, query, details);
  if (sqlState === "40001" || sqlState === "40P01") return new SerializationError(message.message, query, details);
  return new QueryError(message.message, query, details);
}
