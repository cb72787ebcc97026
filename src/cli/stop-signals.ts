import { isatty } from "node:tty";
import { type ExitCode, exitCode } from "./exit-code.ts";

type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";
const codes: Readonly<Record<StopSignal, ExitCode>> = {
  SIGINT: exitCode.interrupted,
  SIGTERM: exitCode.terminated,
  SIGHUP: exitCode.hungUp,
};

/**
 * Lets a process outlive the terminal that it was begun from, if nothing of it is connected to one: as after `nohup`,
 * which has SIGHUP ignored, but Node undoes that when it starts.
 */
export function ignoreHangUpWithoutTerminal(): void {
  if (!hasTerminal()) process.on("SIGHUP", () => {});
}

function hasTerminal(): boolean {
  return [0, 1, 2].some((fd) => isatty(fd));
}

/** What signals ask for: the first to wind up, the second to stop at once. A third does not wait for that. */
export interface StopHandlers {
  onFirst(signal: StopSignal): void;
  onSecond(): void;
  /** The process ends right after this. */
  onThird(): void;
}

/** Listens for SIGINT and SIGTERM, and for SIGHUP, which tells that the terminal is gone. */
export class StopSignals {
  /** How the process has to end; undefined if no signal came. */
  exitCode: ExitCode | undefined;
  #count = 0;
  readonly #listener = (signal: StopSignal): void => this.#came(signal);
  readonly #handlers: StopHandlers;
  readonly #signals: readonly StopSignal[] = hasTerminal() ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGINT", "SIGTERM"];

  constructor(handlers: StopHandlers) {
    this.#handlers = handlers;
    for (const signal of this.#signals) process.on(signal, this.#listener);
  }

  stopListening(): void {
    for (const signal of this.#signals) process.off(signal, this.#listener);
  }

  #came(signal: StopSignal): void {
    this.#count++;
    this.exitCode ??= codes[signal];
    if (this.#count === 1) this.#handlers.onFirst(signal);
    else if (this.#count === 2) this.#handlers.onSecond();
    else this.#endAtOnce(signal);
  }

  /** By the signal itself: `process.exit()` would wait for a thread that waits for a disk. */
  #endAtOnce(signal: StopSignal): void {
    this.#handlers.onThird();
    this.stopListening();
    process.kill(process.pid, signal);
  }
}
