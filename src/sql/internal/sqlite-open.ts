import type { DatabaseSync } from "node:sqlite";
import type { ThreadSettings } from "./sqlite-protocol.ts";

/** Opens a database, and sets it up. */
export function openSqlite(settings: ThreadSettings): DatabaseSync {
  const { path, isReader, busyMs, sliceMs, synchronous } = settings;
  const Database = loadSqlite();
  const db = new Database(path, { readOnly: isReader, timeout: busyMs, enableForeignKeyConstraints: true });
  try {
    // Of a file in use by others this waits, too.
    if (!isReader) db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`);
    else db.exec("select count(*) from sqlite_schema");
    db.exec(`pragma busy_timeout = ${sliceMs}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Without the warning that some versions of Node print when SQLite is first used. */
function loadSqlite(): typeof DatabaseSync {
  const usual = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...usual, value: () => {} });
  try {
    return process.getBuiltinModule("node:sqlite").DatabaseSync;
  } finally {
    Object.defineProperty(process, "emitWarning", usual);
  }
}
