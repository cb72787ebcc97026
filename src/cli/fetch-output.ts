import { mkdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  BodyFolder,
  type DoneSet,
  type JobIdentity,
  type LineForm,
  JournalError,
  JsonLinesOutput,
  type RequestInput,
  type ResultOutput,
  TableOutput,
  bodyIn,
  hasJournal,
  identityOf,
  isBodyName,
  openDestination,
  openJournaled,
  openPostgresOutput,
  prepareBodyFolder,
  standardOutput,
} from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import type { ResultsTarget } from "./results-target.ts";
import { formatBytes, formatCount } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/** @throws {UsageError} the results cannot be written there */
export async function openResults(settings: FetchSettings, inputs: readonly RequestInput[]): Promise<ResultOutput> {
  const { bodiesFolder } = settings;
  if (bodiesFolder === undefined) return await openRecords(settings, inputs);
  try {
    // Before a journal says that the results go with this folder.
    prepareBodyFolder(bodiesFolder);
  } catch (error) {
    throw new UsageError(`Cannot write bodies: ${(error as Error).message}`, undefined, { cause: error });
  }
  await refuseInputAmongBodies(bodiesFolder, inputs);
  return new BodyFolder(bodiesFolder, await openRecords(settings, inputs));
}

async function refuseInputAmongBodies(folder: string, inputs: readonly RequestInput[]): Promise<void> {
  for (const { path } of inputs) {
    if (path === undefined || !isBodyName(basename(path)) || !(await isSameFile(dirname(path), folder))) continue;
    throw new UsageError(`\`${path}\` is called as a body is`, "a body in its place would delete the requests");
  }
}

async function openRecords(settings: FetchSettings, inputs: readonly RequestInput[]): Promise<ResultOutput> {
  const { target } = settings;
  if (target.kind === "standard output") {
    tellOfOtherBodies(settings);
    return new JsonLinesOutput({ ...formOf(settings), destination: standardOutput() });
  }
  if (target.kind !== "postgres") {
    await refuseInput(target.path, inputs);
    await prepareFolder(target.path, settings.createsFolders);
  }
  try {
    if (target.kind !== "postgres" && settings.start !== "restart" && !hasJournal(target.path)) {
      refuseOtherBodies(settings);
    }
    if (target.kind === "file") return await openLines(target.path, settings);
    return await openTable(target, settings);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof JournalError) throw new UsageError(error.message, hintFor(error), { cause: error });
    // A folder or a journal that is not to be written; a file of results may be all the same.
    const isOfJournal = target.kind === "file" && (error as NodeJS.ErrnoException).syscall === "access";
    const hint = isOfJournal ? withoutJournal : undefined;
    throw new UsageError(`Cannot write results: ${(error as Error).message}`, hint, { cause: error });
  }
}

const withoutJournal = "`> FILE` in place of -o FILE keeps no journal";

async function openLines(path: string, settings: FetchSettings): Promise<ResultOutput> {
  if (!(await isFile(path))) {
    return new JsonLinesOutput({ ...formOf(settings), destination: await openDestination(path) });
  }
  const results = await openJournaled({ ...settings, path, job: jobOf(settings) });
  tellWhatIsThere(settings, results.done, results.cutBytes);
  return new JsonLinesOutput({ ...formOf(settings), ...results });
}

function formOf({ outputFormat: format, withHeaders, onlyFailed }: FetchSettings): LineForm {
  return { format, withHeaders, onlyFailed };
}

async function openTable(target: Database, settings: FetchSettings): Promise<ResultOutput> {
  if (settings.outputFormat !== "jsonl") throw new UsageError("--output-format is for files", "a table has columns");
  if (settings.onlyFailed) throw new UsageError("--only-failed is for files", "of a table, ask for those WHERE NOT ok");
  const wanted = { ...settings, job: jobOf(settings) };
  const table =
    target.kind === "sqlite"
      ? new TableOutput({ ...wanted, path: target.path })
      : await openPostgresOutput({ ...wanted, ...target, name: settings.output! });
  tellWhatIsThere(settings, table.done, 0);
  if (target.kind === "postgres" && table.done.size === 0) tellOfOtherBodies(settings);
  return table;
}

type Database = Extract<ResultsTarget, { readonly kind: "sqlite" | "postgres" }>;

