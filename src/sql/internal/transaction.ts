import { ContextVar, currentScope, shield } from "../../core/index.ts";
import { Lock } from "../../sync/index.ts";
import type { Connection, Queryable, TransactionOptions } from "../database.ts";
import { DatabaseClosedError, QueryError } from "../errors.ts";
import { SimpleExchange } from "./exchange.ts";
import { perform, settle } from "./perform.ts";
import { setIso } from "./postgres-opening.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { Lease } from "./lease.ts";
import { QuerySession } from "./query-session.ts";
import { runAgain } from "./run-again.ts";
import { Tie } from "./tie.ts";
import { TiedBlocks } from "./tied-blocks.ts";

/** Queries, and transactions of them. */
export abstract class PostgresSession extends QuerySession implements Queryable {
  async transaction<T>(
    fn: (transaction: Queryable) => T | PromiseLike<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return await runAgain(options, () => this.lend((connection) => runTransaction(connection, this, fn, options)));
  }
}

/** A connection that one piece of code has for itself. Calls that overlap stand in line. */
abstract class ExclusiveSession extends PostgresSession {
  readonly connection: PostgresConnection;
  readonly #name: string;
  readonly #lock: Lock;
  /** What is being read, and may have the connection until then. */
  readonly #reading = new Set<{ cut(why: Error): Promise<void> }>();
  #isOver = false;

  constructor(connection: PostgresConnection, name: string) {
    super();
    this.connection = connection;
    this.#name = name;
    this.#lock = new Lock({ name });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets nothing more be asked of it, ends what is read in blocks, and waits for all else that is under way. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#reading].map((blocks) => blocks.cut(new DatabaseClosedError(this.#name))));
    const permit = await this.#lock.acquire();
    permit.release();
  }

  protected override tied<T>(name: string, blocks: AsyncGenerator<T, void, void>): TiedBlocks<T> {
    const made: TiedBlocks<T> = new TiedBlocks(name, blocks, () => this.#reading.delete(made));
    this.#reading.add(made);
    return made;
  }

  protected async lease(): Promise<Lease> {
    this.#check();
    const permit = await this.#lock.acquire();
    if (this.#isOver) {
      permit.release();
      this.#check();
    }
    return { connection: this.connection, giveBack: () => permit.release() };
  }

  protected override async lendForRows<T>(fn: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return await this.lend(async (connection) => {
      const taking = { session: this, isOver: false, outer: takingRows.get() };
      try {
        return await takingRows.run(taking, () => fn(connection));
      } finally {
        taking.isOver = true;
      }
    });
  }

  #check(): void {
    if (this.#isOver) throw new DatabaseClosedError(this.#name);
    for (let taking = takingRows.get(); taking !== undefined; taking = taking.outer) {
      if (taking.session === this && !taking.isOver)
        throw new TypeError(
          "The connection is taking rows, and those that it waits for are read from it: read them first",
        );
    }
    let inner = innermost.get();
    while (inner !== undefined && (inner.isOver || inner.outer !== this)) {
      inner = inner.outer instanceof Transaction ? inner.outer : undefined;
    }
    if (inner !== undefined)
      throw new TypeError("Inside a transaction, use the object that its function was given: this one waits for it");
  }
}

interface TakingRows {
  readonly session: ExclusiveSession;
  isOver: boolean;
  readonly outer: TakingRows | undefined;
}

/** What takes the rows that the running code gives: a copy, or a statement for many. */
const takingRows = new ContextVar<TakingRows | undefined>("taking rows", { default: undefined });

/** A connection of the pool, for oneself. */
export class OwnConnection extends ExclusiveSession implements Connection {
  readonly #giveBack: () => void;
  readonly #tie: Tie;
  #ending: Promise<void> | undefined;

  constructor(connection: PostgresConnection, giveBack: () => void) {
    super(connection, "the connection");
    this.#giveBack = giveBack;
    this.#tie = new Tie(currentScope(), "a connection for oneself", () => this.#cut());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#ending ??= this.#end());
    await this.#tie.release();
  }

  async #end(): Promise<void> {
    await shield(() => this.close());
    // Settings, locks and temporary tables are not for the next. In a transaction it is closed anyway.
    if (!this.connection.isInTransaction) await settle(this.connection, "discard all");
    // Which brings back what the server is set to.
    if (!this.connection.writesIso && !this.connection.isInTransaction) await settle(this.connection, setIso);
    this.connection.statements.clear();
    this.#giveBack();
  }

