import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { DoneSet } from "../journal/done-set.ts";
import type { ResultRecord } from "./result-record.ts";

/** The table that results go into, as users see it. */
const columns = {
  number: "INTEGER PRIMARY KEY",
  id: "",
  url: "TEXT",
  ok: "INTEGER NOT NULL",
  status: "INTEGER",
  attempts: "INTEGER NOT NULL",
  headers_ms: "REAL",
  attempt_ms: "REAL",
  total_ms: "REAL",
  headers: "TEXT",
  body_type: "TEXT",
  body: "",
  error_code: "TEXT",
  error_message: "TEXT",
  /** To notice that the request of this number is not what it was. */
  request_hash: "INTEGER NOT NULL",
} as const;

/** The values of a row, in the order of the columns. */
export type ResultRow = readonly SQLInputValue[];

export const columnNames: readonly string[] = Object.keys(columns);

export function hasTable(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'results'").get() !== undefined;
}

export function makeTable(db: DatabaseSync): void {
  const list = Object.entries(columns).map(([name, type]) => `${name} ${type}`.trim());
  db.exec(`CREATE TABLE results (${list.join(", ")})`);
}

export function dropTable(db: DatabaseSync): void {
  db.exec("DROP TABLE IF EXISTS results");
}

/** Takes out what failed, so that it is asked again. */
export function deleteFailed(db: DatabaseSync): void {
  db.exec("DELETE FROM results WHERE ok = 0");
}

/** The requests that have their row. */
export function doneIn(db: DatabaseSync): DoneSet {
  const done = new DoneSet();
  const rows = db.prepare("SELECT number, ok, error_code = 'BAD_LINE' AS bad, request_hash AS hash FROM results");
  for (const row of rows.iterate()) {
    const { number, ok, bad, hash } = row as { number: number; ok: number; bad: number | null; hash: number };
    done.add(number, ok === 1 ? "ok" : bad === 1 ? "bad-line" : "failed", hash);
  }
  return done;
}

/** The row of a result. */
export function rowOf(result: ResultRecord): ResultRow {
  return [
    result.number,
    idColumn(result.id),
    result.url,
    Number(result.ok),
    result.status,
    result.attempts,
    result.headersMs,
    result.attemptMs,
    result.totalMs,
    result.headers === null ? null : JSON.stringify(result.headers),
    result.bodyType,
    // A copy: with part of a larger piece of memory, all of that would go over to the thread.
    result.body instanceof Uint8Array ? new Uint8Array(result.body) : result.body,
    result.errorCode,
    result.errorMessage,
    result.requestHash,
  ];
}

/** The column has no type, so a number would be stored as it is in JavaScript, and shown as 1.0. */
function idColumn(id: string | number): SQLInputValue {
  return Number.isSafeInteger(id) ? BigInt(id) : id;
}
