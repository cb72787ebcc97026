import type { DatabaseSync } from "node:sqlite";
import { withoutWarnings } from "../../core/index.ts";
import type { ThreadSettings } from "./sqlite-protocol.ts";

/** Opens a database, and sets it up. */
export function openSqlite(settings: ThreadSettings): DatabaseSync {
  const { path, isReader, sliceMs, synchronous } = settings;
  const { DatabaseSync } = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  const db = new DatabaseSync(path, { readOnly: isReader, timeout: sliceMs, enableForeignKeyConstraints: true });
  try {
    // Of a file in use by others this may fail: then it is opened again.
    if (!isReader) db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`);
    else db.exec("select count(*) from sqlite_schema");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
