import { breathe } from "../../core/index.ts";
import { SimpleExchange } from "./exchange.ts";
import { perform, settle } from "./perform.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { DescribeExchange, ManyExchange } from "./query-exchange.ts";
import { dropIfUseless } from "./stale-statement.ts";
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
export async function executeManyOn(
  connection: PostgresConnection,
  text: string,
  rows: Iterable<Values> | AsyncIterable<Values>,
): Promise<number> {
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

async function executeAll(
  connection: PostgresConnection,
  text: string,
  rows: Iterable<Values> | AsyncIterable<Values>,
): Promise<number> {
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
  for await (const window of windowsOf(rows, parameterTypes.length)) {
    const exchange =
      wholeStatement === undefined
        ? new ManyExchange(statement, window)
        : new ManyExchange(wholeStatement, [columnsOfRows(window, parameterTypes.length)]);
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

async function* windowsOf(
  rows: Iterable<Values> | AsyncIterable<Values>,
  count: number,
): AsyncGenerator<readonly Values[], void, void> {
  let window: Values[] = [];
  let bytes = 0;
  let at = 0;
  const isFull = (row: Values): boolean => {
    at++;
    if (row.length !== count)
      throw new TypeError(`Expected each row to have ${count} values, got ${row.length} in row ${at}`);
    window.push(row);
    bytes += sizeOf(row);
    return window.length === windowRows || bytes >= windowBytes;
  };
  const take = (): readonly Values[] => {
    const full = window;
    window = [];
    bytes = 0;
    return full;
  };
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) if (isFull(row)) yield take();
  } else {
    for (const row of rows) {
      if (!isFull(row)) continue;
      yield take();
      await breathe();
    }
  }
  if (window.length > 0) yield window;
}

/** About. */
function sizeOf(row: Values): number {
  let size = 0;
  for (const value of row) {
    if (typeof value === "string" || value instanceof Uint8Array) size += value.length;
    else size += 16;
  }
  return size;
}
