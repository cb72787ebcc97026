/** The command `taskwright`: finds out which command is meant, and loads only that. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { complain } from "./complain.ts";
import { exitCode } from "./exit-code.ts";
import { print } from "./print.ts";
import { UsageError } from "./usage-error.ts";

const commands: readonly string[] = ["fetch", "demo", "completions", "help"];
const isCommand = (name: string): boolean => commands.includes(name);

async function main([name = "--help", ...args]: readonly string[]): Promise<number> {
  switch (name) {
    case "fetch": {
      const asked = helpFlag(args);
      if (asked !== undefined) return help("fetch", asked === "-h");
      const { fetchCommand } = await import("./fetch-command.ts");
      return fetchCommand(args, version());
    }
    case "demo": {
      const { demo } = await import("./demo/demo.ts");
      return demo(fileURLToPath(new URL("../../bin/taskwright.js", import.meta.url)));
    }
    case "completions": {
      const { completionsCommand } = await import("./completions-command.ts");
      return completionsCommand(args);
    }
    case "help":
      return args.length === 0 || isCommand(args[0]!) ? help(args[0], false) : refuse(args[0]!);
    case "--help":
    case "-h":
      return help(undefined, false);
    case "--version":
      print(`${version()}\n`);
      return exitCode.ok;
    default:
      return refuse(name);
  }
}

/** The flag that asks for help, wherever it stands: whoever asks for it may have got the other flags wrong. */
function helpFlag(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).find((arg) => arg === "-h" || arg === "--help");
}

async function help(command: string | undefined, isShort: boolean): Promise<number> {
  const { printHelp } = await import("./help.ts");
  await printHelp(command, isShort);
  return exitCode.ok;
}

async function refuse(name: string): Promise<number> {
  const { nearest } = await import("../fetch/index.ts");
  const meant = nearest(name, commands);
  const hint = meant === undefined ? "`taskwright --help` lists all commands" : `did you mean \`taskwright ${meant}\`?`;
  complain("", new UsageError(`Unknown command ${name}`, hint), false);
  return exitCode.usage;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

// Whoever reads what we say may leave at any time.
process.stderr.on("error", () => {});

// It may have been set by then: what could not be printed.
process.exitCode = (await main(process.argv.slice(2))) || process.exitCode || exitCode.ok;
