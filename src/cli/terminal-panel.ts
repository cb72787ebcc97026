/** What a panel needs of a terminal: `process.stderr` has it. */
export interface PanelStream {
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const toLineStart = "\r";
const clearLine = "\u001b[K";
const clearBelow = "\u001b[J";

/**
 * Lines at the bottom of what a terminal shows, which are drawn anew in place, while other lines go by above them.
 *
 * The cursor stands behind the last of them and stays visible, so that nothing has to be put right if the process is
 * killed.
 */
export class TerminalPanel {
  readonly #stream: PanelStream;
  /** How wide the lines are that are shown. */
  #widths: readonly number[] = [];

  constructor(stream: PanelStream) {
    this.#stream = stream;
  }

  /**
   * Shows `lines` in place of those before, and above them `log`, for good. All in one write: nothing comes in between.
   *
   * @param widths - how many columns each of `lines` takes, all less than the terminal has
   */
  show(lines: readonly string[], widths: readonly number[], log: readonly string[]): void {
    const above = log.map((line) => `${line}${clearLine}\n`).join("");
    const below = lines.map((line) => line + clearLine).join("\n");
    const text = this.#toTop() + above + below + clearBelow;
    this.#widths = widths;
    this.#stream.write(text);
  }

  /** Takes the lines away. */
  clear(log: readonly string[]): void {
    if (this.#widths.length === 0 && log.length === 0) return;
    const text = this.#toTop() + clearBelow + log.map((line) => `${line}\n`).join("");
    this.#widths = [];
    this.#stream.write(text);
  }

  /** From the end of the last line to the beginning of the first. A terminal made narrower has broken them. */
  #toTop(): string {
    if (this.#widths.length === 0) return "";
    const columns = this.#stream.columns || Infinity;
    const rows = this.#widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return rows > 1 ? `${toLineStart}\u001b[${rows - 1}A` : toLineStart;
  }
}
