import { run } from "../core/index.ts";
import { InputError } from "../fetch/index.ts";
import { BadLineLog } from "./bad-line-log.ts";
import { cannotReadRequests } from "./cannot.ts";
import { complain } from "./complain.ts";
import { dryRun } from "./dry-run.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { fetchFlags } from "./fetch-flags.ts";
import { elsewhere } from "./fetch-flags/elsewhere.ts";
import { type FoundInputs, findInputs } from "./fetch-input.ts";
import { openResults } from "./fetch-output.ts";
import { FetchRun } from "./fetch-run.ts";
import { type FetchSettings, readSettings } from "./fetch-settings.ts";
import { parseFlags } from "./flags.ts";
import { keepingCookies } from "./keep-cookies.ts";
import { print } from "./print.ts";
import { checkSession } from "./session-settings.ts";
import { ignoreHangUpWithoutTerminal } from "./stop-signals.ts";
import { UsageError } from "./usage-error.ts";

/** `taskwright fetch`. Returns how the process has to end. */
export async function fetchCommand(args: readonly string[], version: string): Promise<ExitCode> {
  const isVerbose = args.includes("-v") || args.includes("--verbose");
  ignoreHangUpWithoutTerminal();
  try {
    const settings = readSettings(parseFlags("fetch", fetchFlags, args, elsewhere), version);
    await checkSession(settings.session);
    const found = await findInputs(settings);
    if (settings.isDryRun) return await tellOnly(found, settings);
    const fetchAll = async (): Promise<ExitCode> =>
      new FetchRun(found, await openResults(settings, found.inputs), settings).run();
    return await run(() => keepingCookies(settings, fetchAll), { signals: false });
  } catch (error) {
    complain("fetch", error instanceof UsageError ? error : unexpected(error), isVerbose);
    return error instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

/** An error that nobody has expected. */
function unexpected(error: unknown): UsageError {
  const hint = "this should not have happened: -v tells where it comes from";
  return new UsageError(error instanceof Error ? error.message : String(error), hint, { cause: error });
}

async function tellOnly({ inputs, name }: FoundInputs, settings: FetchSettings): Promise<ExitCode> {
  const log = new BadLineLog(name, (line) => void process.stderr.write(`${line}\n`));
  const { text, badLines } = await dryRun(inputs, settings, (bad) => log.add(bad)).catch((error: unknown) => {
    throw error instanceof InputError ? cannotReadRequests(name, error) : error;
  });
  print(text);
  return badLines === 0 ? exitCode.ok : exitCode.usage;
}
