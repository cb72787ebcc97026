/**
 * The thread that writes results into a table of SQLite, whose calls would hold up the requests.
 *
 * A parcel is a transaction: so whatever is in the table is whole, however the process ends. Transactions are safe from
 * the end of the process at once, and from a loss of power when SQLite next moves them into the file.
 */
import type { SQLInputValue } from "node:sqlite";
import { workerData } from "node:worker_threads";
import { openDatabase } from "./sqlite.ts";
import { takeParcels } from "./writer-thread-side.ts";

/** Rows, each with the values of all columns. */
export type RowParcel = readonly (readonly SQLInputValue[])[];

const { path, columns } = workerData as { readonly path: string; readonly columns: readonly string[] };

const db = openDatabase(path);
db.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
// By name: others may have added columns of their own.
const insert = db.prepare(
  `INSERT OR REPLACE INTO results (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
);

takeParcels(
  (rows: RowParcel) => {
    db.exec("BEGIN IMMEDIATE");
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
