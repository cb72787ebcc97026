import { stripVTControlCharacters } from "node:util";
import { progressPanel } from "./progress-panel.ts";
import { type ProgressState, type ProgressStyle, progressSentence } from "./progress-state.ts";
import { stderrStyle } from "./stderr-style.ts";
import { type PanelStream, TerminalPanel } from "./terminal-panel.ts";

const redrawMs = 100;
const sentenceMs = 5_000;
const defaultColumns = 80;

/** Shows how it goes on standard error, between lines that others write there. */
export interface ProgressDisplay {
  /** Writes a line of its own, above the progress. */
  log(line: string): void;
  /** Takes the progress away. */
  end(): void;
}

/** Nothing but the lines of others. */
export function showNothing(): ProgressDisplay {
  return { log: (line) => void process.stderr.write(`${line}\n`), end: () => {} };
}

/** A sentence now and then, for logs. */
export function showSentences(read: () => ProgressState): ProgressDisplay {
  const timer = setInterval(() => process.stderr.write(`taskwright fetch: ${progressSentence(read())}\n`), sentenceMs);
  return { ...showNothing(), end: () => clearInterval(timer) };
}

/** Lines that are drawn anew ten times a second. What is logged meanwhile appears with them. */
export class BarDisplay implements ProgressDisplay {
  readonly #read: () => ProgressState;
  readonly #stream: PanelStream;
  readonly #style: ProgressStyle;
  readonly #panel: TerminalPanel;
  readonly #timer: NodeJS.Timeout;
  #log: string[] = [];

  constructor(read: () => ProgressState, stream: PanelStream = process.stderr, style: ProgressStyle = stderrStyle()) {
    this.#read = read;
    this.#stream = stream;
    this.#style = style;
    this.#panel = new TerminalPanel(stream);
    this.#timer = setInterval(() => this.#draw(), redrawMs);
    process.on("exit", this.#clear);
    process.on("uncaughtExceptionMonitor", this.#clear);
    if (process.platform !== "win32") process.on("SIGTSTP", this.#pause);
  }

  log(line: string): void {
    this.#log.push(line);
  }

  end(): void {
    clearInterval(this.#timer);
    process.off("exit", this.#clear);
    process.off("uncaughtExceptionMonitor", this.#clear);
    process.off("SIGTSTP", this.#pause);
    this.#clear();
  }

  #draw(): void {
    // Room for the ^C that terminals show, and for the last column, in which some begin a new line.
    const width = Math.max(1, (this.#stream.columns || defaultColumns) - 3);
    const lines = progressPanel(this.#read(), width, this.#style);
    const widths = lines.map((line) => stripVTControlCharacters(line).length);
    this.#panel.show(lines, widths, this.#takeLog());
  }

  /** Also when the process ends otherwise: what comes next is to begin on a line of its own. */
  readonly #clear = (): void => this.#panel.clear(this.#takeLog());

  /** Ctrl-Z: the shell is going to write where the cursor is, and the lines come back below that. */
  readonly #pause = (): void => {
    this.#clear();
    process.kill(process.pid, "SIGSTOP");
  };

  #takeLog(): string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }
}
