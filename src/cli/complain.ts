import { UsageError } from "./usage-error.ts";

/** Tells of an error in one line, with a hint if there is one; with `withStack`, also where it came from. */
export function complain(command: string, error: unknown, withStack: boolean): void {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  const hint = error instanceof UsageError && error.hint !== undefined ? `: ${error.hint}` : "";
  // A message may quote what was given, line ends included.
  const line = `${message}${hint}`.replaceAll(/\s*[\r\n]+\s*/g, " ");
  process.stderr.write(`taskwright${command === "" ? "" : ` ${command}`}: ${line}\n`);
  if (withStack && stack !== undefined) process.stderr.write(`${stack}\n`);
}
