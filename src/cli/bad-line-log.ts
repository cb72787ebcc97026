import type { BadLine } from "../fetch/index.ts";

const shown = 10;

/** Tells of the first lines that are no requests; the others are in the results. */
export class BadLineLog {
  readonly #name: string;
  readonly #log: (line: string) => void;
  #count = 0;

  /** @param name - of the input, where there is only one */
  constructor(name: string, log: (line: string) => void) {
    this.#name = name;
    this.#log = log;
  }

  add({ input = this.#name, line, column, message }: BadLine): void {
    this.#count++;
    if (this.#count <= shown) this.#log(`${input}:${line}${column === undefined ? "" : `:${column}`}: ${message}`);
    else if (this.#count === shown + 1) this.#log(`${input}: more lines are wrong: see BAD_LINE in the results`);
  }
}
