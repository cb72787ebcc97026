import { existsSync, rmSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { JournalBrokenError, JournalBusyError } from "../errors.ts";
import { headerOf, openDatabase, refuseReadOnly } from "./sqlite.ts";

/** Lines that are written at once, and what they are. */
export interface JournalChunk {
  /** Where in the results they begin. */
  readonly offset: number;
  readonly bytes: number;
  /** Of the lines: see `sectorSum`. */
  readonly sum: number;
  /** See `readRecords`. */
  readonly records: Uint8Array;
}

/** A chunk in a journal. */
export interface StoredChunk extends JournalChunk {
  /** Its place among all: they are numbered as they come. */
  readonly number: number;
}

/** What a journal knows besides the lines. */
export interface JournalState {
  /** What was asked, and how: see `job-identity.ts`. */
  readonly job: string;
  readonly salt: Uint8Array;
  /** So many bytes of the results are safe from a loss of power. */
  readonly syncedBytes: number;
  /** Whether the run that wrote here last came to its end; then nothing is in the results that is not in here. */
  readonly isClosed: boolean;
  /** Whether the results are about to be replaced by the file that was made of them. */
  readonly isReplacing: boolean;
}

const version = 1;
/** "Twfj", to be recognised by. */
const applicationId = 0x54_77_66_6a;
const schema = `
  CREATE TABLE state (
    version INTEGER NOT NULL, job TEXT NOT NULL, salt BLOB NOT NULL,
    synced_bytes INTEGER NOT NULL, is_closed INTEGER NOT NULL, is_replacing INTEGER NOT NULL
  );
  CREATE TABLE chunk (
    number INTEGER PRIMARY KEY, start INTEGER NOT NULL, bytes INTEGER NOT NULL, sum INTEGER NOT NULL, records BLOB NOT NULL
  );
`;
const insertChunk = "INSERT INTO chunk (start, bytes, sum, records) VALUES (?, ?, ?, ?)";

/**
 * The journal of one file of results: a SQLite database beside it.
 *
 * It is locked for as long as it is open; the operating system lets go of the lock when the process ends, however that
 * comes. A commit is safe from the end of the process at once, and from a loss of power with the next `synced()`: so it
 * costs 20 µs rather than the milliseconds of a disk.
 */
export class JournalFile {
  readonly path: string;
  /** Whether SQLite's `-wal` file was there, which holds what was written last until the journal is closed. */
  readonly hasTail: boolean;
  readonly #output: string;
  readonly #db: DatabaseSync;
  readonly #inode: number;
  #insert: StatementSync | undefined;
  #state: JournalState | undefined;

  private constructor(output: string, path: string, db: DatabaseSync, hasTail: boolean) {
    const state = readState(output, db);
    this.#output = output;
    this.hasTail = hasTail;
    this.path = path;
    this.#db = db;
    this.#inode = statSync(path).ino;
    this.#state = state;
    if (state !== undefined) this.#insert = db.prepare(insertChunk);
  }

  /**
   * Opens the journal of the results at `output`, or makes an empty one.
   *
   * @throws {JournalBusyError | JournalBrokenError}
   * @throws {Error} the file system's, where it cannot be written
   */
  static open(output: string): JournalFile {
    const path = journalPath(output);
    refuseReadOnly(path);
    // Before it is opened: SQLite makes another.
    const hasTail = existsSync(`${path}-wal`);
    let db: DatabaseSync | undefined;
    try {
      db = openDatabase(path);
      // Locked before anything is read. In this mode SQLite needs no third file, and no memory shared with others.
      db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      db.exec("BEGIN IMMEDIATE; COMMIT");
      return new JournalFile(output, path, db, hasTail);
    } catch (error) {
      db?.close();
      if (error instanceof JournalBrokenError) throw error;
      if (errorCode(error) === sqliteBusy) throw new JournalBusyError(output, headerOf(path, "user_version") ?? 0);
      throw broken(output, "cannot be opened", error);
    }
  }

  /** Whether something lies where the journal of `output` belongs. */
  static exists(output: string): boolean {
    return statSync(journalPath(output), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * Deletes a journal that cannot be read.
   *
   * @throws {JournalBrokenError} what lies there is no journal
   */
  static discard(output: string): void {
    const path = journalPath(output);
    if (statSync(path).size > 0 && headerOf(path, "application_id") !== applicationId) {
      throw new JournalBrokenError(output, "is no journal: move it away, or write elsewhere");
    }
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  }

  /** Undefined if nothing was ever written to it. */
  get state(): JournalState | undefined {
    return this.#state;
  }

  /** Whether the file is still there, under its name. */
  get isInPlace(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Forgets everything, for a new job. */
  begin(job: string, salt: Uint8Array): void {
    this.#write(() => {
      this.#db.exec("DROP TABLE IF EXISTS state; DROP TABLE IF EXISTS chunk");
      this.#db.exec(schema);
      this.#db.prepare("INSERT INTO state VALUES (?, ?, ?, 0, 0, 0)").run(version, job, salt);
      this.#db.exec(`PRAGMA application_id = ${applicationId}`);
    });
    this.#insert = this.#db.prepare(insertChunk);
    this.#state = readState(this.#output, this.#db);
  }

  /** Says who writes now, where others can read it in spite of the lock, and that the run has not come to its end. */
  claim(): void {
    this.#write(() => {
      this.#db.exec(`UPDATE state SET is_closed = 0; PRAGMA user_version = ${process.pid}`);
    });
    this.#attempt(() => this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  /** In the order of the results. */
  *chunks(): Generator<StoredChunk, void, void> {
    try {
      const rows = this.#db.prepare("SELECT number, start, bytes, sum, records FROM chunk ORDER BY number").iterate();
      for (const row of rows) {
        const { number, start, bytes, sum, records } = row as {
          number: number;
          start: number;
          bytes: number;
          sum: number;
          records: Uint8Array;
        };
        yield { number, offset: start, bytes, sum, records };
      }
    } catch (error) {
      throw broken(this.#output, "cannot be read", error);
    }
  }

  /** To be called before the lines are written. */
  add({ offset, bytes, sum, records }: JournalChunk): void {
    this.#attempt(() => this.#insert!.run(offset, bytes, sum, records));
  }

  /** Puts `chunks` in place of all from `fromNumber` on. All that they describe is safe from a loss of power. */
  replaceChunks(fromNumber: number, chunks: Iterable<JournalChunk>, syncedBytes: number, isReplacing = false): void {
    this.#durably(() => {
      this.#db.prepare("DELETE FROM chunk WHERE number >= ?").run(fromNumber);
      for (const chunk of chunks) this.add(chunk);
      this.#db.prepare("UPDATE state SET synced_bytes = ?, is_replacing = ?").run(syncedBytes, Number(isReplacing));
    });
  }

  /** The file that was to take the place of the results has done so. */
  replaced(): void {
    this.#durably(() => this.#db.exec("UPDATE state SET is_replacing = 0"));
  }

  /** So much of the results is safe from a loss of power: then so is all that the journal says of it. */
  synced(bytes: number, isClosed: boolean): void {
    this.#durably(() => {
      this.#db.prepare("UPDATE state SET synced_bytes = ?, is_closed = ?").run(bytes, Number(isClosed));
    });
  }

  close(): void {
    this.#db.close();
  }

  /** A commit that waits for the disk. */
  #durably(change: () => void): void {
    this.#attempt(() => this.#db.exec("PRAGMA synchronous = FULL"));
    this.#write(change);
    this.#attempt(() => this.#db.exec("PRAGMA synchronous = NORMAL"));
  }

  #write(change: () => void): void {
    this.#attempt(() => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        change();
        this.#db.exec("COMMIT");
      } catch (error) {
        // SQLite has rolled back already where the disk was full.
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw error instanceof JournalBrokenError ? error : broken(this.#output, "cannot be written", error);
    }
  }
}

function journalPath(output: string): string {
  return `${output}.journal`;
}

function readState(output: string, db: DatabaseSync): JournalState | undefined {
  const { application_id: id } = db.prepare("PRAGMA application_id").get() as { application_id: number };
  const { count } = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
  if (count === 0) return undefined;
  if (id !== applicationId) throw new JournalBrokenError(output, "is no journal: move it away, or write elsewhere");
  const row = db.prepare("SELECT * FROM state").get() as Record<string, number> & { job: string; salt: Uint8Array };
  if (row["version"] !== version) {
    throw new JournalBrokenError(output, `is of version ${row["version"]}, and this is version ${version}`);
  }
  return {
    job: row.job,
    salt: row.salt,
    syncedBytes: row["synced_bytes"]!,
    isClosed: row["is_closed"] === 1,
    isReplacing: row["is_replacing"] === 1,
  };
}

const sqliteBusy = 5;

function errorCode(error: unknown): unknown {
  return (error as { errcode?: unknown }).errcode;
}

function broken(output: string, problem: string, cause: unknown): JournalBrokenError {
  const { message } = cause as Error;
  return new JournalBrokenError(output, `${problem}: ${message}`, { cause });
}
