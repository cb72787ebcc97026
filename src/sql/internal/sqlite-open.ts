import type { DatabaseSync } from "node:sqlite";
import { withoutWarnings } from "../../core/index.ts";
import type { ThreadSettings } from "./sqlite-protocol.ts";

/** Opens a database, and sets it up. */
export function openSqlite(settings: ThreadSettings): DatabaseSync {
  const { path, isReader, busyMs, sliceMs, synchronous } = settings;
  const { DatabaseSync } = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  const db = new DatabaseSync(path, { readOnly: isReader, timeout: busyMs, enableForeignKeyConstraints: true });
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
