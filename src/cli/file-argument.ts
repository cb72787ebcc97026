import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/**
 * Reads a file that a flag names; `-` is standard input.
 *
 * @throws {UsageError} it cannot be read
 */
export function readArgumentFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    const message = `Cannot read \`${path}\` for --${flag}: ${(error as Error).message}`;
    throw new UsageError(message, undefined, { cause: error });
  }
}
