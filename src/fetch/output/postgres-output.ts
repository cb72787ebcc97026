import { randomUUID } from "node:crypto";
import { type ScopeNode, type Task, currentScope, now, sleep, spawn } from "../../core/index.ts";
import { Queue } from "../../sync/index.ts";
import {
  ConnectError,
  ConnectionLostError,
  type Connection,
  type Database,
  QueryError,
  connect,
} from "../../sql/index.ts";
import { JournalBusyError, OutputChangedError } from "../errors.ts";
import type { Attempt } from "../engine/attempt.ts";
import type { DoneSet } from "../journal/done-set.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { ParcelWriter } from "./parcel-writer.ts";
import { PostgresTable, type PostgresTableOptions, columnNames, postgresRowOf } from "./postgres-table.ts";
import { type OutputEvents, type ResultOutput } from "./result-output.ts";
import { type ResultRecord, recordBytes, recordOf, recordOfBadLine } from "./result-record.ts";

export interface PostgresOutputOptions extends PostgresTableOptions {
  /** With the password, if it has one. */
  readonly url: string;
  readonly withHeaders: boolean;
  /** How long a server that was there may be away. @default 600_000 */
  readonly patienceMs?: number;
}

interface Entry {
  readonly record: ResultRecord;
  /** About. */
  readonly bytes: number;
}

/** So much is written at once: a server far away is asked three times for it. */
const parcelSize = { bytes: 4 * 1024 * 1024, entries: 2_000 };
/** How long somebody at a terminal waits to hear that there is no server, unless the URL says `connect_timeout`. */
const connectMs = 5_000;
/** A run that was killed may still have the lock for a moment. */
const lockPatienceMs = 5_000;
const lockPauseMs = 100;
/** Before the next attempt, besides the pauses of the pool. */
const pauseMs = 500;

/**
 * A row for each outcome, in a table of Postgres.
 *
 * The table itself is what is remembered. Rows go there by COPY, each parcel as a whole; where the connection is lost, the
 * table is asked whether it has the parcel before that is sent again. One run at a time writes to a table: it has a lock
 * for as long as its connection lives, and says so in the journal, where it looks again after a connection was lost.
 */
export class PostgresOutput implements ResultOutput {
  readonly done: DoneSet;
  bytes = 0;
  readonly #withHeaders: boolean;
  readonly #writer: TableWriter;

  private constructor(writer: TableWriter, done: DoneSet, withHeaders: boolean) {
    this.done = done;
    this.#withHeaders = withHeaders;
    this.#writer = writer;
    writer.onBytes = (bytes) => (this.bytes += bytes);
  }

  /**
   * Connects, and makes the table ready. It belongs to the scope it is opened in.
   *
   * @throws {JournalError} it is not safe to go on, and nothing was changed
   * @throws {SqlError} the server cannot be reached, or refuses
   */
  static async open(options: PostgresOutputOptions): Promise<PostgresOutput> {
    await using stack = new AsyncDisposableStack();
    const db = stack.use(await connect(options.url, { max: 1, connectMs }));
    const session = new Session(db, options);
    const done = await session.open();
    stack.move();
    return new PostgresOutput(new TableWriter(session, currentScope()), done, options.withHeaders);
  }

  get waitingBytes(): number {
    return this.#writer.waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#writer.start(events);
  }

  settled(last: Attempt, bodyFile?: string): void {
    const bytes = recordBytes + (bodyFile === undefined ? (last.answer?.bodyBytes ?? 0) : 0);
    this.#writer.take({ record: recordOf(last, this.#withHeaders, bodyFile), bytes });
  }

  foundBadLine(bad: BadLine): void {
    this.#writer.take({ record: recordOfBadLine(bad), bytes: recordBytes });
  }

  async end(): Promise<void> {
    await this.#writer.end();
  }

  abandon(): void {
    this.#writer.abandon();
  }
}

/** Rows to be inserted, and who waits for that. */
interface Parcel {
  readonly rows: readonly (readonly unknown[])[];
  readonly written: PromiseWithResolvers<void>;
}

/** Writes in a task of its own: whoever hands over results may be anywhere, and connections end with their scope. */
class TableWriter extends ParcelWriter<Entry> {
  onBytes: (bytes: number) => void = () => {};
  readonly #session: Session;
  readonly #parcels = new Queue<Parcel>({ name: "results to write" });
  readonly #task: Task<void>;

