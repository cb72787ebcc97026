/** The command `taskwright`: finds out which command is meant, and loads only that. */
import { readFileSync } from "node:fs";
import { complain } from "./complain.ts";
import { exitCode } from "./exit-code.ts";
import { print } from "./print.ts";
import { UsageError } from "./usage-error.ts";

const commands = ["fetch", "demo"] as const;

async function main([name = "--help", ...args]: readonly string[]): Promise<number> {
  switch (name) {
    case "fetch": {
      if (args.includes("--help") || args.includes("-h")) {
        const { fetchHelp } = await import("./fetch-help.ts");
        print(fetchHelp());
        return exitCode.ok;
      }
      const { fetchCommand } = await import("./fetch-command.ts");
      return fetchCommand(args, version());
    }
    case "demo": {
      const { demo } = await import("./demo/demo.ts");
      return demo();
    }
    case "--help":
    case "-h":
    case "help": {
      const { help } = await import("./help.ts");
      print(help);
      return exitCode.ok;
    }
    case "--version":
      print(`${version()}\n`);
      return exitCode.ok;
    default:
      return refuse(name);
  }
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

process.exitCode = await main(process.argv.slice(2));
