/** What COPY takes in its text format: a line a row, values between tabs. */
import { oid, writeAsText } from "./postgres-types.ts";

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
  return type === oid.json || type === oid.jsonb;
}

function escape(text: string): string {
  return special.test(text) ? text.replaceAll(allSpecial, (character) => escapes[character]!) : text;
}
