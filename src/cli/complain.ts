import { printable } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

/** Tells of an error in one line, with a hint if there is one; with `withStack`, also where it came from. */
export function complain(command: string, error: unknown, withStack: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof UsageError && error.hint !== undefined ? `: ${error.hint}` : "";
  // A message may quote what was given, line ends included.
  const line = printable(`${message}${hint}`.replaceAll(/\s*[\r\n]+\s*/g, " "));
  process.stderr.write(`taskwright${command === "" ? "" : ` ${command}`}: ${line}\n`);
  if (!withStack) return;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.stack !== undefined) process.stderr.write(`${cause.stack}\n`);
  }
}
