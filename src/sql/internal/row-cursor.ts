import { shield } from "../../core/index.ts";
import type { Asked } from "./asked.ts";
import { SimpleExchange } from "./exchange.ts";
import { perform, settle } from "./perform.ts";
import { dropIfUseless } from "./stale-statement.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { ClosePortalExchange, PortalExchange, QueryExchange } from "./query-exchange.ts";
import type { Lease } from "./lease.ts";

let portals = 0;

/**
 * The rows of a query in blocks, each asked for when it is wanted.
 *
 * Portals live in transactions. Where there is none, one is opened around it, on a connection that stays lent as long; in
 * one, the connection is free between blocks, so a loop over rows can ask other things in the same transaction.
 *
 * Cancel: stops the query, and leaves.
 */
export async function* streamBlocks<R>(
  lease: () => Promise<Lease>,
  asked: Asked,
  batchRows: number,
): AsyncGenerator<R[], void, void> {
  const first = await lease();
  if (!first.connection.isInTransaction) {
    yield* streamAlone<R>(first, asked, batchRows);
    return;
  }
  const cursor = new Cursor(first.connection, asked, batchRows);
  let current: Lease | undefined = first;
  try {
    do {
      current ??= await lease();
      const block = await cursor.read();
      current.giveBack();
      current = undefined;
      yield block as R[];
    } while (cursor.hasMore);
  } finally {
    current?.giveBack();
    if (cursor.hasMore) await closeIn(lease, cursor);
  }
}

/** Closes the portal, if the transaction still goes on: its end closes it, too, and the connection is somebody else's then. */
async function closeIn(lease: () => Promise<Lease>, cursor: Cursor): Promise<void> {
  try {
    await shield(
      async () => {
        const lent = await lease();
        try {
          await cursor.close();
        } finally {
          lent.giveBack();
        }
      },
      { timeoutMs: closeMs },
    );
  } catch {
    // It is over, or its connection is taken: then the portal stays until the end.
  }
}

/** As long as others may keep the connection until the portal is left to the end of the transaction. */
const closeMs = 5_000;

async function* streamAlone<R>(lease: Lease, asked: Asked, batchRows: number): AsyncGenerator<R[], void, void> {
  const { connection } = lease;
  let isWhole = false;
  try {
    await perform(connection, new SimpleExchange("begin"));
    const cursor = new Cursor(connection, asked, batchRows);
    try {
      yield (await cursor.readFirst()) as R[];
      while (cursor.hasMore) yield (await cursor.read()) as R[];
      isWhole = true;
    } finally {
      // Whoever leaves the loop has what they wanted; what has failed is undone.
      isWhole ||= !connection.hasTransactionFailed;
      if (connection.isInTransaction) await settle(connection, isWhole ? "commit" : "rollback");
    }
  } finally {
    lease.giveBack();
  }
}

/** Rows that the server keeps at hand. */
class Cursor {
  hasMore = true;
  readonly #connection: PostgresConnection;
  readonly #asked: Asked;
  readonly #portal: { readonly name: string; readonly rows: number };
  #started: QueryExchange | undefined;
  #isStale = false;

  constructor(connection: PostgresConnection, asked: Asked, rows: number) {
    this.#connection = connection;
    this.#asked = asked;
    this.#portal = { name: `taskwright_${++portals}`, rows };
  }

  async read(): Promise<unknown[]> {
    if (this.#started === undefined) return await this.#start();
    const next = new PortalExchange(this.#asked.text, this.#started.form!, this.#portal);
    await this.#perform(next);
    return next.rows;
  }

  /** The first rows, in a transaction in which nothing else has been done: that may be begun again. */
  async readFirst(): Promise<unknown[]> {
    try {
      return await this.read();
    } catch (error) {
      if (!this.#isStale) throw error;
    }
    await perform(this.#connection, new SimpleExchange("rollback"));
    await perform(this.#connection, new SimpleExchange("begin"));
    return await this.#start();
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (!connection.isReady || connection.hasTransactionFailed || !connection.isInTransaction) return;
    this.hasMore = false;
    await settle(connection, new ClosePortalExchange(this.#portal.name));
  }

  async #start(): Promise<unknown[]> {
    const { statements } = this.#connection;
    const statement = statements.get(this.#asked.text);
    const exchange = new QueryExchange(statement, this.#asked.values, "all", statements, this.#portal);
    const wasParsed = statement.isParsed;
    this.#started = exchange;
    try {
      await this.#perform(exchange);
    } catch (error) {
      this.#isStale = dropIfUseless(statements, statement, wasParsed, error);
      throw error;
    }
    return exchange.rows;
  }

  async #perform(exchange: QueryExchange | PortalExchange): Promise<void> {
    this.hasMore = false;
    await perform(this.#connection, exchange);
    this.hasMore = exchange.hasMore;
  }
}
