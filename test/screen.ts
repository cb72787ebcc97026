/** A terminal, as far as the command uses one: what would be seen of what was written to it. */
export class Screen {
  columns: number;
  /** Lines as they were written, however the terminal has broken them. The cursor is in the last that was reached. */
  readonly #lines: string[][] = [[]];
  /** Where the cursor is: a line, and how many characters are before it. */
  #line = 0;
  #at = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  /** What is on the screen and above it, a string for each row, without empty rows at the end. */
  get rows(): string[] {
    const rows = this.#lines.flatMap((line) => this.#broken(line.join("")));
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }

  write(text: string): void {
    for (const [part, , count, command] of text.matchAll(/\u001b\[(\??)(\d*)([A-Za-z])|[^]/g)) {
      if (command !== undefined) this.#obey(command, count === "" ? undefined : Number(count));
      else if (part === "\r") this.#at = this.#rowStart();
      else if (part === "\n") this.#newLine();
      else this.#put(part);
    }
  }

  #obey(command: string, count: number | undefined): void {
    if (command === "A") for (let row = 0; row < (count ?? 1); row++) this.#up();
    else if (command === "K") this.#current.length = Math.min(this.#current.length, this.#at);
    else if (command === "J") {
      this.#current.length = Math.min(this.#current.length, this.#at);
      this.#lines.length = this.#line + 1;
    } else if (command !== "m") throw new Error(`Unexpected ESC [ ${command}`);
  }

  get #current(): string[] {
    return this.#lines[this.#line]!;
  }

  #put(character: string): void {
    if (character < " ") throw new Error(`Unexpected character ${JSON.stringify(character)}`);
    const line = this.#current;
    while (line.length < this.#at) line.push(" ");
    line[this.#at++] = character;
  }

  #newLine(): void {
    this.#line++;
    this.#at = 0;
    if (this.#line === this.#lines.length) this.#lines.push([]);
  }

  /** The row above may be of the same line, if the terminal has broken that. */
  #up(): void {
    if (this.#at >= this.columns) this.#at -= this.columns;
    else if (this.#line > 0) {
      this.#line--;
      const rows = this.#broken(this.#current.join("")).length;
      this.#at += (rows - 1) * this.columns;
    }
  }

  #rowStart(): number {
    // Behind the last column the cursor is still in that row.
    const at = this.#at > 0 && this.#at % this.columns === 0 ? this.#at - 1 : this.#at;
    return at - (at % this.columns);
  }

  #broken(line: string): string[] {
    const rows: string[] = [];
    for (let at = 0; at === 0 || at < line.length; at += this.columns) rows.push(line.slice(at, at + this.columns));
    return rows.map((row) => row.trimEnd());
  }
}
