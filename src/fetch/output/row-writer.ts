/**
 * The thread that writes results into a table of SQLite, whose calls would hold up the requests.
 *
 * A parcel is a transaction: so whatever is in the table is whole, however the process ends. Transactions are safe from
 * the end of the process at once, and from a loss of power when SQLite next moves them into the file.
 */
import type { SQLInputValue } from "node:sqlite";
import { workerData } from "node:worker_threads";
import { openDatabase } from "../journal/sqlite.ts";
import { takeParcels } from "./writer-thread-side.ts";

/** Rows, each with the values of all columns. */
export type RowParcel = readonly (readonly SQLInputValue[])[];

const { path, columns } = workerData as { readonly path: string; readonly columns: readonly string[] };

/** How often SQLite is told to wait for a second. */
const patience = 600;

const db = openDatabase(path);
db.exec("PRAGMA busy_timeout = 1000");
patiently(() => db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"));
// By name: others may have added columns of their own.
const insert = patiently(() =>
  db.prepare(`INSERT OR REPLACE INTO results (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`),
);

takeParcels(
  (rows: RowParcel) => {
    patiently(() => db.exec("BEGIN IMMEDIATE"));
    try {
      for (const row of rows) insert.run(...row);
      db.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back already where the disk was full.
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  },
  () => db.close(),
);

/**
 * Others may be writing to the database, and take their time: for an index of all bodies, say. Nothing is lost meanwhile,
 * and requests wait. In pieces, since a thread that waits in SQLite cannot be ended.
 */
function patiently<T>(action: () => T): T {
  for (let left = patience; ; left--) {
    try {
      return action();
    } catch (error) {
      if (left === 0 || !isBusy(error)) throw error;
    }
  }
}

/** The last byte of a code of SQLite is the kind of error. */
function isBusy(error: unknown): boolean {
  return ((error as { errcode: number }).errcode & 0xff) === 5;
}
