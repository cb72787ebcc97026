import { closeSync, constants, fdatasyncSync, ftruncateSync, openSync, rmSync, statSync } from "node:fs";
import { JournalBrokenError, JournalBusyError } from "../errors.ts";
import type { DoneSet } from "./done-set.ts";
import type { JournalFile } from "./journal-file.ts";
import { JournaledFile } from "./journaled-file.ts";
import { type JournalOptions, openJournal, realPath, refuseUnfitting } from "./open-journal.ts";
import { readAt } from "./read-at.ts";
import { type Recovered, type Remains, recover } from "./recovery.ts";
import { type KeptResults, finishReplacing, otherLength, takeOutFailed } from "./take-out-failed.ts";

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
export async function openJournaled(options: JournalOptions): Promise<JournaledResults> {
  const path = realPath(options.path);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() === false) throw noFile(path, stats.isDirectory());
  const bytes = stats?.size;
  const isNew = bytes === undefined;
  refuseUnfitting({ ...options, path }, !isNew && bytes > 0);
  let journal: JournalFile | undefined;
  let fd: number | undefined;
  try {
    // Before the journal: of a folder that is missing or not to be written, the system says so more clearly than SQLite.
    if (isNew) closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT));
    const opened = openJournal({ ...options, path }, sizeOf(path) > 0);
    journal = opened.journal;
    finishReplacing(path, journal, journal.state!);
    fd = openSync(path, constants.O_RDWR);
    let { kept, cutBytes } = repair(path, fd, journal, opened.isBegun || journal.hasTail);
    if (options.retriesFailed && kept.done.counts.failed > 0) {
      kept = await takeOutFailed(path, fd, journal);
      closeSync(fd);
      fd = openSync(path, constants.O_RDWR);
    }
    journal.claim();
    const destination = new JournaledFile({ fd, path, journal, bytes: kept.bytes });
    return { destination, done: kept.done, bytesBefore: kept.bytes, cutBytes: opened.isBegun ? 0 : cutBytes };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    journal?.close();
    // Who holds the lock may be the one who writes to it.
    if (isNew && !(error instanceof JournalBusyError)) rmSync(path, { force: true });
    throw error;
  }
}

/** A folder, a pipe or a device: what went there is not known afterwards. */
function noFile(path: string, isFolder: boolean): Error {
  const code = isFolder ? "EISDIR" : "EINVAL";
  return Object.assign(new Error(`${code}: \`${path}\` is no file, and results can be kept only in one`), { code });
}

function sizeOf(path: string): number {
  return statSync(path).size;
}

const newline = 0x0a;

/** Makes file and journal be of one opinion. Done twice, the second time changes nothing. */
function repair(
  path: string,
  fd: number,
  journal: JournalFile,
  mayCutLines: boolean,
): { kept: KeptResults; cutBytes: number } {
  const { syncedBytes, isClosed } = journal.state!;
  const fileBytes = sizeOf(path);
  if (fileBytes < syncedBytes) throw otherLength(path, fileBytes, syncedBytes);
  const { done, keptBytes, brokenFrom, replacement } = compare(path, {
    chunks: journal.chunks(),
    syncedBytes,
    fileBytes,
    read: (from, bytes) => readAt(fd, from, bytes),
  });
  const cutBytes = fileBytes - keptBytes;
  if (isClosed && cutBytes > 0) throw otherLength(path, fileBytes, keptBytes);
  // A process that ends leaves part of a line at most. Where whole lines are not known, their journal was left somewhere.
  if (!mayCutLines && readAt(fd, keptBytes, cutBytes).includes(newline)) {
    throw new JournalBrokenError(path, "lacks what was written to it last: its `-wal` file belongs beside it");
  }
  if (cutBytes > 0) ftruncateSync(fd, keptBytes);
  if (cutBytes > 0 || brokenFrom !== undefined || keptBytes > syncedBytes) {
    fdatasyncSync(fd);
    journal.replaceChunks(brokenFrom ?? Infinity, replacement === undefined ? [] : [replacement], keptBytes);
  }
  return { kept: { bytes: keptBytes, done }, cutBytes };
}

function compare(path: string, remains: Remains): Recovered {
  try {
    return recover(remains);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new JournalBrokenError(path, `cannot be read: ${error.message}`, { cause: error });
  }
}
