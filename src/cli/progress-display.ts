import { progressLine, progressSentence, type ProgressState } from "./progress-line.ts";
import { stderrStyle } from "./stderr-style.ts";

const redrawMs = 100;
const sentenceMs = 5_000;
const clearLine = "\r\u001b[K";

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

/** One line that is drawn anew. */
export function showBar(read: () => ProgressState): ProgressDisplay {
  const style = stderrStyle();
  let isShown = false;
  const draw = (): void => {
    // Room for the ^C that terminals show, and for the last column, in which some begin a new line.
    const width = (process.stderr.columns ?? 80) - 3;
    process.stderr.write(`\r${progressLine(read(), width, style)}\u001b[K`);
    isShown = true;
  };
  const timer = setInterval(draw, redrawMs);
  const clear = (): void => {
    if (isShown) process.stderr.write(clearLine);
    isShown = false;
  };
  return {
    log(line) {
      const wasShown = isShown;
      clear();
      process.stderr.write(`${line}\n`);
      if (wasShown) draw();
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}

/** A sentence now and then, for logs. */
export function showSentences(read: () => ProgressState): ProgressDisplay {
  const timer = setInterval(() => process.stderr.write(`taskwright fetch: ${progressSentence(read())}\n`), sentenceMs);
  return { ...showNothing(), end: () => clearInterval(timer) };
}
