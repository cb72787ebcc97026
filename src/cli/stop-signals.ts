import { constants } from "node:os";
import { type ExitCode, exitCode } from "./exit-code.ts";

type StopSignal = "SIGINT" | "SIGTERM";
const codes: Readonly<Record<StopSignal, ExitCode>> = { SIGINT: exitCode.interrupted, SIGTERM: exitCode.terminated };

/** What signals ask for: the first to wind up, the second to stop at once. A third does not wait for that. */
export interface StopHandlers {
  onFirst(signal: StopSignal): void;
  onSecond(): void;
}

/** Listens for SIGINT and SIGTERM. */
export class StopSignals {
  /** How the process has to end; undefined if no signal came. */
  exitCode: ExitCode | undefined;
  #count = 0;
  readonly #listener = (signal: StopSignal): void => this.#came(signal);
  readonly #handlers: StopHandlers;

  constructor(handlers: StopHandlers) {
    this.#handlers = handlers;
    process.on("SIGINT", this.#listener);
    process.on("SIGTERM", this.#listener);
  }

  stopListening(): void {
    process.off("SIGINT", this.#listener);
    process.off("SIGTERM", this.#listener);
  }

  #came(signal: StopSignal): void {
    this.#count++;
    this.exitCode ??= codes[signal];
    if (this.#count === 1) this.#handlers.onFirst(signal);
    else if (this.#count === 2) this.#handlers.onSecond();
    else process.exit(128 + constants.signals[signal]);
  }
}
