import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { withoutWarnings } from "../../core/index.ts";

/** Opens a database. SQLite is loaded only then. */
export function openDatabase(path: string | URL): DatabaseSync {
  const { DatabaseSync } = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  return new DatabaseSync(path);
}

/**
 * Refuses a database that could not be written, in the words of the system: SQLite says no more than `disk I/O error`.
 *
 * @throws {Error} the file system's, with a code such as `EACCES`
 */
export function refuseReadOnly(path: string): void {
  // Files of SQLite's own come and go beside it.
  accessSync(dirname(path), constants.W_OK);
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
}

/**
 * Reads a number from the header of a database, whoever has locked it: undefined if it is none.
 *
 * Through SQLite, and not with a descriptor of our own: closing that would give up all locks that this process has on
 * the file.
 */
export function headerOf(path: string, name: "application_id" | "user_version"): number | undefined {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  try {
    const db = openDatabase(url);
    try {
      return (db.prepare(`PRAGMA ${name}`).get() as Record<typeof name, number>)[name];
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  }
}
