import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { JobChangedError, JournalBrokenError, JournalMissingError, OutputExistsError } from "../errors.ts";
import { type JobIdentity, identityDifferences, storedIdentity } from "./job-identity.ts";
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

/** The file itself, even if it is not there yet: two names of one file share a journal. */
export function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return join(realpathSync(dirname(path)), basename(path));
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
 * @throws {JournalError} it is not safe to go on, and nothing was changed
 */
export function openJournal(
  options: JournalOptions,
  hasResults: boolean,
): { readonly journal: JournalFile; readonly isBegun: boolean } {
  const journal = openOrDiscard(options.path, options.start);
  try {
    const isBegun = begin(journal, options, hasResults);
    if (!isBegun) expectSameJob(journal, options);
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

function begin(
  journal: JournalFile,
  { path, start, retriesFailed, job }: JournalOptions,
  hasResults: boolean,
): boolean {
  const { state } = journal;
  if (state !== undefined && start !== "restart") return false;
  if (state === undefined && start !== "restart") {
    // A file that was made, and nothing written to it: as good as none.
    if (start === "resume" || retriesFailed) throw new JournalMissingError(path);
    if (hasResults) throw new OutputExistsError(path);
  }
  const salt = JournalFile.newSalt();
  // First the journal: results that it does not know are cut off, should the process end here.
  journal.begin(storedIdentity(job, salt), salt);
  return true;
}

function expectSameJob(journal: JournalFile, { path, job }: JournalOptions): void {
  const { job: stored, salt } = journal.state!;
  const differences = identityDifferences(stored, job, salt);
  if (differences.length > 0) throw new JobChangedError(path, differences);
}
