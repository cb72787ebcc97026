import { run } from "../core/index.ts";
import { BadLineLog } from "./bad-line-log.ts";
import { complain } from "./complain.ts";
import { dryRun } from "./dry-run.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { fetchFlags } from "./fetch-flags.ts";
import { type OpenedInput, openRequests } from "./fetch-input.ts";
import { openResults } from "./fetch-output.ts";
import { FetchRun } from "./fetch-run.ts";
import { type FetchSettings, readSettings } from "./fetch-settings.ts";
import { parseFlags } from "./flags.ts";
import { print } from "./print.ts";
import { UsageError } from "./usage-error.ts";

/** `taskwright fetch`. Returns how the process has to end. */
export async function fetchCommand(args: readonly string[], version: string): Promise<ExitCode> {
  const isVerbose = args.includes("-v") || args.includes("--verbose");
  try {
    const settings = readSettings(parseFlags("fetch", fetchFlags, args), version);
    const opened = await openRequests(settings);
    if (settings.isDryRun) return await tellOnly(opened, settings);
    const destination = await openResults(settings);
    return await run(() => new FetchRun(opened, destination, settings).run(), { signals: false });
  } catch (error) {
    complain("fetch", error, isVerbose || !(error instanceof UsageError));
    return error instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

async function tellOnly({ input, name }: OpenedInput, settings: FetchSettings): Promise<ExitCode> {
  const log = new BadLineLog(name, (line) => void process.stderr.write(`${line}\n`));
  const { text, badLines } = await dryRun(input, settings, (bad) => log.add(bad));
  print(text);
  return badLines === 0 ? exitCode.ok : exitCode.usage;
}
