import type { StatementSync } from "node:sqlite";
import type { RowPiece } from "./sqlite-protocol.ts";
import type { SqliteValue } from "./sqlite-values.ts";

/** A piece has so many values, or so much text and bytes, and what the last row brings: so the loop of the reader is not held up. */
const pieceValues = 8_192;
const pieceSize = 256 * 1024;
/** So often it is asked whether to stop. */
const checkEvery = 64;

/** A statement that is being read. */
export class OpenRows {
  readonly #statement: StatementSync;
  readonly #values: readonly SqliteValue[];
  /** Numbers are read twice as fast; but an integer that does not fit ends all. */
  #asBigInts: boolean;
  #rows: IterableIterator<readonly SqliteValue[]>;
  #hasBegun = false;

  constructor(statement: StatementSync, values: readonly SqliteValue[], asBigInts: boolean) {
    this.#statement = statement;
    this.#values = values;
    this.#asBigInts = asBigInts;
    statement.setReturnArrays(true);
    this.#rows = this.#iterate();
  }

  /** The next rows, at most `maxRows`. The last piece is the one that has `isLast`, and may be empty. */
  read(maxRows: number, check: () => void): RowPiece {
    try {
      return this.#read(maxRows, check);
    } catch (error) {
      if (this.#asBigInts || !isTooLarge(error)) throw error;
      this.end();
      this.#asBigInts = true;
      this.#hasBegun = false;
      this.#rows = this.#iterate();
      return this.#read(maxRows, check);
    }
  }

  end(): void {
    this.#rows.return?.();
  }

  #iterate(): IterableIterator<readonly SqliteValue[]> {
    this.#statement.setReadBigInts(this.#asBigInts);
    return this.#statement.iterate(...this.#values) as unknown as IterableIterator<readonly SqliteValue[]>;
  }

  #read(maxRows: number, check: () => void): RowPiece {
    const values: SqliteValue[] = [];
    const isFirst = !this.#hasBegun;
    let names: readonly string[] = [];
    let size = 0;
    let count = 0;
    let isLast = false;
    while (count < maxRows && values.length < pieceValues && size < pieceSize) {
      if (count % checkEvery === 0) check();
      const { done, value: row } = this.#rows.next();
      // Only now: if the tables have changed since it was prepared, the first step prepares it again.
      if (!this.#hasBegun) names = this.#begun();
      if (done === true) {
        isLast = true;
        break;
      }
      for (const value of row) {
        if (typeof value === "bigint") values.push(smaller(value));
        else if (value === least && !this.#asBigInts) throw tooLarge;
        else {
          values.push(value);
          if (typeof value === "string" || value instanceof Uint8Array) size += value.length;
        }
      }
      count++;
    }
    return { names, values, isFirst, isLast };
  }

  #begun(): readonly string[] {
    this.#hasBegun = true;
    return this.#statement.columns().map(({ name }) => name);
  }
}

/** Node gives the least integer as a number, although it does not fit, and says nothing. A real is read again as it is. */
const least = -(2 ** 63);
const tooLarge: Error = new RangeError("the least integer");

function isTooLarge(error: unknown): boolean {
  return error === tooLarge || (error as NodeJS.ErrnoException).code === "ERR_OUT_OF_RANGE";
}

/** A number where it is exact. */
function smaller(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
