import { type Clock, checkedScope, toItsEnd } from "../../core/index.ts";
import type {
  CopyStream,
  Connection,
  Database,
  DatabaseStatistics,
  ListenOptions,
  NotificationStream,
} from "../database.ts";
import { copyOut, copyOutText } from "./copy-out.ts";
import { Notifications } from "./notifications.ts";
import { labelOf } from "./perform.ts";
import { type PoolSettings, PostgresPool } from "./postgres-pool.ts";
import { readPostgresUrl, describeTarget } from "./postgres-url.ts";
import type { Lease } from "./lease.ts";
import { OwnConnection, PostgresSession } from "./transaction.ts";

/** A database of Postgres. */
export class PostgresDatabase extends PostgresSession implements Database {
  readonly dialect = "postgres" as const;
  readonly #pool: PostgresPool;
  readonly #notifications: Notifications;
  #closing: Promise<void> | undefined;

  constructor(pool: PostgresPool, clock: Clock) {
    super();
    this.#pool = pool;
    this.#notifications = new Notifications(() => pool.openApart(), clock, pool.settings.name);
  }

  async acquire(): Promise<Connection> {
    const connection = await this.#pool.take();
    try {
      return new OwnConnection(connection, () => this.#pool.giveBack(connection));
    } catch (error) {
      // The scope has ended at this very moment.
      this.#pool.giveBack(connection);
      throw error;
    }
  }

  listen(channel: string, options: ListenOptions = {}): NotificationStream {
    return this.#notifications.listen(checkedScope(), channel, options);
  }

  copyFrom(source: string, options: { readonly format?: "text" | "csv" } = {}): CopyStream {
    const text = copyOutText(source, options.format ?? "text");
    return this.tied(
      `pieces of ${labelOf(text)}`,
      copyOut(() => this.lease(), text),
    );
  }

  statistics(): DatabaseStatistics {
    const { connections, inUse, waiting } = this.#pool;
    return Object.freeze({ connections, inUse, waiting });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= Promise.all([this.#pool.close(), this.#notifications.close()]).then(() => {});
    const closing = this.#closing;
    await toItsEnd(`close ${this.#pool.settings.name}`, () => closing);
  }

  protected async lease(): Promise<Lease> {
    const connection = await this.#pool.take();
    return { connection, giveBack: () => this.#pool.giveBack(connection) };
  }
}

/** Reads a URL, and opens nothing yet. */
export function openPostgres(url: string, options: Omit<PoolSettings, "name">, clock: Clock): PostgresDatabase {
  const target = readPostgresUrl(url);
  const connectMs = target.connectTimeoutMs ?? options.connectMs;
  return new PostgresDatabase(
    new PostgresPool(target, { ...options, connectMs, name: describeTarget(target) }, clock),
    clock,
  );
}
