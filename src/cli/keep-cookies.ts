import { CookieJar } from "../http/index.ts";
import { complain } from "./complain.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Writes the cookies of a run to where they are kept, if they are: before it, so that a file that cannot be written is
 * found before anything is asked, and after it.
 *
 * @returns how the process has to end
 * @throws {UsageError} the file cannot be written, before the run
 */
export async function keepingCookies(settings: FetchSettings, work: () => Promise<ExitCode>): Promise<ExitCode> {
  await save(settings);
  const code = await work();
  try {
    await save(settings);
    return code;
  } catch (error) {
    complain("fetch", error, settings.isVerbose);
    return code === exitCode.ok ? exitCode.failed : code;
  }
}

async function save({ cookieJar: path, session: { cookies } }: FetchSettings): Promise<void> {
  if (path === undefined || !(cookies instanceof CookieJar)) return;
  // Most runs keep none, and would begin later for what this loads.
  const { writeAtomic } = await import("../files/index.ts");
  try {
    await writeAtomic(path, cookies.toNetscape(), { compression: "none", mode: 0o600 });
  } catch (error) {
    const message = `Cannot write cookies (${path}): ${(error as Error).message}`;
    throw new UsageError(message, undefined, { cause: error });
  }
}
