import type { DatabaseSync } from "node:sqlite";
import type { SqliteFailure } from "./sqlite-failure.ts";
import { SqliteMisuse, TransactionLost } from "./sqlite-misuse.ts";
import type { RowPiece, ThreadCommand, ThreadReply, ThreadSettings, ThreadWork } from "./sqlite-protocol.ts";
import { openSqlite } from "./sqlite-open.ts";
import { OpenRows } from "./sqlite-rows.ts";
import { type KeptStatement, SqliteStatements, bindable, isScript, prepareOne } from "./sqlite-statements.ts";
import type { SqliteValue } from "./sqlite-values.ts";

type ReadWork = ThreadWork & { readonly 0: "rows" | "row" };
type Reply = (answer: ThreadReply) => void;

/** So many rows of `many` are inserted by one statement, unless they have very many values. */
const rowsTogether = 16;
const valuesTogether = 400;
/** What has one of these words may change settings, or make something that only this connection sees. */
const changesConnection = /\b(?:pragma|attach|detach|temp|temporary)\b/i;
/** So often it is asked whether to stop. */
const stopEvery = 64;

/** A connection to SQLite, in its thread. It opens with its first command, so that whoever asks hears why it cannot. */
export class SqliteConnection {
  readonly #settings: ThreadSettings;
  readonly #open = new Map<number, OpenRows>();
  /** Those that were opened in the transaction. */
  readonly #inner = new Set<number>();
  /** Those of whoever has the connection alone. */
  readonly #own = new Set<number>();
  #db: DatabaseSync | undefined;
  /** Whether a transaction was begun, and not ended by who began it. */
  #isTransacting = false;
  /** Whether a statement may have changed more than the file. */
  #isChanged = false;
  #statements: SqliteStatements | undefined;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
  }

  /** @param flush - sends what was replied: before something that may take long */
  perform([id, work]: ThreadCommand, reply: Reply, flush: () => void): void {
    try {
      this.#perform(id, work, reply, flush);
    } catch (error) {
      if (error === stopped) reply([id, "stopped"]);
      else reply([id, "failed", failureOf(error)]);
    }
  }

  #perform(id: number, work: ThreadWork, reply: Reply, flush: () => void): void {
    if (this.#isTransacting && this.#db?.isTransaction === false) return this.#performWithout(id, work, reply);
    switch (work[0]) {
      case "rows":
      case "row":
        return this.#rows(id, work, reply, flush);
      case "count":
        return reply([id, "done", this.#count(id, work[1], work[2], flush)]);
      case "many":
        return reply([id, "done", this.#many(id, this.#prepare(work[1], flush), work[2], work[3])]);
      case "insert":
        flush();
        return reply([id, "done", this.#insert(id, work[1], work[2], work[3])]);
      case "open":
        if (this.#isTransacting || work[3]) (this.#isTransacting ? this.#inner : this.#own).add(id);
        this.#open.set(id, new OpenRows(prepareOne(this.#database, work[1]), work[2].map(bindable), true));
        return reply([id, "done", 0]);
      case "more":
        flush();
        return reply([id, "rows", this.#more(id, work[1], work[2])]);
      case "shut":
        this.#shut(work[1]);
        return reply([id, "done", 0]);
      case "begin":
      case "end":
      case "back":
        flush();
        this.#bound(work[0], work[1]);
        return reply([id, "done", 0]);
      case "reset":
      case "close":
        this.#reset();
        if (work[0] === "reset") this.#reopen();
        else this.#db?.close();
        return reply([id, "done", 0]);
    }
  }

  /** SQLite has rolled back by itself, as it does when the disk is full. What was meant for the transaction must not run. */
  #performWithout(id: number, [kind, text]: ThreadWork, reply: Reply): void {
    if (kind !== "back" && kind !== "reset" && kind !== "close" && kind !== "shut") throw new TransactionLost();
    // Of a savepoint, the transaction around it is still to hear of it.
    const isWithin = kind === "shut" || (kind === "back" && isOfSavepoint(text));
    if (!isWithin) this.#reset();
    if (kind === "reset") this.#reopen();
    if (kind === "close") this.#db?.close();
    reply([id, "done", 0]);
  }

  /** Where a transaction begins or ends, or a savepoint in it. */
  #bound(kind: "begin" | "end" | "back", text: string): void {
    const db = this.#database;
    const isOuter = !isOfSavepoint(text);
    if (kind !== "begin" && isOuter) this.#shutAll(this.#inner);
    db.exec(text);
    if (isOuter) this.#isTransacting = kind === "begin";
  }

  #reset(): void {
    this.#shutAll([...this.#inner, ...this.#own]);
    if (this.#db?.isTransaction === true) this.#db.exec("rollback");
    if (this.#isTransacting) this.#db?.exec("pragma query_only = off");
    this.#isTransacting = false;
  }

  /** With the next command, so that settings and temporary tables go. What is in memory would go, too. */
  #reopen(): void {
    if (!this.#isChanged || this.#open.size > 0 || this.#settings.path === ":memory:") return;
    this.#isChanged = false;
    this.#db?.close();
    this.#db = undefined;
    this.#statements = undefined;
  }

  get #database(): DatabaseSync {
    this.#db ??= openSqlite(this.#settings);
    return this.#db;
  }

  #prepare(text: string, flush: () => void): KeptStatement {
    this.#isChanged ||= changesConnection.test(text);
    this.#statements ??= new SqliteStatements(this.#database, this.#settings.maxStatements);
    const statement = this.#statements.get(text);
    if (!statement.isQuick) flush();
    return statement;
  }

  /** What may write is read with bigints at once: it cannot be begun again. */
  #rows(id: number, [kind, text, values, isRead]: ReadWork, reply: Reply, flush: () => void): void {
    const kept = this.#prepare(text, flush);
    const startedMs = nowMs();
    const rows = new OpenRows(kept.statement, values.map(bindable), !isRead);
    try {
      if (kind === "row") reply([id, "rows", { ...rows.read(1, () => {}), isLast: true }]);
      else this.#all(id, rows, reply, flush);
    } finally {
      rows.end();
    }
    kept.tookMs(nowMs() - startedMs);
  }

  #all(id: number, rows: OpenRows, reply: Reply, flush: () => void): void {
    for (let isLast = false; !isLast;) {
      const piece = rows.read(Infinity, () => this.#checkStop(id));
      ({ isLast } = piece);
      reply([id, "rows", piece]);
      if (!isLast) flush();
    }
  }

  #count(id: number, text: string, values: readonly SqliteValue[], flush: () => void): number {
    if (values.length === 0 && isScript(this.#database, text)) return this.#script(text, flush);
    const kept = this.#prepare(text, flush);
    const startedMs = nowMs();
    const count = kept.givesRows ? this.#countRows(id, kept, values) : kept.run(values);
    kept.tookMs(nowMs() - startedMs);
    return count;
  }

  /** Several statements: all of them happen or none, unless they are in a transaction anyway. */
  #script(text: string, flush: () => void): number {
    flush();
    this.#isChanged ||= changesConnection.test(text);
    const db = this.#database;
    const before = totalChanges(db);
    if (db.isTransaction) db.exec(text);
    else {
      db.exec("begin immediate");
      try {
        db.exec(text);
        db.exec("commit");
      } finally {
        if (db.isTransaction) db.exec("rollback");
      }
    }
    return totalChanges(db) - before;
  }

  #countRows(id: number, { statement }: KeptStatement, values: readonly SqliteValue[]): number {
    statement.setReadBigInts(true);
    const rows = statement.iterate(...values.map(bindable));
    try {
      let count = 0;
      for (; rows.next().done !== true; count++) if (count % stopEvery === 0) this.#checkStop(id);
      return count;
    } finally {
      rows.return?.();
    }
  }

  #many(id: number, statement: KeptStatement, values: readonly SqliteValue[], width: number): number {
    let count = 0;
    for (let at = 0; at < values.length; at += width) {
      if ((at / width) % stopEvery === 0) this.#checkStop(id);
      count += statement.run(values.slice(at, at + width));
    }
    return count;
  }

  /** Several rows by one statement, which takes SQLite two thirds of the time. */
  #insert(id: number, head: string, values: readonly SqliteValue[], width: number): number {
    const together = Math.max(1, Math.min(rowsTogether, Math.floor(valuesTogether / width)));
    const whole = values.length - (values.length % (together * width));
    const several = this.#prepare(insertOf(head, width, together), () => {});
    const one = this.#prepare(insertOf(head, width, 1), () => {});
    return (
      this.#many(id, several, values.slice(0, whole), together * width) +
      this.#many(id, one, values.slice(whole), width)
    );
  }

  #more(id: number, opened: number, rows: number): RowPiece {
    const open = this.#open.get(opened);
    if (open === undefined) throw new SqliteMisuse("the rows cannot be read any more: their transaction has ended");
    const piece = open.read(rows, () => this.#checkStop(id));
    if (piece.isLast) this.#shut(opened);
    return piece;
  }

  #shut(opened: number): void {
    this.#open.get(opened)?.end();
    this.#open.delete(opened);
    this.#inner.delete(opened);
    this.#own.delete(opened);
  }

  /** What a transaction reads ends with it. */
  #shutAll(opened: Iterable<number>): void {
    for (const id of opened) this.#shut(id);
  }

  #checkStop(id: number): void {
    if (Atomics.load(this.#settings.stop, 0) === id) throw stopped;
  }
}

/** Ends what is under way: whoever asked for it was cancelled. */
const stopped: Error = new Error("stopped");

function isOfSavepoint(text: string): boolean {
  return text.includes("savepoint");
}

function insertOf(head: string, width: number, rows: number): string {
  const row = `(${Array.from({ length: width }, () => "?").join()})`;
  return `${head} ${Array.from({ length: rows }, () => row).join()}`;
}

function totalChanges(db: DatabaseSync): number {
  return Number(db.prepare("select total_changes() as count").get()!["count"]);
}

function nowMs(): number {
  // oxlint-disable-next-line no-restricted-globals -- a thread is in no tree, and nothing waits for this time
  return performance.now();
}

function failureOf(error: unknown): SqliteFailure {
  const { message, errcode, code } = error as Error & { readonly errcode?: number; readonly code?: string };
  return { message, number: errcode, code };
}
