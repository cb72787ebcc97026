import { closeSync, existsSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { sectorSum } from "./sector-sum.ts";
import { OutputChangedError } from "../errors.ts";
import { DoneSet } from "./done-set.ts";
import type { JournalChunk, JournalFile, JournalState } from "./journal-file.ts";
import { RecordWriter, readRecords } from "./line-records.ts";
import { readAt } from "./read-at.ts";

/** What is left of the results. */
export interface KeptResults {
  readonly bytes: number;
  readonly done: DoneSet;
}

interface CopiedResults extends KeptResults {
  readonly chunks: readonly JournalChunk[];
}

/**
 * Makes of a file of results one without the failures among them.
 *
 * The others are copied to a second file. When that is safe on the disk, the journal is changed to be of that one, with
 * the mark that it is to take the place of the first; then it does. Until the mark is there nothing has happened, and
 * from then on `finishReplacing` completes it.
 */
export async function takeOutFailed(path: string, fd: number, journal: JournalFile): Promise<KeptResults> {
  const { chunks, ...kept } = await copyWithoutFailed(path, fd, journal);
  journal.replaceChunks(0, chunks, kept.bytes, true);
  finishReplacing(path, journal, { isReplacing: true, syncedBytes: kept.bytes });
  return kept;
}

/**
 * Goes on with a replacement that the process did not live to complete, and deletes a copy that came to nothing.
 *
 * @throws {OutputChangedError} what is there is neither the copy nor has it been
 */
export function finishReplacing(
  path: string,
  journal: JournalFile,
  { isReplacing, syncedBytes }: Pick<JournalState, "isReplacing" | "syncedBytes">,
): void {
  const copy = copyPath(path);
  if (!isReplacing) return rmSync(copy, { force: true });
  // If it is gone, it has taken its place already.
  if (existsSync(copy)) renameSync(copy, path);
  const bytes = statSync(path).size;
  if (bytes !== syncedBytes) throw otherLength(path, bytes, syncedBytes);
  syncFolder(dirname(path));
  journal.replaced();
}

/** The results have `bytes`, and should have others. */
export function otherLength(path: string, bytes: number, knownBytes: number): OutputChangedError {
  return new OutputChangedError(path, `has ${bytes} bytes, and its journal knows of ${knownBytes}`);
}

async function copyWithoutFailed(path: string, fd: number, journal: JournalFile): Promise<CopiedResults> {
  const { mode } = fstatSync(fd);
  const copy = await open(copyPath(path), "w", mode);
  try {
    await copy.chmod(mode);
    const copied = await copySucceeded(fd, copy, journal);
    await copy.sync();
    return copied;
  } catch (error) {
    // There may be no room for anything else.
    rmSync(copyPath(path), { force: true });
    throw error;
  } finally {
    await copy.close();
  }
}

function copyPath(path: string): string {
  return `${path}.journal-copy`;
}

async function copySucceeded(fd: number, copy: FileHandle, journal: JournalFile): Promise<CopiedResults> {
  const done = new DoneSet();
  const chunks: JournalChunk[] = [];
  let bytes = 0;
  for (const chunk of journal.chunks()) {
    const buffer = readAt(fd, chunk.offset, chunk.bytes);
    const records = new RecordWriter();
    const kept: Buffer[] = [];
    let at = 0;
    for (const record of readRecords(chunk.records)) {
      if (record.kind === "ok") {
        kept.push(buffer.subarray(at, at + record.bytes));
        records.add(record.index, record.kind, record.hash, record.bytes);
        done.add(record.index, record.kind, record.hash);
      }
      at += record.bytes;
    }
    const lines = Buffer.concat(kept);
    if (records.isEmpty) continue;
    await copy.appendFile(lines);
    chunks.push({ offset: bytes, bytes: lines.length, sum: sectorSum(lines, bytes), records: records.take() });
    bytes += lines.length;
  }
  return { bytes, done, chunks };
}

/** A new name is safe when its folder is. */
function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
