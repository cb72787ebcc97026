import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { withoutWarnings } from "../../core/index.ts";

/** Opens a database. SQLite is loaded only then. */
export function openDatabase(path: string | URL): DatabaseSync {
  const { DatabaseSync } = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  return new DatabaseSync(path);
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
