import { hostname } from "node:os";
import { type Connection, type Queryable, type RowStream, sql } from "../../sql/index.ts";
import { JobChangedError, JournalMissingError, OutputExistsError } from "../errors.ts";
import { DoneSet } from "../journal/done-set.ts";
import { type JobIdentity, identityDifferences, newSalt, storedIdentity } from "../journal/job-identity.ts";
import type { JournalStart } from "../journal/open-journal.ts";
import type { ResultRecord } from "./result-record.ts";

/** The table that results go into, as users see it. As in SQLite, but for types: a column of Postgres has one. */
const columns = {
  number: "bigint primary key",
  id: "text not null",
  url: "text",
  ok: "boolean not null",
  status: "integer",
  attempts: "integer not null",
  headers_ms: "double precision",
  attempt_ms: "double precision",
  total_ms: "double precision",
  headers: "jsonb",
  body_type: "text",
  body: "text",
  body_bytes: "bytea",
  error_code: "text",
  error_message: "text",
  /** To notice that the request of this number is not what it was. */
  request_hash: "bigint not null",
} as const;

export const columnNames: readonly string[] = Object.keys(columns);

/** Where the journals of the tables of a schema are: a row for each. */
const journalName = "taskwright_journal";
const version = 1;
/** To be recognised by, among locks of others. */
const lockSpace = 0x54_77_66_6a;

/** A table of results, and what is wanted of it. */
export interface PostgresTableOptions {
  /** What messages call it. */
  readonly name: string;
  /** `table`, or `schema.table`. */
  readonly table: string;
  readonly job: JobIdentity;
  readonly start: JournalStart;
  readonly retriesFailed: boolean;
}

/** A table of Postgres, with its journal beside it: whose it is, and who writes to it. */
export class PostgresTable {
  readonly schema: string;
  readonly #table: string;
  readonly #options: PostgresTableOptions;

  private constructor(schema: string, table: string, options: PostgresTableOptions) {
    this.schema = schema;
    this.#table = table;
    this.#options = options;
  }

  /** Finds out which schema it belongs to, and that the database takes any text. */
  static async find(db: Queryable, options: PostgresTableOptions): Promise<PostgresTable> {
    const [table = "", given] = options.table.split(".").toReversed();
    const { encoding, schema } = (await db.fetchRow<{ encoding: string; schema: string | null }>(
      sql`select current_setting('server_encoding') as encoding, coalesce(${given}::text, current_schema()) as schema`,
    ))!;
    if (encoding !== "UTF8") throw new Error(`the database is in ${encoding}, and results are in UTF8`);
    if (schema === null) throw new Error("there is no schema to put a table into: name one with ?table=schema.table");
    return new PostgresTable(schema, table, options);
  }

  /** What `copyInto` calls it. */
  get path(): string {
    return `"${this.schema.replaceAll('"', '""')}".${this.#table}`;
  }

  /** Locks it for as long as the connection lives, if nobody else has. */
  async tryLock(connection: Queryable): Promise<boolean> {
    return (await connection.fetchValue<boolean>(sql`select pg_try_advisory_lock(${this.#lockKey})`)) === true;
  }

  /** Ends the connection `backend` if it has the lock: one that is lost, and the server has not noticed. */
  async evict(connection: Queryable, backend: number): Promise<void> {
    await connection.fetch(sql`
      select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and granted and pid = ${backend} and objsubid = 1
        and (classid::bigint << 32) | objid::bigint = ${this.#lockKey}`);
  }

  /** Who writes to it, or has done so last. */
  async writer(connection: Queryable): Promise<TableWriter | undefined> {
    if (!(await this.#exists(connection, journalName))) return undefined;
    return await connection.fetchRow<TableWriter>(
      sql`select owner, process, host from ${this.#journal} where name = ${this.#table}`,
    );
  }

  /**
   * Makes table and journal ready for this job, all in one transaction, and says that `owner` writes to it.
   *
   * @throws {JournalError} it is not safe to go on, and nothing was changed
   */
  async prepare(connection: Connection, owner: string): Promise<void> {
    await connection.transaction(async (tx) => {
      // One at a time: two that make the same table would get into each other's way.
      await tx.fetch(sql`select pg_advisory_xact_lock(${lockSpace}, hashtext(${this.schema}))`);
      const hasTable = await this.#expectColumns(tx);
      const state = await this.#readState(tx);
      const isBegun = state === undefined || this.#options.start === "restart";
      if (isBegun) await this.#expectToBegin(tx, state, hasTable);
      else this.#expectSameJob(state);
      if (!hasTable) await this.#make(tx);
      else if (isBegun) await tx.execute(sql`truncate ${this.#name}`);
      else if (this.#options.retriesFailed) await tx.execute(sql`delete from ${this.#name} where not ok`);
      await this.#claim(tx, isBegun ? newSalt() : state.salt, owner);
    });
  }

  /** The requests that have their row. */
  async done(connection: Queryable): Promise<DoneSet> {
    const done = new DoneSet();
    const rows = connection.stream(
      sql`select number, ok, error_code = 'BAD_LINE' as bad, request_hash as hash from ${this.#name}`,
    ) as RowStream<{ number: number; ok: boolean; bad: boolean | null; hash: number }>;
    for await (const { number, ok, bad, hash } of rows) {
      done.add(number, ok ? "ok" : bad === true ? "bad-line" : "failed", hash);
    }
    return done;
  }

  async has(connection: Queryable, number: number): Promise<boolean> {
    return (await connection.fetchValue(sql`select 1 from ${this.#name} where number = ${number}`)) !== undefined;
  }

  get #name(): unknown {
    return sql.identifier(this.schema, this.#table);
  }

  get #journal(): unknown {
    return sql.identifier(this.schema, journalName);
  }

  get #lockKey(): ReturnType<typeof sql> {
    return sql`hashtextextended(format('%I.%I', ${this.schema}::text, ${this.#table}::text), ${lockSpace}::bigint)`;
  }

  async #exists(db: Queryable, table: string): Promise<boolean> {
    const found = sql`select to_regclass(format('%I.%I', ${this.schema}::text, ${table}::text)) is not null`;
    return (await db.fetchValue<boolean>(found)) === true;
  }

