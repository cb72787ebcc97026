import { checkedScope, expectInteger, expectMs } from "../core/index.ts";
import type { Database } from "./database.ts";

/** Settings of {@link connect}. */
export interface ConnectOptions {
  /** Connections at most. Postgres only. @default 10 */
  readonly max?: number;
  /** Connections that stay open although nobody uses them, once they were needed. Postgres only. @default 0 */
  readonly min?: number;
  /** How long a connection may be unused before it is closed. Postgres only. @default 60_000 */
  readonly idleMs?: number;
  /**
   * How long to try to connect, with pauses in between, while the server starts or has no room. `connect_timeout` of the
   * URL goes before it. Postgres only. @default 10_000
   */
  readonly connectMs?: number;
  /** How long what is cancelled may take to stop; then its connection is closed. Postgres only. @default 5_000 */
  readonly cancelMs?: number;
  /**
   * Prepared statements that a connection keeps, those used last. 0 keeps none: for servers behind a pooler that hands
   * statements to other connections, such as PgBouncer in its transaction mode before 1.21. @default 100
   */
  readonly statements?: number;
  /**
   * Connections that only read, each a thread: so readers wait neither for each other nor for what is written. They are
   * opened when they are needed. SQLite only; what is in memory has none. @default 2
   */
  readonly readers?: number;
  /**
   * How long to wait where another process has locked the file, in milliseconds. SQLite only. @default 5_000
   */
  readonly busyMs?: number;
  /**
   * When what was committed is safe from a loss of power: `"full"` at once, `"normal"` only a little later, `"off"` when the
   * system gets round to it. From the end of the process it is always safe. SQLite only. @default "full"
   */
  readonly synchronous?: "full" | "normal" | "off";
}

/**
 * A database: `postgres://user:password@host/name`, `sqlite:path.db` or `sqlite::memory:`.
 *
 * Of SQLite the file is opened at once, and made if it is not there; SQLite runs in threads. Connections to Postgres are
 * opened when they are needed; everything else that libpq takes stands in the URL or in the variables
 * PGHOST, PGUSER, PGPASSWORD, PGSSLMODE and so on. Dispose of it at the end: `await using`.
 *
 * Cancel: throws if the scope is cancelled.
 *
 * @throws {TypeError} the URL is not like that; the message has no password in it
 * @throws {ConnectError} SQL_CONNECT, the file of SQLite cannot be opened
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Database> {
  const { max = 10, min = 0, idleMs = 60_000, connectMs = 10_000, cancelMs = 5_000, statements = 100 } = options;
  expectInteger("max", max, 1);
  expectInteger("min", min, 0);
  expectMs("idleMs", idleMs, 0);
  expectMs("connectMs", connectMs, 0);
  expectMs("cancelMs", cancelMs, 0);
  expectInteger("statements", statements, 0);
  const { clock } = checkedScope().tree;
  if (typeof url === "string" && url.startsWith("sqlite:")) {
    const { openSqliteDatabase } = await import("./internal/sqlite-database.ts");
    return await openSqliteDatabase(url, options);
  }
  if (typeof url !== "string" || !/^postgres(ql)?:/.test(url))
    throw new TypeError(
      "Expected `url` to be like postgres://user:password@host/name or sqlite:path, got something else",
    );
  const { openPostgres } = await import("./internal/postgres-database.ts");
  return openPostgres(url, { max, min, idleMs, connectMs, cancelMs, statements }, clock);
}
