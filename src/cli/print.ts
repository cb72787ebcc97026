import { exitCode } from "./exit-code.ts";

let isGuarded = false;

/** Writes to standard output. Whoever reads it may leave at any time, which is no failure: the exit code tells. */
export function print(text: string): void {
  if (!isGuarded) {
    isGuarded = true;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exitCode = exitCode.brokenPipe;
    });
  }
  process.stdout.write(text);
}