/** As curl does: a folder that is not there is rather a slip than a wish, unless a flag says so. */
async function prepareFolder(path: string, isWanted: boolean): Promise<void> {
  const folder = dirname(path);
  try {
    if (isWanted) await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`Cannot write results: ${(error as Error).message}`, undefined, { cause: error });
  }
  if (await stat(folder).catch(() => undefined)) return;
  throw new UsageError(`Cannot write results: there is no folder \`${folder}\``, "--create-dirs makes it");
}

async function refuseInput(output: string, inputs: readonly RequestInput[]): Promise<void> {
  for (const { path } of inputs) {
    if (path === undefined || !(await isSameFile(path, output))) continue;
    throw new UsageError(
      `\`${output}\` is ${inputs.length > 1 ? "an" : "the"} input`,
      "results in its place would delete the requests",
    );
  }
}

/** Bodies of another run have the same names, so those of this one would take their place. */
function refuseOtherBodies({ bodiesFolder }: FetchSettings): void {
  const name = bodiesFolder === undefined ? undefined : bodyIn(bodiesFolder);
  if (name === undefined) return;
  throw new UsageError(
    `\`${bodiesFolder}\` has files of another run, such as \`${name}\``,
    "name a folder for these alone, or --restart replaces those with the same number",
  );
}

/** Where nothing is remembered, or not beside the results, it is not known whose they are. */
function tellOfOtherBodies({ bodiesFolder, isQuiet }: FetchSettings): void {
  const name = bodiesFolder === undefined || isQuiet ? undefined : bodyIn(bodiesFolder);
  if (name === undefined) return;
  process.stderr.write(
    `taskwright fetch: \`${bodiesFolder}\` has files of another run, such as \`${name}\`: those with the same number are replaced\n`,
  );
}

/** Whether there is a file, or nothing yet: of pipes and devices nothing can be remembered. */
async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats === undefined || stats.isFile();
}

function jobOf({ withHeaders, bodiesFolder, outputFormat, onlyFailed, ...settings }: FetchSettings): JobIdentity {
  const form = {
    "--output-format": outputFormat,
    "--include-headers": withHeaders ? "given" : "not given",
    "--only-failed": onlyFailed ? "given" : "not given",
    "--location": settings.session.redirect === undefined ? "not given" : "given",
    "--save-bodies": bodiesFolder ?? "not given",
  };
  return identityOf({ ...settings, form });
}

/** What to do about it, by the code of the error. */
const hints: Readonly<Record<string, string>> = {
  FETCH_JOB_CHANGED: "write elsewhere, or --restart begins anew in their place",
  FETCH_JOURNAL_BUSY: "wait until it has ended, or write elsewhere",
  FETCH_JOURNAL_MISSING: "without --resume and --retry-failed it is begun",
  FETCH_JOURNAL_BROKEN: `--restart begins anew; ${withoutJournal}`,
  FETCH_OUTPUT_EXISTS: "write elsewhere, or --restart replaces it",
  FETCH_OUTPUT_CHANGED: "write elsewhere, or --restart begins anew in its place",
};

/** What SQLite calls troubles of the disk: what is there is as good as ever, and not to be begun anew. */
const diskTroubles: Readonly<Record<number, string>> = {
  10: withoutJournal,
  13: "make room, and run it again",
  14: withoutJournal,
};

function hintFor({ code, cause }: JournalError): string | undefined {
  const { errcode = 0 } = (cause ?? {}) as { errcode?: number };
  // Extended codes have more above the first byte.
  return diskTroubles[errcode & 0xff] ?? hints[code];
}

function tellWhatIsThere({ output, isQuiet }: FetchSettings, done: DoneSet, cutBytes: number): void {
  const { succeeded, failed } = done.counts;
  const cut = cutBytes === 0 ? "" : `; ${formatBytes(cutBytes)} of an unfinished line were cut off`;
  if (isQuiet || (done.size === 0 && cutBytes === 0)) return;
  const results = `${formatCount(done.size)} ${done.size === 1 ? "result" : "results"}`;
  process.stderr.write(
    `taskwright fetch: going on with ${output}: ${results} (${formatCount(succeeded)} ok, ${formatCount(failed)} failed)${cut}\n`,
  );
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other).catch(() => undefined)]);
  return b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
