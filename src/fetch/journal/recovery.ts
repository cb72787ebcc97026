import { sectorSum } from "./sector-sum.ts";
import { DoneSet } from "./done-set.ts";
import type { JournalChunk, StoredChunk } from "./journal-file.ts";
import { type LineRecord, RecordWriter, readRecords } from "./line-records.ts";

/** What there is after a run that came to its end, or did not. */
export interface Remains {
  /** In the order of the results. */
  readonly chunks: Iterable<StoredChunk>;
  /** So many bytes are known to be on the disk as they were written. */
  readonly syncedBytes: number;
  /** How long the file is. */
  readonly fileBytes: number;
  /** Reads a part of the file. */
  readonly read: (from: number, bytes: number) => Buffer;
}

/** What of that holds. */
export interface Recovered {
  readonly done: DoneSet;
  /** What is in the file beyond is to be cut off. */
  readonly keptBytes: number;
  /** Chunks from this number on are to be replaced by `replacement`: the file does not have them, or not as a whole. */
  readonly brokenFrom: number | undefined;
  readonly replacement: JournalChunk | undefined;
}

const newline = 0x0a;

/**
 * Compares a journal with the file of results that it tells of.
 *
 * Each chunk was in the journal before its lines were written. So a process that was killed leaves a file which is as
 * the journal says up to some byte, perhaps in the middle of a line, and ends there. A loss of power may leave less of
 * both, and of the file what was never written: zeros, mostly. So chunks that were not known to be on the disk must
 * have their checksum, and of the one where the file ends, the lines must be lines.
 */
export function recover({ chunks, syncedBytes, fileBytes, read }: Remains): Recovered {
  const done = new DoneSet();
  let keptBytes = 0;
  for (const chunk of chunks) {
    const end = chunk.offset + chunk.bytes;
    const isWhole =
      end <= fileBytes &&
      (end <= syncedBytes || sectorSum(read(chunk.offset, chunk.bytes), chunk.offset) === chunk.sum);
    if (!isWhole) {
      // Where the file goes on behind it, no part of the chunk can be trusted.
      const there = end <= fileBytes ? 0 : Math.max(0, fileBytes - chunk.offset);
      const lines = wholeLines(chunk, read(chunk.offset, there));
      for (const { index, kind, hash } of lines) done.add(index, kind, hash);
      const replacement = chunkOf(lines, chunk.offset, read);
      return { done, keptBytes: keptBytes + (replacement?.bytes ?? 0), brokenFrom: chunk.number, replacement };
    }
    for (const { index, kind, hash } of readRecords(chunk.records)) done.add(index, kind, hash);
    keptBytes = end;
  }
  return { done, keptBytes, brokenFrom: undefined, replacement: undefined };
}

/** The lines of a chunk that are there, given the beginning of it. */
function wholeLines(chunk: JournalChunk, there: Buffer): LineRecord[] {
  const lines: LineRecord[] = [];
  let from = 0;
  for (const record of readRecords(chunk.records)) {
    const line = there.subarray(from, from + record.bytes);
    if (line.indexOf(newline) !== record.bytes - 1 || line.includes(0)) break;
    lines.push(record);
    from += record.bytes;
  }
  return lines;
}

function chunkOf(
  lines: readonly LineRecord[],
  offset: number,
  read: (from: number, bytes: number) => Buffer,
): JournalChunk | undefined {
  if (lines.length === 0) return undefined;
  const records = new RecordWriter();
  let bytes = 0;
  for (const line of lines) {
    records.add(line.index, line.kind, line.hash, line.bytes);
    bytes += line.bytes;
  }
  return { offset, bytes, sum: sectorSum(read(offset, bytes), offset), records: records.take() };
}
