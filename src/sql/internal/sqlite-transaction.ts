import { type ScopeNode, checkedScope, currentScope, openScope, within } from "../../core/index.ts";
import type { Connection, Queryable, TransactionOptions } from "../database.ts";
import { NotSupportedError } from "../errors.ts";
import { runAgain } from "./run-again.ts";
import { SqliteCall, settleSqlite, throwIfStopped } from "./sqlite-call.ts";
import { type Desk, SqliteLine } from "./sqlite-line.ts";
import { SqliteSession } from "./sqlite-session.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { Tie } from "./tie.ts";

/** What begins and ends a transaction. */
export interface Brackets {
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
  readonly isRead: boolean;
}

const writing: Brackets = { begin: "begin immediate", commit: "commit", rollback: "rollback", isRead: false };
/** It may be on the connection that writes. */
const reading: Brackets = {
  begin: "begin; pragma query_only = on",
  commit: "rollback; pragma query_only = off",
  rollback: "rollback; pragma query_only = off",
  isRead: true,
};

/**
 * What begins and ends a transaction that is not within another.
 *
 * @throws {NotSupportedError} SQLite has no such isolation
 */
export function bracketsOf({ isolation = "serializable", readOnly = false }: TransactionOptions): Brackets {
  if (!["read committed", "repeatable read", "serializable"].includes(isolation)) {
    throw new TypeError(`Expected \`isolation\` to be "serializable", got \`${isolation}\` (${typeof isolation})`);
  }
  if (isolation !== "serializable") throw new NotSupportedError(`the isolation ${isolation}`, "SQLite");
  return readOnly ? reading : writing;
}

let savepoints = 0;

function savepoint({ isolation, readOnly, retrySerialization = 0 }: TransactionOptions): Brackets {
  if (isolation !== undefined || readOnly !== undefined || retrySerialization > 0) {
    throw new TypeError("`isolation`, `readOnly` and `retrySerialization` are those of the outermost transaction");
  }
  const name = `savepoint taskwright_${++savepoints}`;
  return {
    begin: name,
    commit: `release ${name}`,
    rollback: `rollback to ${name}; release ${name}`,
    isRead: false,
  };
}

/** Queries, and transactions of them. */
export abstract class TransactingSession extends SqliteSession implements Queryable {
  /** What begins and ends a transaction here. */
  protected abstract brackets(options: TransactionOptions): Brackets;

  async transaction<T>(
    fn: (transaction: Queryable) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const brackets = this.brackets(options);
    return await runAgain(options, () => runTransaction(this.line(brackets.isRead), brackets, fn));
  }

  protected override alone<T>(fn: (thread: SqliteThread) => Promise<T>): Promise<T> {
    return runTransaction(this.line(false), this.brackets({}), (_transaction, thread) => fn(thread));
  }
}

/** One connection, for one piece of code. */
abstract class OwnSession extends TransactingSession {
  protected override readonly isOwn: boolean = true;
  readonly #line: SqliteLine;

  constructor(thread: SqliteThread, name: string) {
    super();
    this.#line = new SqliteLine(name, 1, () => thread);
  }

  protected override line(): SqliteLine {
    return this.#line;
  }

  /** Nobody else is there whom it could bother. */
  protected override streamsAlone(): boolean {
    return false;
  }

  /** Lets nothing more be asked. What is with the thread comes to its end before anything else. */
  close(): void {
    this.#line.close();
  }
}

/** A transaction, or a savepoint in one. */
class Transaction extends OwnSession {
  protected override brackets(options: TransactionOptions): Brackets {
    return savepoint(options);
  }
}

/** The connection that writes, for oneself. */
export class OwnConnection extends OwnSession implements Connection {
  protected override readonly isByHand: boolean = true;
  readonly #desk: Desk;
  readonly #from: SqliteLine;
  readonly #tie: Tie;
  #ending: Promise<void> | undefined;

  constructor(desk: Desk, from: SqliteLine) {
    super(desk.thread, "the connection");
    this.#desk = desk;
    this.#from = from;
    this.#tie = new Tie(currentScope(), "a connection for oneself", () => (this.#ending ??= this.#end()));
  }

  protected override brackets(options: TransactionOptions): Brackets {
    return bracketsOf(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#ending ??= this.#end());
    await this.#tie.release();
  }

  async #end(): Promise<void> {
    this.close();
    try {
      await settleSqlite(this.#desk.thread, ["reset"], "give back a connection");
    } catch {
      // It is lost, and another one takes its place.
    } finally {
      this.#from.leave(this.#desk);
    }
  }
}

type TransactionFunction<T> = (transaction: Queryable, thread: SqliteThread) => T | PromiseLike<T>;

/** Runs `fn` in a transaction, on a connection that it has alone. */
async function runTransaction<T>(line: SqliteLine, brackets: Brackets, fn: TransactionFunction<T>): Promise<T> {
  const desk = await line.enter(true);
  try {
    return await runOn(desk, brackets, fn);
  } finally {
    line.leave(desk);
  }
}

async function runOn<T>(desk: Desk, { begin, commit, rollback }: Brackets, fn: TransactionFunction<T>): Promise<T> {
  const { thread } = desk;
  try {
    await new SqliteCall(checkedScope(), thread, ["begin", begin], begin).promise;
    const transaction = new Transaction(thread, "the transaction");
    let value: T;
    try {
      value = await inScope(desk, () => fn(transaction, thread));
    } finally {
      transaction.close();
    }
    // What comes too late is not committed.
    throwIfStopped(currentScope());
    await settleSqlite(thread, ["end", commit], "commit");
    return value;
  } catch (error) {
    await rollBack(thread, rollback);
    throw error;
  }
}

/** Whatever waits for the connection in this scope, other than by what `fn` is given, would wait for ever. */
async function inScope<T>(desk: Desk, fn: () => T | PromiseLike<T>): Promise<T> {
  const scope: ScopeNode = openScope("transaction");
  desk.holder = scope;
  return await within(scope, fn, (own) => {
    throw own;
  });
}

/** A thread that is lost has rolled back, too. */
async function rollBack(thread: SqliteThread, text: string): Promise<void> {
  try {
    await settleSqlite(thread, ["back", text], "roll back");
  } catch {
    // What has failed before is told.
  }
}
