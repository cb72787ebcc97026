import { checkedScope, expectInteger } from "../../core/index.ts";
import type { QueryInput, Queryable, Row, RowStream, StreamOptions } from "../database.ts";
import { quoteName } from "../query.ts";
import { ask, checkText } from "./asked.ts";
import { quotePath } from "./quote-path.ts";
import { RowsCall, SqliteCall } from "./sqlite-call.ts";
import type { SqliteLine } from "./sqlite-line.ts";
import type { ManyRows } from "./row-windows.ts";
import { sendRows } from "./sqlite-many.ts";
import { SqliteStream } from "./sqlite-stream.ts";
import { type SqliteText, readSqlite } from "./sqlite-text.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { type SqliteValue, toSqlite } from "./sqlite-values.ts";

/** A query, ready for a thread. */
export interface SqliteQuery {
  readonly text: string;
  readonly values: readonly SqliteValue[];
  readonly isRead: boolean;
  /** As it was given: for errors. */
  readonly asGiven: string;
}

/** Queries over connections of SQLite, one for each or always the same. */
export abstract class SqliteSession implements Omit<Queryable, "transaction"> {
  /** Whether transactions may be begun and ended by statements. */
  protected readonly isByHand: boolean = false;

  /** Whether it has one connection alone. */
  protected readonly isOwn: boolean = false;

  /** Whether a stream has its connection alone until it ends, or for each piece. */
  protected abstract streamsAlone(line: SqliteLine, isRead: boolean): boolean;

  /** Where to wait for a connection. */
  protected abstract line(isRead: boolean): SqliteLine;

  /** Does something in a transaction of its own, or behind a savepoint. */
  protected abstract alone<T>(fn: (thread: SqliteThread) => Promise<T>): Promise<T>;

  async fetch<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R[]> {
    return (await this.#rows<R>("rows", query, values)).rows;
  }

  async fetchRow<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R | undefined> {
    return (await this.#rows<R>("row", query, values)).rows[0];
  }

  async fetchValue<V = unknown>(query: QueryInput, values?: readonly unknown[]): Promise<V | undefined> {
    return (await this.#rows<V>("row", query, values, true)).rows[0];
  }

  async execute(query: QueryInput, values?: readonly unknown[]): Promise<number> {
    const asked = this.#prepare(query, values);
    const line = this.line(asked.isRead);
    const desk = await line.enter(false);
    try {
      const work = ["count", asked.text, asked.values] as const;
      const call = new SqliteCall(checkedScope(), desk.thread, work, asked.asGiven);
      await call.promise;
      return call.count;
    } finally {
      line.leave(desk);
    }
  }

  async executeMany(query: string, rows: ManyRows): Promise<number> {
    const { text, parameters: width } = this.#check(checkText(query));
    if (width === 0) throw new TypeError("Expected `query` to take values, as $1, $2 ...: without, run it once");
    return await sendRows((fn) => this.alone(fn), { kind: "many", text, width, query }, rows);
  }

  async copyInto(table: string, columns: readonly string[], rows: ManyRows): Promise<number> {
    if (columns.length === 0) throw new TypeError("Expected `columns` to have at least one name");
    const text = `insert into ${quotePath(table)} (${columns.map(quoteName).join(", ")}) values`;
    const work = { kind: "insert", text, width: columns.length, query: text } as const;
    return await sendRows((fn) => this.alone(fn), work, rows);
  }

  stream<R = Row>(query: QueryInput, values?: readonly unknown[], options: StreamOptions = {}): RowStream<R> {
    const { batchRows = 1_000 } = options;
    expectInteger("batchRows", batchRows, 1);
    const asked = this.#prepare(query, values);
    const line = this.line(asked.isRead);
    return new SqliteStream<R>(line, asked, batchRows, this.streamsAlone(line, asked.isRead), this.isOwn);
  }

  #prepare(query: QueryInput, values: readonly unknown[] | undefined): SqliteQuery {
    const asked = ask(query, values);
    const { text, parameters, isRead } = this.#check(asked.text);
    if (asked.values.length !== parameters) {
      throw new TypeError(`Expected ${parameters} values for the query, got ${asked.values.length}`);
    }
    return { text, values: asked.values.map(toSqlite), isRead, asGiven: asked.text };
  }

  #check(query: string): SqliteText {
    const read = readSqlite(query);
    if (!read.isBound || this.isByHand) return read;
    throw new TypeError("Expected transactions to begin and end with transaction(), or on a connection of acquire()");
  }

  async #rows<R>(
    kind: "rows" | "row",
    query: QueryInput,
    values: readonly unknown[] | undefined,
    isValue = false,
  ): Promise<RowsCall<R>> {
    const asked = this.#prepare(query, values);
    const line = this.line(asked.isRead);
    const desk = await line.enter(false);
    try {
      const work = [kind, asked.text, asked.values, asked.isRead] as const;
      const call = new RowsCall<R>(checkedScope(), desk.thread, work, asked.asGiven, isValue);
      await call.promise;
      return call;
    } finally {
      line.leave(desk);
    }
  }
}
