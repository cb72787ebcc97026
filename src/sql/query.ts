/** A query with its values apart: whatever they are, they are never read as SQL. Made by {@link sql}. */
export class Query {
  /** In the order of their numbers. */
  readonly values: readonly unknown[];
  /** What stands before the values, between them, and behind the last. */
  readonly #texts: readonly string[];

  /** @internal */
  constructor(texts: readonly string[], values: readonly unknown[]) {
    this.#texts = texts;
    this.values = values;
  }

  /** With `$1`, `$2` ... for the values. */
  get text(): string {
    return this.#texts.reduce((text, next, index) => `${text}$${index}${next}`);
  }

  /** @internal */
  get texts(): readonly string[] {
    return this.#texts;
  }
}

/** Something that becomes part of the text of a query, checked. */
class Name {
  readonly quoted: string;

  constructor(quoted: string) {
    this.quoted = quoted;
  }
}

/** Names and queries in place of values are put into the text; all else is a value. */
export type SqlPart = unknown;

/** Makes queries: see {@link sql}. */
export interface SqlTag {
  /** Called as a tag. */
  (texts: TemplateStringsArray, ...parts: readonly SqlPart[]): Query;
  /**
   * The name of a table, a column or the like, quoted. Several are those of a path: `sql.identifier("public", "users")`.
   *
   * @throws {TypeError} it is empty, or has a NUL in it
   */
  identifier(...names: readonly string[]): unknown;
  /**
   * Parts with something between them: `sql.join([1, 2, 3])` for the list of an `in`.
   *
   * @param between - @default ", "
   * @throws {TypeError} `between` is something else
   */
  join(parts: readonly SqlPart[], between?: ", " | " and " | " or " | " "): Query;
}

const betweens: readonly string[] = [", ", " and ", " or ", " "];

/**
 * A query whose values stand where they belong, and go to the database apart from its text.
 *
 * What another `sql` has made, and names of `sql.identifier`, become part of the text; all else is a value, whatever it holds.
 *
 * @example
 * ```ts
 * import { sql } from "taskwright/sql";
 *
 * const wanted = "x'; drop table users; --";
 * const query = sql`select * from ${sql.identifier("users")} where name = ${wanted} and age in (${sql.join([30, 31])})`;
 * console.log(query.text); // => select * from "users" where name = $1 and age in ($2, $3)
 * console.log(query.values.length); // => 3
 * ```
 */
export const sql: SqlTag = Object.assign(
  (texts: TemplateStringsArray, ...parts: readonly SqlPart[]): Query => {
    const builder = new Builder();
    for (const [index, text] of texts.entries()) {
      builder.addText(text);
      if (index < parts.length) builder.addPart(parts[index]);
    }
    return builder.query();
  },
  {
    identifier: (...names: readonly string[]): unknown => new Name(names.map(quoteName).join(".")),
    join: (parts: readonly SqlPart[], between = ", "): Query => {
      // It becomes text, so it is nothing that others may choose.
      if (!betweens.includes(between))
        throw new TypeError(`Expected \`between\` to be one of ${betweens.map((one) => `"${one}"`).join(" ")}`);
      const builder = new Builder();
      for (const [index, part] of parts.entries()) {
        if (index > 0) builder.addText(between);
        builder.addPart(part);
      }
      return builder.query();
    },
  },
);

/** The same in both databases: quotes within are doubled. */
export function quoteName(name: string): string {
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw new TypeError(`Expected a name in SQL to be text without NUL, got \`${name}\` (${typeof name})`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

class Builder {
  readonly #texts: string[] = [""];
  readonly #values: unknown[] = [];

  addText(text: string): void {
    this.#texts[this.#texts.length - 1] += text;
  }

  addPart(part: unknown): void {
    if (part instanceof Name) this.addText(part.quoted);
    else if (part instanceof Query) this.#addQuery(part);
    else {
      this.#values.push(part);
      this.#texts.push("");
    }
  }

  query(): Query {
    return new Query(this.#texts, this.#values);
  }

  #addQuery({ texts, values }: Query): void {
    for (const [index, text] of texts.entries()) {
      this.addText(text);
      if (index < values.length) this.addPart(values[index]);
    }
  }
}
