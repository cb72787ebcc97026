import { BusyError, ConstraintError, QueryError, type QueryErrorDetails, SerializationError } from "../errors.ts";

/** What a thread says of an error. */
export interface SqliteFailure {
  readonly message: string;
  /** SQLite's extended code; undefined if the error is not SQLite's. */
  readonly number: number | undefined;
  /** Of Node: `ERR_...`. */
  readonly code: string | undefined;
}

/** Primary codes of SQLite, by number. */
const primary: readonly string[] = [
  ..."OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN".split(
    " ",
  ),
  ..."PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING".split(" "),
];

/** Extended codes, by primary code: the first is 1, the next 2, and so on. */
const extended: Readonly<Record<string, readonly string[]>> = {
  ERROR: "MISSING_COLLSEQ RETRY SNAPSHOT RESERVESIZE KEY UNABLE".split(" "),
  ABORT: ["", "ROLLBACK"],
  BUSY: "RECOVERY SNAPSHOT TIMEOUT".split(" "),
  LOCKED: "SHAREDCACHE VTAB".split(" "),
  READONLY: "RECOVERY CANTLOCK ROLLBACK DBMOVED CANTINIT DIRECTORY".split(" "),
  IOERR: [
    ..."READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM ACCESS".split(" "),
    ..."CHECKRESERVEDLOCK LOCK CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT MMAP".split(" "),
    ..."GETTEMPPATH CONVPATH VNODE AUTH BEGIN_ATOMIC COMMIT_ATOMIC ROLLBACK_ATOMIC DATA CORRUPTFS IN_PAGE".split(" "),
  ],
  CORRUPT: "VTAB SEQUENCE INDEX".split(" "),
  CANTOPEN: "NOTEMPDIR ISDIR FULLPATH CONVPATH DIRTYWAL SYMLINK".split(" "),
  CONSTRAINT: "CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE".split(
    " ",
  ),
};

/** The name of an error code: `SQLITE_CONSTRAINT_UNIQUE`. */
function sqliteCodeName(number: number): string {
  const name = primary[number & 0xff] ?? String(number & 0xff);
  const more = extended[name]?.[(number >> 8) - 1];
  return more === undefined || more === "" ? `SQLITE_${name}` : `SQLITE_${name}_${more}`;
}

/** Whether another process or thread holds what was needed, and nothing has happened: it can be tried again. */
export function isBusy({ number }: SqliteFailure): boolean {
  return number !== undefined && (number & 0xff) === 5 && number !== busySnapshot;
}

/** What was read in this transaction is not what is there any more, so that it cannot write. */
const busySnapshot = 517;

/** The error for what a thread says. */
export function errorOfSqlite(failure: SqliteFailure, query: string | undefined, busyMs: number): Error {
  const { message, number, code } = failure;
  if (number === undefined) return new QueryError(message, query, { sqlState: code ?? "SQLITE_MISUSE" });
  const sqlState = sqliteCodeName(number);
  if (isBusy(failure)) return new BusyError(busyMs, query, { sqlState });
  if (number === busySnapshot) return new SerializationError(message, query, { sqlState });
  if (sqlState.startsWith("SQLITE_CONSTRAINT")) return new ConstraintError(message, query, partsOf(message, sqlState));
  return new QueryError(message, query, { sqlState });
}

/** What of a broken constraint can be read in its message. */
function partsOf(message: string, sqlState: string): QueryErrorDetails {
  const { kind, what } = /^(?<kind>[A-Z ]+) constraint failed: (?<what>.+)$/.exec(message)?.groups ?? {};
  if (what === undefined) return { sqlState };
  if (kind === "CHECK") return { sqlState, constraint: what };
  const index = /^index '(.+)'$/.exec(what)?.[1];
  if (index !== undefined) return { sqlState, constraint: index };
  // `table.column`, or several of one table. Of names with dots or commas in them nobody knows where they end.
  const columns = what.split(", ").map((column) => /^([^.]+)\.([^.]+)$/.exec(column));
  const table = columns[0]?.[1];
  if (table === undefined || columns.some((column) => column?.[1] !== table)) return { sqlState };
  return { sqlState, table, column: columns.length === 1 ? columns[0]![2] : undefined };
}
