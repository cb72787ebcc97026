/**
 * Where a text that is no JSON goes wrong.
 *
 * `JSON.parse` finds out that it does, fast, but says where only in some of its messages. This walks the text again,
 * only after a failure.
 */

/** What is wrong, and where: `column` counts characters from 1. */
export interface JsonProblem {
  readonly column: number;
  readonly message: string;
}

/** Finds the first place at which `text` stops being JSON. */
export function locateJsonProblem(text: string): JsonProblem {
  const scanner = new Scanner(text);
  scanner.document();
  return { column: scanner.at + 1, message: scanner.message };
}

/** The column at which the top level of `text`, a JSON object, has the key `name`; undefined if it has not. */
export function columnOfKey(text: string, name: string): number | undefined {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.topLevelKeys.get(name);
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const stringPart = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const word = /true|false|null/y;

type Container = "[" | "{";

class Scanner {
  readonly topLevelKeys = new Map<string, number>();
  at = 0;
  message = "";
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  document(): boolean {
    const open: Container[] = [];
    // A loop, not recursion: a hostile line may nest a million deep.
    for (;;) {
      const begun = this.#beginValue(open);
      if (!begun) return false;
      while (begun === "complete" && open.length > 0) {
        const next = this.#afterValue(open);
        if (next === undefined) return false;
        if (next === "another") break;
      }
      if (open.length === 0) return this.#end();
    }
  }

  /** Enters containers, or reads one plain value. Returns undefined when neither is possible. */
  #beginValue(open: Container[]): "complete" | "opened" | undefined {
    this.#skip(space);
    const first = this.#text[this.at];
    if (first === "{" || first === "[") {
      this.at++;
      this.#skip(space);
      if (this.#text[this.at] === (first === "{" ? "}" : "]")) {
        this.at++;
        return "complete";
      }
      open.push(first);
      if (first === "{" && !this.#key(open)) return undefined;
      return "opened";
    }
    if (first === '"') return this.#string() ? "complete" : undefined;
    if (this.#skip(number) > 0 || this.#skip(word) > 0) return "complete";
    return this.#fail("a value");
  }

  #afterValue(open: Container[]): "another" | "closed" | undefined {
    this.#skip(space);
    const container = open.at(-1)!;
    const next = this.#text[this.at];
    if (next === ",") {
      this.at++;
      if (container === "{" && !this.#key(open)) return undefined;
      return "another";
    }
    if (next !== (container === "{" ? "}" : "]")) return this.#fail(container === "{" ? "`,` or `}`" : "`,` or `]`");
    this.at++;
    open.pop();
    return "closed";
  }

  #key(open: readonly Container[]): boolean {
    this.#skip(space);
    const from = this.at;
    if (this.#text[from] !== '"') return this.#fail("a key in double quotes") ?? false;
    if (!this.#string()) return false;
    if (open.length === 1) this.topLevelKeys.set(JSON.parse(this.#text.slice(from, this.at)) as string, from + 1);
    this.#skip(space);
    if (this.#text[this.at] !== ":") return this.#fail("`:`") ?? false;
    this.at++;
    return true;
  }

  #string(): boolean {
    this.at++;
    for (;;) {
      this.#skip(stringPart);
      const next = this.#text[this.at];
      if (next === '"') {
        this.at++;
        return true;
      }
      if (next !== "\\") return this.#fail('`"`') ?? false;
      if (this.#skip(escape) === 0) return this.#fail("an escape such as `\\n` or `\\u00e4`") ?? false;
    }
  }

  #end(): boolean {
    this.#skip(space);
    if (this.at === this.#text.length) return true;
    return this.#fail("the end of the line") ?? false;
  }

  #skip(pattern: RegExp): number {
    pattern.lastIndex = this.at;
    const length = pattern.exec(this.#text)?.[0].length ?? 0;
    this.at += length;
    return length;
  }

  #fail(expected: string): undefined {
    const found = this.#text.codePointAt(this.at);
    const got = found === undefined ? "the line ends" : `got ${describe(found)}`;
    this.message = `The line is not JSON: expected ${expected}, ${got}`;
    return undefined;
  }
}

function describe(codePoint: number): string {
  if (codePoint >= 0x20) return `\`${String.fromCodePoint(codePoint)}\``;
  return `the control character U+${codePoint.toString(16).padStart(4, "0").toUpperCase()}`;
}
