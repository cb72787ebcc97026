import type { WireOut } from "../postgres.ts";
import { quotePath } from "./quote-path.ts";
import { Exchange } from "./exchange.ts";
import { type WaitFor, converseLong } from "./perform.ts";
import type { Lease } from "./lease.ts";
import { checkText } from "./asked.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** As much is handed on in one piece. */
const pieceBytes = 64 * 1024;
/** The socket is not read while as much waits to be taken. */
const mostBytes = 256 * 1024;

/** What is copied: a table by its name, or a query in parentheses. */
export function copyOutText(source: string, format: "text" | "csv"): string {
  if (format !== "text" && format !== "csv")
    throw new TypeError(`Expected \`format\` to be "text" or "csv", got \`${String(format)}\``);
  const text = checkText(source).trim();
  const from = text.startsWith("(") && text.endsWith(")") ? text : quotePath(text);
  return `copy ${from} to stdout (format ${format})`;
}

/**
 * What COPY gives, in pieces, read from the socket as they are taken.
 *
 * Cancel, and leaving early: stops it at the server; the connection is used on.
 */
export async function* copyOut(lease: () => Promise<Lease>, text: string): AsyncGenerator<Uint8Array, undefined, void> {
  const lent = await lease();
  try {
    const exchange = new CopyOutExchange(text, lent.connection);
    yield* converseLong(lent.connection, exchange, (wait) => exchange.pieces(wait));
  } finally {
    lent.giveBack();
  }
  return undefined;
}

class CopyOutExchange extends Exchange {
  readonly text: string;
  readonly #connection: PostgresConnection;
  readonly #taken = new WireWriter(pieceBytes);
  #isOver = false;
  #isLeft = false;
  #changed = Promise.withResolvers<void>();

  constructor(text: string, connection: PostgresConnection) {
    super();
    this.text = text;
    this.#connection = connection;
  }

  protected begin(out: WireOut): void {
    out.query(this.text);
  }

  override handleCopyData({ bytes, at }: WireReader, length: number): void {
    if (this.#isLeft) return;
    this.#taken.bytes(bytes, at, at + length);
    if (this.#taken.length >= pieceBytes) this.#changed.resolve();
    if (this.#taken.length >= mostBytes) this.#connection.pause();
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.ended();
  }

  override ended(): void {
    this.#isOver = true;
    this.#changed.resolve();
  }

  /** Nobody takes the rest. */
  override interrupt(): boolean {
    this.#isLeft = true;
    this.#taken.take();
    this.#connection.resume();
    return false;
  }

  async *pieces(wait: WaitFor): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      if (this.#taken.length < pieceBytes && !this.#isOver) {
        await wait(`rows of ${this.text}`, this.#changed.promise);
        this.#changed = Promise.withResolvers();
        continue;
      }
      if (this.#taken.length === 0 || this.hasFailed) return;
      const piece = this.#taken.take();
      this.#connection.resume();
      yield piece;
    }
  }
}
