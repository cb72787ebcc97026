import { existsSync, statSync } from "node:fs";
import { JournalBrokenError, OutputChangedError } from "../errors.ts";
import type { Attempt } from "../engine/attempt.ts";
import type { DoneSet } from "../journal/done-set.ts";
import type { JournalFile } from "../journal/journal-file.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { type JournalOptions, openJournal, realPath, refuseUnfitting } from "../journal/open-journal.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";
import { recordBytes, recordOf, recordOfBadLine } from "./result-record.ts";
import {
  type ResultRow,
  columnNames,
  deleteFailed,
  doneIn,
  dropTable,
  hasTable,
  makeTable,
  rowOf,
} from "./result-table.ts";
import { openDatabase, refuseReadOnly } from "../journal/sqlite.ts";
import { WriterThread } from "./writer-thread.ts";

interface Entry {
  readonly row: ResultRow;
  /** About. */
  readonly bytes: number;
}

/**
 * A row for each outcome, in the table `results` of a SQLite database.
 *
 * The table itself is what is remembered. The journal beside it says only whose it is, and that one run at a time
 * writes to it; the database may be read meanwhile, and hold other tables.
 */
export class TableOutput implements ResultOutput {
  readonly done: DoneSet;
  bytes = 0;
  readonly #path: string;
  readonly #inode: number;
  readonly #withHeaders: boolean;
  readonly #journal: JournalFile;
  readonly #thread: WriterThread<Entry>;

  /** @throws {JournalError} it is not safe to go on, and nothing was changed */
  constructor(options: JournalOptions & { readonly withHeaders: boolean }) {
    const path = realPath(options.path);
    this.#path = path;
    this.#withHeaders = options.withHeaders;
    const { journal, done } = openTable({ ...options, path });
    this.#journal = journal;
    this.done = done;
    this.#inode = statSync(path).ino;
    this.#thread = new WriterThread<Entry>({
      module: "row-writer",
      data: { path, columns: columnNames },
      pack: (entries) => {
        this.#expectUntouched();
        return { parcel: entries.map(({ row }) => row) };
      },
      onWritten: (entries) => {
        for (const { bytes } of entries) this.bytes += bytes;
      },
    });
  }

  get waitingBytes(): number {
    return this.#thread.waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#thread.start(events);
  }

  settled(last: Attempt, bodyFile?: string): void {
    const bytes = recordBytes + (bodyFile === undefined ? (last.answer?.bodyBytes ?? 0) : 0);
    this.#thread.take({ row: rowOf(recordOf(last, this.#withHeaders, bodyFile)), bytes });
  }

  foundBadLine(bad: BadLine): void {
    this.#thread.take({ row: rowOf(recordOfBadLine(bad)), bytes: recordBytes });
  }

  async end(): Promise<void> {
    try {
      await this.#thread.end();
      this.#expectUntouched();
    } finally {
      this.#journal.close();
    }
  }

  abandon(): void {
    this.#thread.abandon();
  }

  /** SQLite goes on writing to a file that nobody can find any more. */
  #expectUntouched(): void {
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) throw new OutputChangedError(this.#path, "was deleted by somebody else");
    if (inode !== this.#inode) throw new OutputChangedError(this.#path, "was replaced by somebody else");
    if (!this.#journal.isInPlace) throw new JournalBrokenError(this.#path, "was deleted by somebody else");
  }
}

/** Makes journal and table ready for this job, and reads what is done of it. */
function openTable(options: JournalOptions): { readonly journal: JournalFile; readonly done: DoneSet } {
  // Opening makes a file, which should not be there if this job is refused.
  if (!existsSync(options.path)) refuseUnfitting(options, false);
  refuseReadOnly(options.path);
  const db = openDatabase(options.path);
  try {
    // Another run may be writing to it: that is for the journal to find out.
    db.exec("PRAGMA busy_timeout = 5000");
    const hasResults = hasTable(db);
    refuseUnfitting(options, hasResults);
    // Rows are known by the table alone: those of another job are gone before the journal is of this one.
    const { journal, isBegun } = openJournal(options, hasResults, () => dropTable(db));
    try {
      if (isBegun || !hasResults) makeTable(db);
      else if (options.retriesFailed) deleteFailed(db);
      journal.claim();
      return { journal, done: doneIn(db) };
    } catch (error) {
      journal.close();
      throw error;
    }
  } finally {
    db.close();
  }
}
