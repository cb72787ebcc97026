import { QueryError } from "../errors.ts";
import type { Statement, StatementCache } from "./statement-cache.ts";

/**
 * Forgets a statement that could not be prepared, or that was and is not valid any more: its table has changed, or somebody has
 * dropped it.
 *
 * @returns whether it was valid once. Then nothing has been done, and a new one may be.
 */
export function dropIfUseless(
  statements: StatementCache,
  statement: Statement,
  wasParsed: boolean,
  error: unknown,
): boolean {
  const isStale = wasParsed && isStaleError(error);
  if (isStale || !statement.isParsed) statements.drop(statement);
  return isStale;
}

function isStaleError(error: unknown): boolean {
  if (!(error instanceof QueryError)) return false;
  return error.sqlState === "26000" || (error.sqlState === "0A000" && error.message.includes("cached plan"));
}
