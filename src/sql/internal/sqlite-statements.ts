import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SqliteMisuse } from "./sqlite-misuse.ts";
import type { SqliteValue } from "./sqlite-values.ts";

/** As quick a statement does not have to be told apart from its message. */
const quickMs = 0.5;

/** A prepared statement. */
export class KeptStatement {
  readonly statement: StatementSync;
  /** Whether it gives rows; if not, it may change some. */
  readonly givesRows: boolean;
  /** Whether it was quick when it ran last. */
  isQuick = false;
  /** Whether it changes rows: of all others SQLite says how many the statement before has changed. */
  readonly #counts: boolean;

  constructor(statement: StatementSync) {
    this.statement = statement;
    this.givesRows = statement.columns().length > 0;
    this.#counts = /^\s*(?:insert|update|delete|replace|with)\b/i.test(withoutComments(statement.sourceSQL));
  }

  run(values: readonly SqliteValue[]): number {
    const { changes } = this.statement.run(...values.map(bindable));
    return this.#counts ? Number(changes) : 0;
  }

  tookMs(ms: number): void {
    this.isQuick = ms < quickMs;
  }
}

/** The prepared statements of a connection: those used last. */
export class SqliteStatements {
  readonly #db: DatabaseSync;
  readonly #max: number;
  /** The one used last is at the end. */
  readonly #kept = new Map<string, KeptStatement>();

  constructor(db: DatabaseSync, max: number) {
    this.#db = db;
    this.#max = max;
  }

  get(text: string): KeptStatement {
    let kept = this.#kept.get(text);
    if (kept === undefined) kept = new KeptStatement(prepareOne(this.#db, text));
    else this.#kept.delete(text);
    this.#kept.set(text, kept);
    if (this.#kept.size > this.#max) this.#kept.delete(this.#kept.keys().next().value!);
    return kept;
  }
}

/** Prepares the one statement of a text: SQLite would pass over all others. */
export function prepareOne(db: DatabaseSync, text: string): StatementSync {
  const statement = db.prepare(text);
  if (restOf(text, statement) === "") return statement;
  throw new SqliteMisuse("several statements in one query: run them one after another");
}

/** Whether a text has several statements. Most have no semicolon but at the end. */
export function isScript(db: DatabaseSync, text: string): boolean {
  return text.trimEnd().slice(0, -1).includes(";") && restOf(text, db.prepare(text)) !== "";
}

/** What was left out of `statement`, which ends with its semicolon. */
function restOf(text: string, { sourceSQL }: StatementSync): string {
  const rest = text.slice(text.indexOf(sourceSQL) + sourceSQL.length);
  return withoutComments(rest).replaceAll(";", "").trim();
}

function withoutComments(text: string): string {
  return text.replaceAll(/--[^\n]*|\/\*[^]*?(?:\*\/|$)/g, " ");
}

/** Integers as such: all numbers of JavaScript would be reals, and `'a' || 1` would be `a1.0`. */
export function bindable(value: SqliteValue): SqliteValue {
  return typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
}
