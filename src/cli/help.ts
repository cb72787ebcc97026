import { hasColor } from "./color.ts";
import { print } from "./print.ts";

const help = `taskwright runs many thousands of requests at once, politely.

  taskwright fetch [flags] URL...   ask many URLs, write a line of JSON for each
  taskwright demo                   see it at work, against a server of its own
  taskwright completions SHELL      print completions for bash, zsh or fish
  taskwright help [COMMAND]         tell about a command
  taskwright --version

taskwright fetch -h shows what is needed most, --help everything.
`;

/** Tells about `command`, or about all if there is none of that name. */
export async function printHelp(command: string | undefined, isShort: boolean): Promise<void> {
  if (command !== "fetch") return print(help);
  const { longHelp, shortHelp } = await import("./fetch-help.ts");
  const style = { width: helpWidth(process.stdout.columns), isBold: hasColor(process.stdout) };
  print(`${isShort ? shortHelp(style) : longHelp(style)}\n`);
}

/** Long lines are hard to read, however wide the terminal. What is no terminal is taken for one of the usual size. */
function helpWidth(columns = 80): number {
  return Math.min(100, Math.max(40, columns));
}
