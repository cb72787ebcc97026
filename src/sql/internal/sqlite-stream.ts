import { type ScopeNode, Waiter, checkedScope } from "../../core/index.ts";
import { BlockReader } from "../../flow/index.ts";
import { shorten } from "../errors.ts";
import { SqliteCall, settleSqlite } from "./sqlite-call.ts";
import type { Desk, SqliteLine } from "./sqlite-line.ts";
import type { RowPiece } from "./sqlite-protocol.ts";
import { type RowMaker, rowMaker } from "./sqlite-row-maker.ts";
import type { SqliteQuery } from "./sqlite-session.ts";
import type { Asker, SqliteThread } from "./sqlite-thread.ts";
import { Tie } from "./tie.ts";

/**
 * The rows of a query, in pieces: while one is read here, the thread reads the next.
 *
 * Alone, it has its connection until the end; otherwise for each piece.
 */
export class SqliteStream<R> extends BlockReader<R> {
  readonly #line: SqliteLine;
  readonly #query: SqliteQuery;
  readonly #batchRows: number;
  readonly #isAlone: boolean;
  readonly #isOwn: boolean;
  /** While it has one alone. */
  #desk: Desk | undefined;
  #thread: SqliteThread | undefined;
  #opened = 0;
  #ahead: PieceAhead | undefined;
  #make: RowMaker | undefined;
  #width = 1;
  #isOver = false;
  /** Where it was made. */
  readonly #scope: ScopeNode = checkedScope();
  #tie: Tie | undefined;
  /** Why what comes next is missing. */
  #missing: Error | undefined;

  /** @param isOwn - it is of whoever has the connection alone, and ends with that */
  constructor(line: SqliteLine, query: SqliteQuery, batchRows: number, isAlone: boolean, isOwn: boolean) {
    super();
    this.#line = line;
    this.#query = query;
    this.#batchRows = batchRows;
    this.#isAlone = isAlone;
    this.#isOwn = isOwn;
  }

  protected override async nextBlock(): Promise<readonly R[] | undefined> {
    const scope = checkedScope();
    if (this.#isOver) return this.#atEnd();
    if (!this.#isOwn) this.#tie ??= new Tie(this.#scope, labelOf(this.#query), (why) => this.#cut(why));
    try {
      return await this.#readOn();
    } catch (error) {
      if (scope.stop !== undefined) throw error;
      throw this.#missing ?? error;
    }
  }

  protected override async stop(): Promise<void> {
    await this.#end(true);
  }

  #atEnd(): undefined {
    if (this.#missing === undefined) return;
    // The cancellation of the reader counts more than what else it brings about.
    checkedScope();
    throw this.#missing;
  }

  async #readOn(): Promise<readonly R[] | undefined> {
    if (this.#thread === undefined) await this.#open();
    // Ended by somebody else, while it was opened.
    if (this.#isOver) return this.#atEnd();
    const piece = this.#isAlone ? await this.#ahead!.take(checkedScope()) : await this.#ask();
    if (piece.isLast) await this.#end(false);
    else if (this.#isAlone && !this.#isOver) this.#askAhead();
    if (piece.isFirst) {
      this.#make = rowMaker(piece.names);
      this.#width = piece.names.length;
    }
    return this.#rowsOf(piece);
  }

  async #open(): Promise<void> {
    const { text, values, asGiven } = this.#query;
    const desk = await this.#line.enter(this.#isAlone);
    try {
      if (this.#isOver) return;
      const call = new SqliteCall(checkedScope(), desk.thread, ["open", text, values, this.#isOwn], asGiven);
      this.#thread = desk.thread;
      this.#opened = call.id;
      await call.promise;
      if (this.#isOver) await settleSqlite(desk.thread, ["shut", call.id], "stop reading rows");
      else if (this.#isAlone) {
        this.#desk = desk;
        this.#askAhead();
      }
    } finally {
      if (this.#desk === undefined) this.#line.leave(desk);
    }
  }

  #askAhead(): void {
    this.#ahead = new PieceAhead(this.#query.asGiven);
    this.#thread!.ask(["more", this.#opened, this.#batchRows], this.#ahead);
  }

  async #ask(): Promise<RowPiece> {
    const desk = await this.#line.enter(false);
    try {
      const ahead = new PieceAhead(this.#query.asGiven);
      desk.thread.ask(["more", this.#opened, this.#batchRows], ahead);
      return await ahead.take(checkedScope());
    } finally {
      this.#line.leave(desk);
    }
  }

  /** Its scope has ended. */
  async #cut(why: Error): Promise<void> {
    this.#missing = why;
    await this.#end(true);
  }

  async #end(isEarly: boolean): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      if (isEarly && this.#thread !== undefined) {
        if (this.#ahead !== undefined) this.#giveUp(this.#ahead);
        await settleSqlite(this.#thread, ["shut", this.#opened], "stop reading rows");
      }
    } catch {
      // The thread is lost, or was closed, and with it all that it was reading.
    } finally {
      if (this.#desk !== undefined) this.#line.leave(this.#desk);
      this.#desk = undefined;
    }
    await this.#tie?.release();
  }

  #giveUp(ahead: PieceAhead): void {
    ahead.isGivenUp = true;
    this.#thread!.giveUp(ahead);
  }

  #rowsOf({ values }: RowPiece): R[] {
    const rows: R[] = [];
    for (let at = 0; at < values.length; at += this.#width) rows.push(this.#make!(values, at) as R);
    return rows;
  }
}

function labelOf({ asGiven }: SqliteQuery): string {
  return `rows of ${shorten(asGiven, 60)}`;
}

/** A piece that may be there before anybody wants it. */
class PieceAhead implements Asker {
  readonly query: string;
  isGivenUp = false;
  #outcome: { readonly piece: RowPiece } | { readonly error: unknown } | undefined;
  #waiter: PieceWaiter | undefined;

  constructor(query: string) {
    this.query = query;
  }

  async take(scope: ScopeNode): Promise<RowPiece> {
    if (this.#outcome === undefined) {
      this.#waiter = new PieceWaiter(scope);
      await this.#waiter.promise;
    }
    const outcome = this.#outcome!;
    if ("error" in outcome) throw outcome.error;
    return outcome.piece;
  }

  takeRows(piece: RowPiece): void {
    this.#settle({ piece });
  }

  takeFailure(error: unknown): void {
    this.#settle({ error });
  }

  takeDone(): void {}

  takeStop(): void {}

  #settle(outcome: { readonly piece: RowPiece } | { readonly error: unknown }): void {
    this.#outcome = outcome;
    this.#waiter?.resolve();
  }
}

class PieceWaiter extends Waiter<void> {
  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "more rows";
  }

  /** Whoever reads then leaves, and has it stopped. */
  protected override leave(): void {}
}
