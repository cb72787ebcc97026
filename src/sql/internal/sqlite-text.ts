/** What is known of the text of a query without asking SQLite. */
export interface SqliteText {
  /** With `?1` for `$1`: of the two SQLite of Node binds values in order only to the first. */
  readonly text: string;
  /** How many values it takes: the highest number of a parameter. */
  readonly parameters: number;
  /** Whether it surely changes nothing, and means the same on whichever connection it runs. */
  readonly isRead: boolean;
  /** Whether it begins or ends a transaction or savepoint. */
  readonly isBound: boolean;
}

/**
 * The parts of a text: what is left alone as a whole, and what is looked at. A string, name or comment without an end goes
 * to the end of the text, as for SQLite, which then says so.
 */
const parts: RegExp = new RegExp(
  [
    String.raw`'[^']*(?:'|$)`, // doubled quotes are two strings side by side, which makes no difference here
    String.raw`"[^"]*(?:"|$)`,
    "`[^`]*(?:`|$)",
    String.raw`\[[^\]]*(?:\]|$)`,
    "--[^\\n]*",
    String.raw`/\*[^]*?(?:\*/|$)`,
    String.raw`(?<parameter>[$?:@#][\w$\x80-\uffff]*)`,
    String.raw`(?<word>[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)`,
    String.raw`\d[\w$.\x80-\uffff]*`,
    "(?<end>;)",
  ].join("|"),
  "g",
);

const numbered = /^\$[1-9]\d*$/;

/** With one of these as its first word, a statement only reads. */
const readers = new Set(["select", "values", "with", "explain"]);

/** With one of these anywhere, it may write, or is about the connection that wrote before. */
const writers = new Set([
  "insert",
  "update",
  "delete",
  "replace",
  "analyze",
  "changes",
  "total_changes",
  "last_insert_rowid",
]);

const bounds = new Set(["begin", "commit", "end", "rollback", "savepoint", "release"]);

const known = new Map<string, SqliteText>();
const maxKnown = 1_000;
const maxKnownLength = 100_000;

/**
 * Reads the text of a query. Texts come again and again, so what is found out is kept for a while.
 *
 * @throws {TypeError} it has parameters of another form than `$1`
 */
export function readSqlite(text: string): SqliteText {
  const before = known.get(text);
  if (before !== undefined) return before;
  const read = parse(text);
  if (text.length > maxKnownLength) return read;
  if (known.size >= maxKnown) known.clear();
  known.set(text, read);
  return read;
}

function parse(text: string): SqliteText {
  let parameters = 0;
  let first: string | undefined;
  let mayWrite = false;
  let isBound = false;
  let isAtBegin = true;
  // In its body `end` is no commit.
  const hasBody = /\btrigger\b/i.test(text);
  const rewritten = text.replaceAll(parts, (part, ...rest) => {
    const { parameter, word, end } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (parameter !== undefined) {
      if (!numbered.test(parameter)) throw new TypeError(`Expected parameters of SQL as $1, $2 ..., got ${parameter}`);
      parameters = Math.max(parameters, Number(parameter.slice(1)));
      return `?${parameter.slice(1)}`;
    }
    if (word !== undefined) {
      const lower = word.toLowerCase();
      first ??= lower;
      mayWrite ||= writers.has(lower);
      isBound ||= isAtBegin && bounds.has(lower);
      isAtBegin = false;
    }
    if (end !== undefined) isAtBegin = !hasBody;
    return part;
  });
  const isRead = first !== undefined && readers.has(first) && !mayWrite;
  return { text: rewritten, parameters, isRead, isBound };
}
