import {
  closeSync,
  constants,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  JobChangedError,
  JournalBrokenError,
  JournalBusyError,
  JournalMissingError,
  OutputChangedError,
  OutputExistsError,
} from "../errors.ts";
import type { DoneSet } from "./done-set.ts";
import { type JobIdentity, identityDifferences, storedIdentity } from "./job-identity.ts";
import { JournalFile } from "./journal-file.ts";
import { JournaledFile } from "./journaled-file.ts";
import { recover } from "./recovery.ts";
import { type KeptResults, finishReplacing, takeOutFailed } from "./take-out-failed.ts";

/**
 * How a file of results is begun: `auto` goes on where a journal says so, and else begins; `resume` only goes on;
 * `restart` begins anew, in place of what there is.
 */
export type JournalStart = "auto" | "resume" | "restart";

export interface JournaledOptions {
  /** Of the results. Their journal is beside them. */
  readonly path: string;
  readonly job: JobIdentity;
  readonly start: JournalStart;
  /** Takes the results that are failures out, so that those requests are asked again. */
  readonly retriesFailed: boolean;
}

/** A file of results, ready to be gone on with. */
export interface JournaledResults {
  readonly destination: JournaledFile;
  readonly done: DoneSet;
  /** How long the results are. */
  readonly bytesBefore: number;
  /** Bytes that were in the file and are no results: of a run that was killed while it wrote. */
  readonly cutBytes: number;
}

/**
 * Opens results that are remembered.
 *
 * @throws {JournalError} it is not safe to go on, and nothing was changed
 * @throws {Error} the file system's, with a code such as `EACCES`
 */
export async function openJournaled(options: JournaledOptions): Promise<JournaledResults> {
  const path = realPath(options.path);
  const isNew = expectFitting(path, options);
  let journal: JournalFile | undefined;
  let fd: number | undefined;
  try {
    // Before the journal: of a folder that is missing or not to be written, the system says so more clearly than SQLite.
    if (isNew) closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT));
    journal = openJournal(path, options.start);
    const isBegun = begin(path, journal, options);
    if (!isBegun) expectSameJob(path, journal, options.job);
    await finishReplacing(path, journal);
    fd = openSync(path, constants.O_RDWR);
    let { kept, cutBytes } = repair(path, fd, journal);
    if (options.retriesFailed && kept.done.counts.failed > 0) {
      kept = await takeOutFailed(path, fd, journal);
      closeSync(fd);
      fd = openSync(path, constants.O_RDWR);
    }
    journal.claim();
    const destination = new JournaledFile({ fd, path, journal, bytes: kept.bytes });
    return { destination, done: kept.done, bytesBefore: kept.bytes, cutBytes: isBegun ? 0 : cutBytes };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    journal?.close();
    // Who holds the lock may be the one who writes to it.
    if (isNew && !(error instanceof JournalBusyError)) rmSync(path, { force: true });
    throw error;
  }
}

/** The file itself, even if it is not there yet: two names of one file share a journal. */
function realPath(path: string): string {
  if (sizeOf(path) !== undefined) return realpathSync(path);
  return join(realpathSync(dirname(path)), basename(path));
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** Refuses what can be refused before anything is touched. Returns whether there are no results yet. */
function expectFitting(path: string, { start, retriesFailed }: JournaledOptions): boolean {
  const bytes = sizeOf(path);
  if (!JournalFile.exists(path)) {
    if (start === "resume" || retriesFailed) throw new JournalMissingError(path);
    if (bytes !== undefined && bytes > 0 && start !== "restart") throw new OutputExistsError(path);
  }
  return bytes === undefined;
}

function openJournal(path: string, start: JournalStart): JournalFile {
  try {
    return JournalFile.open(path);
  } catch (error) {
    if (start !== "restart" || !(error instanceof JournalBrokenError)) throw error;
    JournalFile.discard(path);
    return JournalFile.open(path);
  }
}

/** Makes the journal one of this job, unless there is one to go on with. Returns whether it did. */
function begin(path: string, journal: JournalFile, { start, retriesFailed, job }: JournaledOptions): boolean {
  const { state } = journal;
  if (state !== undefined && start !== "restart") return false;
  if (state === undefined && start !== "restart") {
    // A file that was made, and nothing written to it: as good as none.
    if (start === "resume" || retriesFailed) throw new JournalMissingError(path);
    if (sizeOf(path)! > 0) throw new OutputExistsError(path);
  }
  const salt = JournalFile.newSalt();
  // First the journal: results that it does not know are cut off, should the process end here.
  journal.begin(storedIdentity(job, salt), salt);
  return true;
}

function expectSameJob(path: string, journal: JournalFile, job: JobIdentity): void {
  const { job: stored, salt } = journal.state!;
  const differences = identityDifferences(stored, job, salt);
  if (differences.length > 0) throw new JobChangedError(path, differences);
}

/** Makes file and journal be of one opinion. Done twice, the second time changes nothing. */
function repair(path: string, fd: number, journal: JournalFile): { kept: KeptResults; cutBytes: number } {
  const { syncedBytes, isClosed } = journal.state!;
  const fileBytes = sizeOf(path)!;
  if (fileBytes < syncedBytes) {
    throw new OutputChangedError(path, `has ${fileBytes} bytes, and its journal knows of ${syncedBytes}`);
  }
  const { done, keptBytes, brokenFrom, replacement } = recover({
    chunks: journal.chunks(),
    syncedBytes,
    fileBytes,
    read: (from, bytes) => readAt(fd, from, bytes),
  });
  const cutBytes = fileBytes - keptBytes;
  if (isClosed && cutBytes > 0) {
    throw new OutputChangedError(path, `has ${fileBytes} bytes, and its journal knows of ${keptBytes}`);
  }
  if (cutBytes > 0) ftruncateSync(fd, keptBytes);
  if (cutBytes > 0 || brokenFrom !== undefined || keptBytes > syncedBytes) {
    fdatasyncSync(fd);
    journal.replaceChunks(brokenFrom ?? keptBytes, replacement === undefined ? [] : [replacement], keptBytes);
  }
  return { kept: { bytes: keptBytes, done }, cutBytes };
}

function readAt(fd: number, from: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let at = 0;
  while (at < bytes) {
    const count = readSync(fd, buffer, at, bytes - at, from + at);
    if (count === 0) break;
    at += count;
  }
  return buffer.subarray(0, at);
}
