import { complain } from "./complain.ts";
import { bashCompletions } from "./completions/bash.ts";
import { fishCompletions } from "./completions/fish.ts";
import { shells } from "./completions/vocabulary.ts";
import { zshCompletions } from "./completions/zsh.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { print } from "./print.ts";
import { UsageError } from "./usage-error.ts";

const writers: Readonly<Record<(typeof shells)[number], () => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

/** `taskwright completions bash`: prints a script for that shell. */
export function completionsCommand([name, ...rest]: readonly string[]): ExitCode {
  const shell = shells.find((one) => one === name);
  if (shell === undefined || rest.length > 0) {
    const hint = "such as `source <(taskwright completions bash)` in ~/.bashrc";
    complain("completions", new UsageError(`Expected one of ${shells.join(", ")}`, hint), false);
    return exitCode.usage;
  }
  print(writers[shell]());
  return exitCode.ok;
}
