import { basename } from "node:path";
import { checkedScope, expectInteger, expectMs, toItsEnd } from "../../core/index.ts";
import type { ConnectOptions } from "../connect.ts";
import type {
  Connection,
  CopyStream,
  Database,
  DatabaseStatistics,
  NotificationStream,
  TransactionOptions,
} from "../database.ts";
import { ConnectError, NotSupportedError, SqlError } from "../errors.ts";
import { RowsCall } from "./sqlite-call.ts";
import { SqliteLine } from "./sqlite-line.ts";
import { type SqliteSettings, SqliteThread } from "./sqlite-thread.ts";
import { type Brackets, OwnConnection, TransactingSession, bracketsOf } from "./sqlite-transaction.ts";

const levels = ["full", "normal", "off"];

/**
 * Opens `sqlite:path`, `sqlite:///path` or `sqlite::memory:`.
 *
 * @throws {ConnectError} the file cannot be opened
 */
export async function openSqliteDatabase(url: string, options: ConnectOptions): Promise<SqliteDatabase> {
  const { readers = 2, busyMs = 5_000, synchronous = "full", statements: maxStatements = 100 } = options;
  expectInteger("readers", readers, 0);
  expectMs("busyMs", busyMs, 0);
  if (!levels.includes(synchronous)) {
    throw new TypeError(
      `Expected \`synchronous\` to be one of ${levels.join(", ")}, got \`${synchronous}\` (${typeof synchronous})`,
    );
  }
  const path = pathOf(url);
  const name = path === ":memory:" ? "sqlite::memory:" : basename(path);
  return await new SqliteDatabase({ path, name, busyMs, synchronous, maxStatements }, readers).open();
}

function pathOf(url: string): string {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  if (path !== "" && !path.startsWith("//") && !path.includes("\0")) return path;
  throw new TypeError("Expected `url` to be like sqlite:path, sqlite:///path or sqlite::memory:, got something else");
}

/** A file of SQLite: one connection that writes, and others that read. */
export class SqliteDatabase extends TransactingSession implements Database {
  readonly dialect = "sqlite" as const;
  readonly #name: string;
  readonly #writer: SqliteLine;
  /** Undefined if the connection that writes is all there is. */
  readonly #readers: SqliteLine | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: SqliteSettings, readers: number) {
    super();
    const { name, path } = settings;
    this.#name = name;
    let first: SqliteThread | undefined;
    const openWriter = (): SqliteThread => {
      // With a thread that is lost goes what was in its memory: another one would seem to have lost all tables.
      if (first !== undefined && path === ":memory:") return first;
      return (first = new SqliteThread(settings, false));
    };
    this.#writer = new SqliteLine(`the connection of ${name} that writes`, 1, openWriter);
    // What is in memory, only one connection sees.
    if (readers > 0 && path !== ":memory:") {
      this.#readers = new SqliteLine(
        `a connection of ${name} that reads`,
        readers,
        () => new SqliteThread(settings, true),
      );
    }
  }

  /** Opens the file, so that whoever connects hears why that cannot be done. */
  async open(): Promise<this> {
    const desk = await this.#writer.enter(false);
    try {
      await new RowsCall(checkedScope(), desk.thread, ["row", "select 1", [], true], "select 1").promise;
      return this;
    } catch (error) {
      await this.#close();
      if (error instanceof SqlError)
        throw new ConnectError(
          this.#name,
          error.message,
          "sqlState" in error ? String(error.sqlState) : undefined,
          error,
        );
      throw error;
    } finally {
      this.#writer.leave(desk);
    }
  }

  async acquire(): Promise<Connection> {
    const desk = await this.#writer.enter(true);
    try {
      return new OwnConnection(desk, this.#writer);
    } catch (error) {
      // The scope has ended at this very moment.
      this.#writer.leave(desk);
      throw error;
    }
  }

  listen(): NotificationStream {
    throw new NotSupportedError("listen", "SQLite");
  }

  copyFrom(): CopyStream {
    throw new NotSupportedError("copyFrom", "SQLite");
  }

  statistics(): DatabaseStatistics {
    const writer = this.#writer.statistics();
    const readers = this.#readers?.statistics() ?? { connections: 0, inUse: 0, waiting: 0 };
    return Object.freeze({
      connections: writer.connections + readers.connections,
      inUse: writer.inUse + readers.inUse,
      waiting: writer.waiting + readers.waiting,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#close();
    await toItsEnd(`close ${this.#name}`, () => closing);
  }

  protected override brackets(options: TransactionOptions): Brackets {
    return bracketsOf(options);
  }

  /** Where all connections that read are held, as by loops over streams, the other one reads, too: those loops may wait for it. */
  protected override line(isRead: boolean): SqliteLine {
    const readers = this.#readers;
    if (!isRead || readers === undefined || readers.isAllHeld) return this.#writer;
    return readers;
  }

  /**
   * What is being read keeps a connection at what it saw first, so that others there would not see what was written since;
   * and what writes keeps others from committing. Only the connection that writes does see that, and it is needed in loops.
   */
  protected override streamsAlone(line: SqliteLine, isRead: boolean): boolean {
    return line === this.#readers || !isRead;
  }

  #close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const lines = [this.#writer, ...(this.#readers === undefined ? [] : [this.#readers])];
    for (const line of lines) line.close();
    await Promise.all(lines.flatMap((line) => line.threads).map((thread) => thread.close()));
  }
}