  /** Whatever it is at, for others than its scope. */
  async #cut(): Promise<void> {
    if (this.#ending === undefined) {
      this.#ending = this.#end();
      this.connection.interrupt();
    }
    await this.#ending;
  }
}

/** One transaction, or a savepoint in one. */
class Transaction extends ExclusiveSession {
  readonly outer: PostgresSession;

  constructor(connection: PostgresConnection, outer: PostgresSession) {
    super(connection, "the transaction");
    this.outer = outer;
  }

  /** What was meant for the transaction must not be committed by itself. */
  protected override async lease(): Promise<Lease> {
    const lease = await super.lease();
    try {
      checkGoesOn(this.connection);
      return lease;
    } catch (error) {
      lease.giveBack();
      throw error;
    }
  }
}

/** The transaction that the running code is in. */
const innermost = new ContextVar<Transaction | undefined>("transaction", { default: undefined });

/** What begins and ends a transaction. */
interface Brackets {
  readonly begin: string;
  readonly commit: string;
  readonly rollback: string;
}

/**
 * Runs `fn` in a transaction, or in a savepoint if the connection is in one. However it ends, the connection is out of it
 * afterwards, or closed.
 */
async function runTransaction<T>(
  connection: PostgresConnection,
  outer: PostgresSession,
  fn: (transaction: Queryable) => T | PromiseLike<T>,
  options: TransactionOptions,
): Promise<T> {
  if (connection.isInTransaction) return await runBetween(connection, outer, fn, savepoint(options));
  try {
    return await runBetween(connection, outer, fn, bracketsOf(options));
  } catch (error) {
    // Also where it was not known to have begun.
    if (connection.isInTransaction) await settle(connection, "rollback");
    throw error;
  }
}

async function runBetween<T>(
  connection: PostgresConnection,
  outer: PostgresSession,
  fn: (transaction: Queryable) => T | PromiseLike<T>,
  { begin, commit, rollback }: Brackets,
): Promise<T> {
  await perform(connection, new SimpleExchange(begin));
  const own = new Transaction(connection, outer);
  try {
    const value = await innermost.run(own, () => fn(own));
    await own.close();
    checkWhole(connection);
    await perform(connection, new SimpleExchange(commit));
    return value;
  } catch (error) {
    await shield(() => own.close());
    if (connection.isInTransaction) await settle(connection, rollback);
    throw error;
  }
}

/** Somebody may have asked for `rollback`, or several statements with a `commit` among them. */
function checkGoesOn(connection: PostgresConnection): void {
  if (connection.isInTransaction) return;
  throw new QueryError("the transaction is over: a statement in it has ended it", undefined, {
    sqlState: "25P01",
    hint: "Transactions begin and end with transaction(), or on a connection of acquire()",
  });
}

/** Postgres takes a commit of what has failed for a rollback, and says nothing. */
function checkWhole(connection: PostgresConnection): void {
  checkGoesOn(connection);
  if (!connection.hasTransactionFailed) return;
  throw new QueryError(
    "the transaction cannot be committed: a query in it failed, and the error was caught",
    undefined,
    {
      sqlState: "25P02",
      hint: "Put what may fail into a transaction of its own, inside",
    },
  );
}

const isolations = ["read committed", "repeatable read", "serializable"] as const;

function bracketsOf({ isolation, readOnly = false }: TransactionOptions): Brackets {
  if (isolation !== undefined && !isolations.includes(isolation))
    throw new TypeError(`Expected \`isolation\` to be one of ${isolations.join(", ")}, got \`${isolation as string}\``);
  const level = isolation === undefined ? "" : ` isolation level ${isolation}`;
  return { begin: `begin${level}${readOnly ? " read only" : ""}`, commit: "commit", rollback: "rollback" };
}

let savepoints = 0;

function savepoint({ isolation, readOnly, retrySerialization = 0 }: TransactionOptions): Brackets {
  if (isolation !== undefined || readOnly !== undefined || retrySerialization > 0)
    throw new TypeError("`isolation`, `readOnly` and `retrySerialization` are those of the outermost transaction");
  const name = `taskwright_${++savepoints}`;
  return {
    begin: `savepoint ${name}`,
    commit: `release savepoint ${name}`,
    rollback: `rollback to savepoint ${name}; release savepoint ${name}`,
  };
}
