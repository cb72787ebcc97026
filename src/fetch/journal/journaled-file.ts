import { close, fdatasync, fstatSync, ftruncate, statSync } from "node:fs";
import { promisify } from "node:util";
import { sectorSum } from "./sector-sum.ts";
import { type Clock, Timer, realClock } from "../../core/index.ts";
import { JournalBrokenError, OutputChangedError } from "../errors.ts";
import type { JournalFile } from "./journal-file.ts";
import type { Destination } from "../output/line-output.ts";
import { writeSome } from "../output/write-some.ts";

const closeFile = promisify(close);
const syncFile = promisify(fdatasync);
const truncateFile = promisify(ftruncate);
const newline = 0x0a;

/** How much time a loss of power may undo. */
const syncEveryMs = 1_000;
/** And how many bytes, so that little is left to wait for at the end. */
const syncEveryBytes = 16 * 1024 * 1024;

export interface JournaledFileOptions {
  /** Open for reading and writing. Closed with this. */
  readonly fd: number;
  readonly path: string;
  /** Open, and of the same opinion as the file. Closed with this. */
  readonly journal: JournalFile;
  /** Bytes in the file. */
  readonly bytes: number;
  readonly clock?: Clock;
}

/**
 * A file of results, and its journal. What lines a chunk has is in the journal before they are in the file: so whatever
 * is in the file is known, however the process ends.
 */
export class JournaledFile implements Destination {
  readonly #fd: number;
  readonly #path: string;
  readonly #journal: JournalFile;
  readonly #clock: Clock;
  readonly #inode: number;
  /** Where the file ends. */
  #offset: number;
  #syncedBytes: number;
  readonly #syncTimer: Timer = new Timer(() => this.#startSync());
  #isSyncDue = false;
  #syncing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor({ fd, path, journal, bytes, clock = realClock }: JournaledFileOptions) {
    this.#fd = fd;
    this.#path = path;
    this.#journal = journal;
    this.#clock = clock;
    this.#inode = fstatSync(fd).ino;
    this.#offset = bytes;
    this.#syncedBytes = bytes;
  }

  async write(bytes: Buffer, records: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      this.#expectUntouched();
      this.#journal.add({ offset: this.#offset, bytes: bytes.length, sum: sectorSum(bytes, this.#offset), records });
      await this.#append(bytes);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    this.#offset += bytes.length;
    if (this.#offset - this.#syncedBytes >= syncEveryBytes) this.#startSync();
    else this.#syncLater();
  }

  /** A write to a file ends by itself. */
  abandon(): void {}

  async close(): Promise<void> {
    try {
      await this.#syncing;
      this.#syncTimer.cancel();
      if (this.#failure === undefined) await this.#sync(true);
    } finally {
      this.#journal.close();
      await closeFile(this.#fd);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Each chunk asks, which costs microseconds: results that go into a file nobody can find any more are lost. */
  #expectUntouched(): void {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    if (stats === undefined) throw new OutputChangedError(this.#path, "was deleted by somebody else");
    if (stats.ino !== this.#inode) throw new OutputChangedError(this.#path, "was replaced by somebody else");
    if (stats.size !== this.#offset) throw new OutputChangedError(this.#path, "was changed by somebody else");
    if (!this.#journal.isInPlace) throw new JournalBrokenError(this.#path, "was deleted by somebody else");
  }

  async #append(bytes: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) written += await writeSome(this.#fd, bytes, written, this.#offset + written);
    } catch (error) {
      // Nothing but whole lines for those who read it meanwhile. The journal finds out by itself.
      const whole = bytes.subarray(0, written).lastIndexOf(newline) + 1;
      if (whole < written) await truncateFile(this.#fd, this.#offset + whole);
      throw error;
    }
  }

  #syncLater(): void {
    if (this.#isSyncDue) return;
    this.#isSyncDue = true;
    this.#clock.schedule(this.#clock.now() + syncEveryMs, this.#syncTimer);
  }

  /** One at a time, while writing goes on. */
  #startSync(): void {
    this.#syncTimer.cancel();
    this.#isSyncDue = false;
    this.#syncing ??= this.#sync(false)
      .catch((error: unknown) => {
        // What did not reach the disk once is not in the cache any more: to try again would succeed for nothing.
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#syncing = undefined;
        if (this.#offset > this.#syncedBytes) this.#syncLater();
      });
  }

  async #sync(isClosed: boolean): Promise<void> {
    const bytes = this.#offset;
    if (bytes > this.#syncedBytes) await syncFile(this.#fd);
    this.#syncedBytes = bytes;
    if (this.#failure === undefined) this.#journal.synced(bytes, isClosed);
  }
}
