import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * Opens a database. SQLite is loaded only then, and without the warning that some versions of Node print on that
 * occasion: it is for programmers, and what is printed here is read by users of the command.
 */
export function openDatabase(path: string | URL): DatabaseSync {
  const usual = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...usual, value: () => {} });
  try {
    const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
    return new Database(path);
  } finally {
    Object.defineProperty(process, "emitWarning", usual);
  }
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
