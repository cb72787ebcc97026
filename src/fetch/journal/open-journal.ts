import { existsSync, lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { JobChangedError, JournalBrokenError, JournalMissingError, OutputExistsError } from "../errors.ts";
import { type JobIdentity, identityDifferences, newSalt, storedIdentity } from "./job-identity.ts";
import { JournalFile } from "./journal-file.ts";

/**
 * How results are begun: `auto` goes on where a journal says so, and else begins; `resume` only goes on; `restart` begins
 * anew, in place of what there is.
 */
export type JournalStart = "auto" | "resume" | "restart";

export interface JournalOptions {
  /** Of the results. Their journal is beside them. */
  readonly path: string;
  readonly job: JobIdentity;
  readonly start: JournalStart;
  /** Takes the results that are failures out, so that those requests are asked again. */
  readonly retriesFailed: boolean;
}

/** As many as Linux follows. */
const mostLinks = 40;

/** The file itself, even if it is not there yet: two names of one file share a journal. */
export function realPath(path: string): string {
  let name = path;
  // A link may lead to where nothing is yet: what is made through it is made there. One that leads to itself ends here.
  for (let links = 0; links < mostLinks; links++) {
    if (existsSync(name)) return realpathSync(name);
    name = join(realpathSync(dirname(name)), basename(name));
    if (lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return name;
    name = resolve(dirname(name), readlinkSync(name));
  }
  return realpathSync(name);
}

/** Whether the results at `path` have a journal beside them. */
export function hasJournal(path: string): boolean {
  return JournalFile.exists(realPath(path));
}

/**
 * Refuses what can be refused before anything is touched.
 *
 * @param hasResults - whether there is something that would be lost
 * @throws {JournalMissingError | OutputExistsError}
 */
export function refuseUnfitting({ path, start, retriesFailed }: JournalOptions, hasResults: boolean): void {
  if (JournalFile.exists(path)) return;
  if (start === "resume" || retriesFailed) throw new JournalMissingError(path);
  if (hasResults && start !== "restart") throw new OutputExistsError(path);
}

/**
 * Opens the journal of results, and makes it one of this job unless there is one to go on with.
 *
 * @param discard - called before the journal begins anew: for results that would pass for those of the new job
 * @throws {JournalError} it is not safe to go on, and nothing was changed
 */
export function openJournal(
  options: JournalOptions,
  hasResults: boolean,
  discard: () => void = () => {},
): { readonly journal: JournalFile; readonly isBegun: boolean } {
  const journal = openOrDiscard(options.path, options.start);
  try {
    const isBegun = isToBegin(journal, options, hasResults);
    if (isBegun) {
      discard();
      const salt = newSalt();
      // Before anything is done to a file of results: what the journal does not know is cut off, should the process end.
      journal.begin(storedIdentity(options.job, salt), salt);
    } else expectSameJob(journal, options);
    return { journal, isBegun };
  } catch (error) {
    journal.close();
    throw error;
  }
}

function openOrDiscard(path: string, start: JournalStart): JournalFile {
  try {
    return JournalFile.open(path);
  } catch (error) {
    if (start !== "restart" || !(error instanceof JournalBrokenError)) throw error;
    JournalFile.discard(path);
    return JournalFile.open(path);
  }
}

function isToBegin(
  { state }: JournalFile,
  { path, start, retriesFailed }: JournalOptions,
  hasResults: boolean,
): boolean {
  if (start === "restart") return true;
  if (state !== undefined) return false;
  // A file that was made, and nothing written to it: as good as none.
  if (start === "resume" || retriesFailed) throw new JournalMissingError(path);
  if (hasResults) throw new OutputExistsError(path);
  return true;
}

function expectSameJob(journal: JournalFile, { path, job }: JournalOptions): void {
  const { job: stored, salt } = journal.state!;
  const differences = identityDifferences(stored, job, salt);
  if (differences.length > 0) throw new JobChangedError(path, differences);
}
