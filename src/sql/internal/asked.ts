import type { QueryInput } from "../database.ts";
import { Query } from "../query.ts";

/** A query as it goes to the database. */
export interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
}

const nothing: readonly unknown[] = [];

/**
 * Checks what a query is made of.
 *
 * @throws {TypeError} it is no query, or has two sets of values
 */
export function ask(query: QueryInput, values: readonly unknown[] | undefined): Asked {
  if (query instanceof Query) {
    if (values !== undefined && values.length > 0)
      throw new TypeError("Expected no `values` beside a query of sql`...`: it has its own");
    return { text: checkText(query.text), values: query.values };
  }
  if (values !== undefined && !Array.isArray(values))
    throw new TypeError(`Expected \`values\` to be an array, got ${typeof values}`);
  return { text: checkText(query), values: values ?? nothing };
}

/** What stands behind a NUL would be another message to the server. */
export function checkText(text: unknown): string {
  if (typeof text !== "string")
    throw new TypeError(`Expected \`query\` to be text or sql\`...\`, got \`${String(text)}\` (${typeof text})`);
  if (text.includes("\0")) throw new TypeError("Expected `query` to be text without NUL");
  return text;
}
