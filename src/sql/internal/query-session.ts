import { expectInteger } from "../../core/index.ts";
import { BlockItems } from "../../flow/index.ts";
import type { QueryInput, Queryable, Row, RowStream, StreamOptions } from "../database.ts";
import { type Asked, ask, checkText } from "./asked.ts";
import { copyIn } from "./copy-in.ts";
import { executeManyOn } from "./execute-many.ts";
import { SimpleExchange } from "./exchange.ts";
import type { Lease } from "./lease.ts";
import { labelOf, perform } from "./perform.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { QueryExchange, type RowsWanted } from "./query-exchange.ts";
import { streamBlocks } from "./row-cursor.ts";
import { dropIfUseless } from "./stale-statement.ts";
import { TiedBlocks } from "./tied-blocks.ts";

type Rows = Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;

/** Queries over connections that are lent, for as long as each needs one. */
export abstract class QuerySession implements Omit<Queryable, "transaction"> {
  /** Waits for a connection. */
  protected abstract lease(): Promise<Lease>;

  async fetch<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R[]> {
    return (await this.#query(ask(query, values), "all")).rows as R[];
  }

  async fetchRow<R = Row>(query: QueryInput, values?: readonly unknown[]): Promise<R | undefined> {
    return (await this.#query(ask(query, values), "first")).rows[0] as R | undefined;
  }

  async fetchValue<V = unknown>(query: QueryInput, values?: readonly unknown[]): Promise<V | undefined> {
    return (await this.#query(ask(query, values), "first value")).rows[0] as V | undefined;
  }

  async execute(query: QueryInput, values?: readonly unknown[]): Promise<number> {
    const asked = ask(query, values);
    if (asked.values.length > 0) return (await this.#query(asked, "none")).count;
    return await this.lend(async (connection) => {
      const exchange = new SimpleExchange(asked.text);
      await perform(connection, exchange);
      return exchange.count;
    });
  }

  async executeMany(query: string, rows: Rows): Promise<number> {
    const text = checkText(query);
    return await this.lendForRows((connection) => executeManyOn(connection, text, rows));
  }

  stream<R = Row>(query: QueryInput, values?: readonly unknown[], options: StreamOptions = {}): RowStream<R> {
    const { batchRows = 1_000 } = options;
    expectInteger("batchRows", batchRows, 1);
    const asked = ask(query, values);
    const blocks = streamBlocks<R>(() => this.lease(), asked, Math.min(batchRows, 2 ** 31 - 1));
    return new BlockItems(this.tied(`rows of ${labelOf(asked.text)}`, blocks));
  }

  async copyInto(table: string, columns: readonly string[], rows: Rows): Promise<number> {
    return await this.lendForRows((connection) => copyIn(connection, table, columns, rows));
  }

  /** Sees that what is read in blocks gives back its connection, whoever forgets it. */
  protected tied<T>(name: string, blocks: AsyncGenerator<T, void, void>): TiedBlocks<T> {
    return new TiedBlocks(name, blocks);
  }

  protected async lend<T>(fn: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const lease = await this.lease();
    try {
      return await fn(lease.connection);
    } finally {
      lease.giveBack();
    }
  }

  /** The same for what asks others for rows meanwhile, which are not to ask this. */
  protected async lendForRows<T>(fn: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return await this.lend(fn);
  }

  async #query(asked: Asked, wanted: RowsWanted): Promise<QueryExchange> {
    const lease = await this.lease();
    try {
      return await runQuery(lease.connection, asked, wanted);
    } finally {
      lease.giveBack();
    }
  }
}

/** Runs a query on a connection. A statement that the server does not know any more, or not so, is prepared anew. */
async function runQuery(connection: PostgresConnection, asked: Asked, wanted: RowsWanted): Promise<QueryExchange> {
  const { statements } = connection;
  for (;;) {
    const statement = statements.get(asked.text);
    const wasParsed = statement.isParsed;
    const exchange = new QueryExchange(statement, asked.values, wanted, statements);
    try {
      await perform(connection, exchange);
      return exchange;
    } catch (error) {
      const isStale = dropIfUseless(statements, statement, wasParsed, error);
      if (!isStale || connection.isInTransaction) throw error;
    }
  }
}
