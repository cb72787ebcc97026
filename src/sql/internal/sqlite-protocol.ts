/** What a database and its thread say to each other. Arrays, for a name in each message would be copied each time. */
import type { SqliteFailure } from "./sqlite-failure.ts";
import type { SqliteValue } from "./sqlite-values.ts";

/** For the thread, as its `workerData`. */
export interface ThreadSettings {
  /** Of the file; `:memory:` for none. */
  readonly path: string;
  readonly isReader: boolean;
  /** How long SQLite itself waits for a lock. Cancellation comes in between. */
  readonly sliceMs: number;
  readonly synchronous: string;
  readonly maxStatements: number;
  /** Holds the number of the command that is to stop. */
  readonly stop: Int32Array;
}

/**
 * What the thread is to do:
 *
 * - `rows` gives all rows, in pieces, `row` the first;
 * - `count` runs a statement to its end;
 * - `many` runs one for each row of so many values; `insert` does, too, and is given what stands before the rows;
 * - `open` begins to read, `more` goes on for so many rows, `shut` ends it: `opened` is the id of `open`;
 * - `begin` runs the statement that begins a transaction, `end` the one that ends it, and `back` one that rolls back:
 *   all of it, or to a savepoint;
 * - `reset` leaves nothing behind of whoever had the connection alone, and `close` closes it.
 */
export type ThreadWork =
  | readonly [kind: "rows" | "row", text: string, values: readonly SqliteValue[], isRead: boolean]
  | readonly [kind: "count", text: string, values: readonly SqliteValue[]]
  | readonly [kind: "open", text: string, values: readonly SqliteValue[], isOwn: boolean]
  | readonly [kind: "many" | "insert", text: string, values: readonly SqliteValue[], width: number]
  | readonly [kind: "more", opened: number, rows: number]
  | readonly [kind: "shut", opened: number]
  | readonly [kind: "begin" | "end" | "back", text: string]
  | readonly [kind: "reset" | "close"];

/** Numbers are those of the answers. They begin anew after two thousand million. */
export type ThreadCommand = readonly [id: number, work: ThreadWork];

/** Rows, one value after another. */
export interface RowPiece {
  readonly names: readonly string[];
  readonly values: readonly SqliteValue[];
  /** Whether it is the first piece: forget what came before, which was read with the wrong kind of integers. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What the thread answers, in order. `rows` may be answered several times: only the last has `isLast`. */
export type ThreadReply =
  | readonly [id: number, kind: "rows", piece: RowPiece]
  | readonly [id: number, kind: "done", count: number]
  | readonly [id: number, kind: "stopped"]
  | readonly [id: number, kind: "failed", failure: SqliteFailure];