  constructor(session: Session, scope: ScopeNode) {
    super(parcelSize, (entries) => this.onBytes(entries.reduce((sum, { bytes }) => sum + bytes, 0)));
    this.#session = session;
    this.#task = spawn(scope, () => this.#writeAll(), { name: "write results" });
    session.tell = (message) => this.tell(message);
  }

  protected override async write(entries: readonly Entry[]): Promise<void> {
    const rows = entries.map(({ record }) => postgresRowOf(record));
    const written = Promise.withResolvers<void>();
    this.#parcels.tryPut({ rows, written });
    await written.promise;
  }

  async #writeAll(): Promise<void> {
    for await (const { rows, written } of this.#parcels) {
      // What fails is told by the output: it does not end the tree.
      await this.#session.insert(rows).then(written.resolve, written.reject);
    }
  }

  protected override async finish(): Promise<void> {}

  protected override async dispose(): Promise<void> {
    this.#parcels.shutdown();
    await this.#session.close();
  }

  protected override giveUp(): void {
    this.#task.cancel("nobody waits for the database any longer");
  }
}

/** The connection that writes, and another one when it is lost. */
class Session {
  tell: (message: string) => void = () => {};
  readonly #db: Database;
  readonly #options: PostgresOutputOptions;
  /** Says that it is this run that writes. */
  readonly #owner = randomUUID();
  #table: PostgresTable | undefined;
  #connection: Connection | undefined;
  /** The process of the server that has served the connection. */
  #backend = 0;

  constructor(db: Database, options: PostgresOutputOptions) {
    this.#db = db;
    this.#options = options;
  }

  /** @returns what is in the table already */
  async open(): Promise<DoneSet> {
    const connection = await this.#db.acquire();
    this.#connection = connection;
    const table = await PostgresTable.find(connection, this.#options);
    this.#table = table;
    await this.#lock(connection, table);
    await table.prepare(connection, this.#owner);
    return await table.done(connection);
  }

  /** Inserts rows, once each, although the connection may be lost at any time. */
  async insert(rows: readonly (readonly unknown[])[]): Promise<void> {
    const table = this.#table!;
    for (let isAgain = false; ; isAgain = true) {
      const connection = this.#connection ?? (await this.#reconnect(table));
      try {
        // All of them, or none: where one is, it had been committed before the connection was lost.
        if (isAgain && (await table.has(connection, rows[0]![0] as number))) return;
        await connection.copyInto(table.path, columnNames, rows);
        return;
      } catch (error) {
        if (!isLost(error)) throw error;
        await this.#drop();
      }
    }
  }

  async close(): Promise<void> {
    await this.#drop();
    await this.#db[Symbol.asyncDispose]();
  }

  async #drop(): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
    this.#connection = undefined;
  }

  async #lock(connection: Connection, table: PostgresTable): Promise<void> {
    for (const untilMs = now() + lockPatienceMs; !(await table.tryLock(connection));) {
      if (now() < untilMs) {
        await sleep(lockPauseMs);
        continue;
      }
      const { process: pid = 0, host } = (await table.writer(connection)) ?? {};
      throw new JournalBusyError(this.#options.name, pid, host);
    }
    this.#backend = (await connection.fetchValue<number>("select pg_backend_pid()"))!;
  }

  async #reconnect(table: PostgresTable): Promise<Connection> {
    const { name, patienceMs = 600_000 } = this.#options;
    this.tell(`${name}: the connection was lost, results wait until it is there again`);
    for (const untilMs = now() + patienceMs; ;) {
      try {
        const connection = await this.#db.acquire();
        this.#connection = connection;
        await table.evict(connection, this.#backend);
        await this.#lock(connection, table);
        const writer = await table.writer(connection);
        if (writer?.owner !== this.#owner) {
          throw new OutputChangedError(name, "was taken over by another run while the connection was lost");
        }
        this.tell(`${name}: connected again`);
        return connection;
      } catch (error) {
        if (!isLost(error) || now() > untilMs) throw error;
        await this.#drop();
        await sleep(pauseMs);
      }
    }
  }
}

/** Whether the connection, or the server, is gone for now. */
function isLost(error: unknown): boolean {
  if (error instanceof ConnectionLostError) return true;
  const { sqlState } = error as { readonly sqlState?: string };
  // It shuts down, starts, has no room, or the connection has failed.
  if (error instanceof ConnectError) return sqlState === undefined || /^(?:57P0[1-3]|08|53)/.test(sqlState);
  return error instanceof QueryError && /^(?:57P0[1-3]|08)/.test(error.sqlState);
}
