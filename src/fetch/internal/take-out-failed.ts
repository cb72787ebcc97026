import { closeSync, existsSync, fstatSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { DoneSet } from "./done-set.ts";
import type { JournalChunk, JournalFile } from "./journal-file.ts";
import { RecordWriter, readRecords } from "./line-records.ts";

/** What is left of the results. */
export interface KeptResults {
  readonly bytes: number;
  readonly done: DoneSet;
}

/**
 * Makes of a file of results one without the failures among them.
 *
 * The others are copied to a second file. When that is safe on the disk, the journal is changed to be of that one, with
 * the mark that it is to take the place of the first; then it does. Until the mark is there nothing has happened, and
 * from then on `finishReplacing` completes it.
 */
export async function takeOutFailed(path: string, fd: number, journal: JournalFile): Promise<KeptResults> {
  const copy = await open(copyPath(path), "w", fstatSync(fd).mode);
  try {
    const source = await open(path, "r");
    try {
      const { chunks, ...kept } = await copySucceeded(source, copy, journal);
      await copy.sync();
      await copy.close();
      journal.replaceChunks(0, chunks, kept.bytes, true);
      await finishReplacing(path, journal, true);
      return kept;
    } finally {
      await source.close();
    }
  } catch (error) {
    await copy.close().catch(() => {});
    throw error;
  }
}

/** Goes on with a replacement that the process did not live to complete, and deletes a copy that came to nothing. */
export async function finishReplacing(
  path: string,
  journal: JournalFile,
  isReplacing: boolean = journal.state!.isReplacing,
): Promise<void> {
  const copy = copyPath(path);
  if (!isReplacing) return rmSync(copy, { force: true });
  // If it is gone, it has taken its place already.
  if (existsSync(copy)) renameSync(copy, path);
  syncFolder(dirname(path));
  journal.replaced();
}

function copyPath(path: string): string {
  return `${path}.journal-copy`;
}

async function copySucceeded(
  source: FileHandle,
  copy: FileHandle,
  journal: JournalFile,
): Promise<KeptResults & { readonly chunks: JournalChunk[] }> {
  const done = new DoneSet();
  const chunks: JournalChunk[] = [];
  let bytes = 0;
  for (const chunk of journal.chunks()) {
    const { buffer } = await source.read({
      buffer: Buffer.allocUnsafe(chunk.bytes),
      length: chunk.bytes,
      position: chunk.offset,
    });
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
    if (lines.length > 0) {
      await copy.appendFile(lines);
      chunks.push({ offset: bytes, bytes: lines.length, crc: crc32(lines), records: records.take() });
      bytes += lines.length;
    }
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
