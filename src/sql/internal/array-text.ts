/** Arrays of Postgres, as text: `{1,NULL,{"a","b\"c"}}`. */

/** Makes a value of the text of an element. */
export type ReadText = (text: string) => unknown;

/** Reads an array. Bounds in front of it (`[0:1]={...}`) are passed over. */
export function readArray(text: string, readElement: ReadText, delimiter: string): unknown[] {
  const reader = new ArrayReader(text, readElement, delimiter);
  return reader.read();
}

class ArrayReader {
  readonly #text: string;
  readonly #readElement: ReadText;
  readonly #delimiter: string;
  #at: number;

  constructor(text: string, readElement: ReadText, delimiter: string) {
    this.#text = text;
    this.#readElement = readElement;
    this.#delimiter = delimiter;
    this.#at = text.startsWith("[") ? text.indexOf("=") + 1 : 0;
  }

  read(): unknown[] {
    const items: unknown[] = [];
    // Past the brace.
    this.#at++;
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#readItem());
      if (this.#text[this.#at++] !== this.#delimiter) return items;
    }
  }

  #readItem(): unknown {
    const first = this.#text[this.#at];
    if (first === "{") return this.read();
    if (first === '"') return this.#readElement(this.#readQuoted());
    const start = this.#at;
    while (this.#at < this.#text.length && this.#text[this.#at] !== this.#delimiter && this.#text[this.#at] !== "}")
      this.#at++;
    const plain = this.#text.slice(start, this.#at);
    return plain === "NULL" ? null : this.#readElement(plain);
  }

  #readQuoted(): string {
    let quoted = "";
    let start = ++this.#at;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] !== "\\") continue;
      quoted += this.#text.slice(start, this.#at);
      start = ++this.#at;
    }
    return quoted + this.#text.slice(start, this.#at++);
  }
}

const special = /["\\]/;
const allSpecial = /["\\]/g;

/**
 * Writes an array. Text stands in quotes, so none is mistaken for anything.
 *
 * @param nests - whether arrays in it are further dimensions; of JSON they are elements
 */
export function writeArray(
  items: readonly unknown[],
  writeElement: (item: unknown) => string,
  delimiter: string,
  nests = true,
): string {
  const parts = items.map((item) => {
    if (item === null || item === undefined) return "NULL";
    if (typeof item === "number" || typeof item === "boolean") return writeElement(item);
    if (nests && Array.isArray(item)) return writeArray(item, writeElement, delimiter);
    const text = writeElement(item);
    return special.test(text) ? `"${text.replaceAll(allSpecial, String.raw`\$&`)}"` : `"${text}"`;
  });
  return `{${parts.join(delimiter)}}`;
}
