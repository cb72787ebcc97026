import { complain } from "./complain.ts";
import { exitCode } from "./exit-code.ts";

let isGuarded = false;

/**
 * Writes to standard output. Whoever reads it may leave at any time, which is no failure: the exit code tells. So it
 * does where the disk is full, unless there is worse to tell.
 */
export function print(text: string): void {
  if (!isGuarded) {
    isGuarded = true;
    process.stdout.on("error", cannotPrint);
  }
  process.stdout.write(text);
}

function cannotPrint(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") {
    process.exitCode ||= exitCode.brokenPipe;
    return;
  }
  complain("", new Error(`Cannot write to standard output: ${error.message}`, { cause: error }), false);
  process.exitCode ||= exitCode.failed;
}
