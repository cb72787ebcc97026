import type { DatabaseSync } from "node:sqlite";

/**
 * Opens a database. SQLite is loaded only then, and without the warning that some versions of Node print on that
 * occasion: it is for programmers, and what is printed here is read by users of the command.
 */
export function openDatabase(path: string): DatabaseSync {
  const usual = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...usual, value: () => {} });
  try {
    const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
    return new Database(path);
  } finally {
    Object.defineProperty(process, "emitWarning", usual);
  }
}
