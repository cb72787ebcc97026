import { SimpleExchange } from "./exchange.ts";
import { perform, settle } from "./perform.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { DescribeExchange, ManyExchange } from "./query-exchange.ts";
import { dropIfUseless } from "./stale-statement.ts";
import { type ManyRows, type RowWindow, checkRow, sizeOfRow, windowsOf } from "./row-windows.ts";
import { columnsOfRows, unnest } from "./unnest.ts";

/** As many go to the server in one go: more gains nothing, and stands in memory. */
const windowRows = 1_000;
const windowBytes = 1024 * 1024;

type Values = readonly unknown[];

/**
 * Runs a statement for each row of values: many in one go, all in one transaction, which is made where there is none.
 *
 * Cancel: nothing of it has happened.
 */
export async function executeManyOn(connection: PostgresConnection, text: string, rows: ManyRows): Promise<number> {
  if (connection.isInTransaction) return await executeAll(connection, text, rows);
  await perform(connection, new SimpleExchange("begin"));
  try {
    const count = await executeAll(connection, text, rows);
    await perform(connection, new SimpleExchange("commit"));
    return count;
  } catch (error) {
    if (connection.isInTransaction) await settle(connection, "rollback");
    throw error;
  }
}

async function executeAll(connection: PostgresConnection, text: string, rows: ManyRows): Promise<number> {
  const { statements } = connection;
  const statement = statements.get(text);
  if (statement.parameterTypes === undefined) {
    try {
      await perform(connection, new DescribeExchange(statement));
    } finally {
      if (!statement.isParsed) statements.drop(statement);
    }
  }
  const { parameterTypes = [] } = statement;
  const whole = unnest(text, parameterTypes);
  const wholeStatement = whole && statements.get(whole.text, whole.types);
  let count = 0;
  for await (const window of windowsOf(rows, new Rows(parameterTypes.length))) {
    const exchange =
      wholeStatement === undefined
        ? new ManyExchange(statement, window)
        : new ManyExchange(wholeStatement, [columnsOfRows(window, parameterTypes)]);
    try {
      await perform(connection, exchange);
    } catch (error) {
      // What was taken from the source cannot be had again; but the next call prepares it anew.
      dropIfUseless(statements, statement, true, error);
      if (wholeStatement !== undefined) dropIfUseless(statements, wholeStatement, true, error);
      throw error;
    }
    count += exchange.count;
  }
  return count;
}

/** Rows as they are. */
class Rows implements RowWindow<readonly Values[]> {
  readonly #width: number;
  #rows: Values[] = [];
  #bytes = 0;
  #at = 0;

  constructor(width: number) {
    this.#width = width;
  }

  add(row: Values): boolean {
    checkRow(row, this.#width, ++this.#at);
    this.#rows.push(row);
    this.#bytes += sizeOfRow(row);
    return this.#rows.length === windowRows || this.#bytes >= windowBytes;
  }

  take(): readonly Values[] | undefined {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    return rows.length === 0 ? undefined : rows;
  }
}