  /** @returns whether there is the table */
  async #expectColumns(tx: Queryable): Promise<boolean> {
    if (!(await this.#exists(tx, this.#table))) return false;
    const found = await tx.fetch<{ name: string }>(sql`
      select attname as name from pg_attribute
      where attrelid = to_regclass(format('%I.%I', ${this.schema}::text, ${this.#table}::text))
        and attnum > 0 and not attisdropped`);
    const names = new Set(found.map(({ name }) => name));
    const missing = columnNames.filter((name) => !names.has(name));
    if (missing.length === 0) return true;
    // Not even to restart: it may be anybody's.
    throw new Error(
      `the table \`${this.#options.table}\` is none of results, it has no ${missing.length === 1 ? "column" : "columns"} ` +
        `${missing.map((name) => `\`${name}\``).join(", ")}: name another one with ?table=NAME`,
    );
  }

  async #readState(tx: Queryable): Promise<TableState | undefined> {
    if (!(await this.#exists(tx, journalName))) {
      await tx.execute(sql`create table ${this.#journal} (
        name text primary key, version integer not null, job text not null, salt bytea not null,
        owner uuid not null, process integer not null, host text not null, begun_at timestamptz not null
      )`);
      return undefined;
    }
    const state = await tx.fetchRow<TableState>(
      sql`select version, job, salt from ${this.#journal} where name = ${this.#table}`,
    );
    if (state !== undefined && state.version !== version && this.#options.start !== "restart") {
      throw new Error(
        `the journal of \`${this.#options.table}\` is of version ${state.version}, and this is ${version}`,
      );
    }
    return state;
  }

  async #expectToBegin(tx: Queryable, state: TableState | undefined, hasTable: boolean): Promise<void> {
    const { name, start, retriesFailed } = this.#options;
    if (state !== undefined || start === "restart") return;
    if (start === "resume" || retriesFailed) throw new JournalMissingError(name);
    const hasRows = hasTable && (await tx.fetchValue<boolean>(sql`select exists (select from ${this.#name})`));
    if (hasRows === true) throw new OutputExistsError(name);
  }

  #expectSameJob({ job, salt }: TableState): void {
    const differences = identityDifferences(job, this.#options.job, salt);
    if (differences.length > 0) throw new JobChangedError(this.#options.name, differences);
  }

  async #make(tx: Queryable): Promise<void> {
    const list = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    const text = sql`create table ${this.#name}`.text;
    await tx.execute(`${text} (${list.join(", ")})`);
  }

  async #claim(tx: Queryable, salt: Uint8Array, owner: string): Promise<void> {
    const job = storedIdentity(this.#options.job, salt);
    const host = hostname();
    await tx.execute(sql`
      insert into ${this.#journal} (name, version, job, salt, owner, process, host, begun_at)
      values (${this.#table}, ${version}, ${job}, ${salt}, ${owner}, ${process.pid}, ${host}, now())
      on conflict (name) do update set version = excluded.version, job = excluded.job, salt = excluded.salt,
        owner = excluded.owner, process = excluded.process, host = excluded.host, begun_at = excluded.begun_at`);
  }
}

interface TableState {
  readonly version: number;
  readonly job: string;
  readonly salt: Uint8Array;
}

/** A run that writes to a table. */
export interface TableWriter {
  readonly owner: string;
  readonly process: number;
  readonly host: string;
}

/** The values of a row, in the order of the columns. */
export function postgresRowOf(result: ResultRecord): readonly unknown[] {
  const { body } = result;
  // Text of Postgres has no NUL. A body stays what it is, and goes where bytes go.
  const isText = typeof body === "string" && !body.includes("\0");
  return [
    result.number,
    withoutNul(String(result.id)),
    withoutNul(result.url),
    result.ok,
    result.status,
    result.attempts,
    result.headersMs,
    result.attemptMs,
    result.totalMs,
    result.headers,
    body === null || isText || result.bodyType === "bytes" ? result.bodyType : "bytes",
    isText ? body : null,
    body === null || isText ? null : Buffer.from(body),
    result.errorCode,
    withoutNul(result.errorMessage),
    result.requestHash,
  ];
}

function withoutNul(text: string | null): string | null {
  return text?.includes("\0") === true ? text.replaceAll("\0", "\ufffd") : text;
}
