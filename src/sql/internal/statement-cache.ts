import type { Columns } from "./columns.ts";

/** A prepared statement of one connection. */
export class Statement {
  /** For the server; empty for one that is not kept. */
  readonly name: string;
  readonly text: string;
  /** Whether the server has it. */
  isParsed = false;
  /** Of its parameters, once the server has said it. */
  parameterTypes: readonly number[] | undefined = undefined;
  /** Of its rows, once the server has said it. Null if it gives none. */
  columns: Columns | null | undefined = undefined;

  /** Of its parameters, where they are not left to the server. */
  readonly types: readonly number[];

  constructor(name: string, text: string, types: readonly number[] = []) {
    this.name = name;
    this.text = text;
    this.types = types;
    if (types.length > 0) this.parameterTypes = types;
  }
}

/** The statements that a connection keeps: those used last. */
export class StatementCache {
  readonly #max: number;
  /** The one used last is at the end. */
  readonly #statements = new Map<string, Statement>();
  /** Left out, and to be closed with the next exchange. */
  #evicted: string[] = [];
  #made = 0;

  /** @param max - 0 keeps none: for servers behind a pooler that mixes connections */
  constructor(max: number) {
    this.#max = max;
  }

  /** The statement of a text, new or kept. */
  get(text: string, types?: readonly number[]): Statement {
    if (this.#max === 0) return new Statement("", text, types);
    const kept = this.#statements.get(text);
    if (kept !== undefined) {
      this.#statements.delete(text);
      this.#statements.set(text, kept);
      return kept;
    }
    const made = new Statement(`taskwright_${++this.#made}`, text, types);
    this.#statements.set(text, made);
    if (this.#statements.size > this.#max) this.#evictFirst();
    return made;
  }

  /** It could not be prepared, or is not valid any more. */
  drop(statement: Statement): void {
    if (this.#statements.get(statement.text) !== statement) return;
    this.#statements.delete(statement.text);
    if (statement.isParsed) this.#evicted.push(statement.name);
  }

  /** The server has dropped all. */
  clear(): void {
    this.#statements.clear();
    this.#evicted = [];
  }

  /** The names of what the server can forget, once. */
  takeEvicted(): readonly string[] {
    if (this.#evicted.length === 0) return this.#evicted;
    const evicted = this.#evicted;
    this.#evicted = [];
    return evicted;
  }

  #evictFirst(): void {
    for (const [text, statement] of this.#statements) {
      this.#statements.delete(text);
      if (statement.isParsed) this.#evicted.push(statement.name);
      return;
    }
  }
}
