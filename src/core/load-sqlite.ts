import type { DatabaseSync } from "node:sqlite";

/**
 * SQLite, loaded only when it is asked for, and without the warning that some versions of Node print on that occasion: it
 * is for programmers, and what is printed may be read by users of a command.
 */
export function loadSqlite(): typeof DatabaseSync {
  const usual = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...usual, value: () => {} });
  try {
    return process.getBuiltinModule("node:sqlite").DatabaseSync;
  } finally {
    Object.defineProperty(process, "emitWarning", usual);
  }
}
