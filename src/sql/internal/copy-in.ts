import { breathe } from "../../core/index.ts";
import type { WireOut } from "../postgres.ts";
import { quoteName } from "../query.ts";
import { CopyRows } from "./copy-rows.ts";
import { Exchange } from "./exchange.ts";
import { converse, perform } from "./perform.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { quotePath } from "./quote-path.ts";
import { checkRow } from "./row-windows.ts";
import { DescribeExchange } from "./query-exchange.ts";
import { Statement } from "./statement-cache.ts";

type Rows = Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;

/**
 * Sends rows by COPY: all of them are in the table afterwards, or none.
 *
 * Cancel, and a source that fails: none. The connection can be used on.
 */
export async function copyIn(
  connection: PostgresConnection,
  table: string,
  columns: readonly string[],
  rows: Rows,
): Promise<number> {
  if (columns.length === 0) throw new TypeError("Expected `columns` to have at least one name");
  const names = columns.map(quoteName).join(", ");
  const quotedTable = quotePath(table);
  const types = await typesOf(connection, `select ${names} from ${quotedTable}`);
  const copy = `copy ${quotedTable} (${names}) from stdin`;
  const pieces = new CopyRows(types);
  const exchange = new CopyInExchange(copy, pieces.query(copy));
  return await converse(connection, exchange, async (wait) => {
    await wait("the server to take rows", exchange.ready.promise);
    const send = async (piece: Buffer): Promise<void> => {
      if (exchange.isOver || exchange.write(piece)) return;
      await wait("the server to take more rows", exchange.drained());
    };
    let at = 0;
    const add = (row: readonly unknown[]): Promise<void> | undefined => {
      checkRow(row, types.length, ++at);
      const piece = pieces.add(row);
      return piece === undefined ? undefined : send(piece);
    };
    await addAll(rows, add, () => exchange.isOver);
    exchange.finish(pieces.finish());
  });
}

async function addAll(
  rows: Rows,
  add: (row: readonly unknown[]) => Promise<void> | undefined,
  isOver: () => boolean,
): Promise<void> {
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) {
      const sent = add(row);
      if (sent !== undefined) await sent;
      if (isOver()) return;
    }
    return;
  }
  for (const row of rows) {
    const sent = add(row);
    if (sent === undefined) continue;
    await sent;
    await breathe();
    if (isOver()) return;
  }
}

/** The types of columns, which the server knows without running anything. */
async function typesOf(connection: PostgresConnection, text: string): Promise<readonly number[]> {
  const statement = new Statement("", text);
  await perform(connection, new DescribeExchange(statement));
  return statement.columns!.types;
}

class CopyInExchange extends Exchange {
  readonly text: string;
  readonly #query: string;
  readonly ready: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  /** Whether the server takes no more. */
  isOver = false;
  #isDone = false;
  #drained: PromiseWithResolvers<void> | undefined;

  /** @param text - for people */
  constructor(text: string, query: string) {
    super();
    this.text = text;
    this.#query = query;
  }

  protected begin(out: WireOut): void {
    out.query(this.#query);
  }

  override handleCopyInResponse(): void {
    this.ready.resolve();
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.ended();
  }

  /** Whoever waits goes on: nothing more is taken. */
  override ended(): void {
    this.isOver = true;
    this.ready.resolve();
    this.#drained?.resolve();
  }

  /** @returns whether more can be sent at once */
  write(messages: Buffer): boolean {
    return this.out!.stream.write(messages);
  }

  drained(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    this.#drained = Promise.withResolvers<void>();
    const { resolve, promise } = this.#drained;
    this.out!.stream.once("drain", resolve);
    return promise;
  }

  finish(rest: Buffer): void {
    this.#isDone = true;
    if (!this.isOver) this.write(rest);
  }

  override interrupt(): boolean {
    if (this.#isDone) return false;
    this.#isDone = true;
    if (!this.isOver) this.out!.sendCopyFail("it was given up");
    return true;
  }
}
