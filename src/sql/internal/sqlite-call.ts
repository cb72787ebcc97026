import { type ScopeNode, Waiter, currentScope, openScope, stopError } from "../../core/index.ts";
import { shorten } from "../errors.ts";
import type { RowPiece, ThreadWork } from "./sqlite-protocol.ts";
import { type RowMaker, rowMaker } from "./sqlite-row-maker.ts";
import type { Asker, SqliteThread } from "./sqlite-thread.ts";

/**
 * A wait for what a thread was asked for.
 *
 * Cancelled, it goes on waiting until the thread has stopped, which it does between two rows; what has come to its end by
 * then counts. So whoever holds a connection never gives it back while it still works.
 */
export class SqliteCall extends Waiter<void> implements Asker {
  readonly query: string | undefined;
  /** Of what was asked for. */
  readonly id: number;
  /** Rows changed, or given. */
  count = 0;
  readonly #thread: SqliteThread;
  readonly #what: string | undefined;
  #givenUp: Error | undefined;

  /** @param what - for people, if it is no query */
  constructor(scope: ScopeNode, thread: SqliteThread, work: ThreadWork, query: string | undefined, what?: string) {
    super(scope);
    this.query = query;
    this.#what = what;
    this.#thread = thread;
    this.id = thread.ask(work, this);
  }

  get isGivenUp(): boolean {
    return this.#givenUp !== undefined;
  }

  override get isExternal(): boolean {
    return true;
  }

  takeRows(_piece: RowPiece): void {}

  takeDone(count: number): void {
    this.count = count;
    this.resolve();
  }

  takeFailure(error: unknown): void {
    this.reject(error);
  }

  takeStop(): void {
    this.reject(this.#givenUp);
  }

  override cut(error: Error): void {
    // Of a scope that has ended, nobody awaits it.
    if (this.scope?.isClosed === true) super.cut(error);
    this.#givenUp ??= error;
    this.#thread.giveUp(this);
  }

  protected override leave(): void {}

  describe(): string {
    return this.#what ?? labelOf(this.query);
  }
}

/** Rows that are asked for. */
export class RowsCall<R> extends SqliteCall {
  rows: R[] = [];
  readonly #toRow: ((names: readonly string[]) => RowMaker) | undefined;
  #make: RowMaker | undefined;
  #width = 1;

  /** @param isValue - only the first column of each row is wanted */
  constructor(scope: ScopeNode, thread: SqliteThread, work: ThreadWork, query: string, isValue = false) {
    super(scope, thread, work, query);
    this.#toRow = isValue ? undefined : rowMaker;
  }

  override takeRows({ names, values, isFirst, isLast }: RowPiece): void {
    if (isFirst) {
      this.rows = [];
      this.#make = this.#toRow?.(names);
      this.#width = names.length;
    }
    const make = this.#make;
    for (let at = 0; at < values.length; at += this.#width) {
      this.rows.push((make === undefined ? values[at] : make(values, at)) as R);
    }
    if (isLast) this.resolve();
  }
}

const nobody: Asker = {
  query: undefined,
  isGivenUp: false,
  takeRows() {},
  takeDone() {},
  takeFailure() {},
  takeStop() {},
};

/** Asks for what must be done although the scope is cancelled, and waits for it. */
export async function settleSqlite(thread: SqliteThread, work: ThreadWork, what: string): Promise<void> {
  if (currentScope().isClosed) {
    // Nobody awaits it. The thread does it all the same, before anything that is asked for later.
    thread.ask(work, nobody);
    return;
  }
  const scope = openScope(what, true);
  try {
    await new SqliteCall(scope, thread, work, undefined, what).promise;
  } finally {
    scope.close();
  }
}

/** What a cancelled scope throws. */
export function throwIfStopped(scope: ScopeNode): void {
  if (scope.stop !== undefined) throw stopError(scope);
}

/** A query, for people. */
function labelOf(query: string | undefined): string {
  return `query ${query === undefined ? "" : shorten(query.replaceAll(/\s+/g, " ").trim(), 60)}`;
}
