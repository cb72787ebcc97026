/** What COPY takes in its text format: a line a row, values between tabs. */
import { writeAsText } from "./postgres-types.ts";

/** As much goes to the server in one piece. */
const pieceLength = 64 * 1024;

const special = /[\\\b\f\n\r\t\v]/;
const allSpecial = /[\\\b\f\n\r\t\v]/g;

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/**
 * The line of a row.
 *
 * @param types - of the columns: an array is written otherwise for JSON
 */
export function copyLine(row: readonly unknown[], types: readonly number[]): string {
  let line = "";
  for (let index = 0; index < types.length; index++) {
    if (index > 0) line += "\t";
    const value = row[index];
    // What is seen most, first.
    if (typeof value === "number" && value !== 0) line += value;
    else {
      const text = typeof value === "string" && !isJson(types[index]!) ? value : writeAsText(value, types[index]);
      line += text === null ? String.raw`\N` : escape(text);
    }
  }
  return `${line}\n`;
}

function isJson(type: number): boolean {
  return type === 114 || type === 3802;
}

function escape(text: string): string {
  return special.test(text) ? text.replaceAll(allSpecial, (character) => escapes[character]!) : text;
}

/** Lines, in pieces that are worth sending. */
export class CopyPieces {
  #text = "";

  /** @returns a piece, once there is enough for one */
  add(line: string): Buffer | undefined {
    this.#text += line;
    return this.#text.length >= pieceLength ? this.take() : undefined;
  }

  /** What is left. */
  take(): Buffer | undefined {
    if (this.#text === "") return undefined;
    const piece = Buffer.from(this.#text);
    this.#text = "";
    return piece;
  }
}
