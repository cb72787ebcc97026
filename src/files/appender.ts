import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import {
  Kept,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  checkedScope,
  refuse,
  shield,
  spawn,
  takeFirst,
  toItsEnd,
} from "../core/index.ts";
import { bytesOf } from "./internal/content.ts";
import { onDisk } from "./internal/disk.ts";
import { writeAll } from "./internal/write-all.ts";

/** Settings of {@link openAppender}. */
export interface AppenderOptions {
  /**
   * Whether an append is through only when its bytes are on the disk, safe from a loss of power. Otherwise they are with
   * the system, safe from the end of the process. @default false
   */
  readonly durable?: boolean;
  /** Who may do what with a new file, as of `chmod`. @default 0o666, less the umask */
  readonly mode?: number;
}

/** Appends that go to the system together. */
class Batch {
  readonly written: PromiseWithResolvers<void> = Promise.withResolvers<void>();
}

/** As much goes to the system at once, unless one append is more. */
const batchBytes = 1024 * 1024;

/**
 * Writes to the end of a file, for many at once. Made by {@link openAppender}, and closed at the
 * latest when the scope ends in which it was made.
 *
 * What comes while a write is under way goes together with the next: so the disk is waited for once for all of it, and
 * the more there is to do, the less each costs. Each append is whole or not in the file at all: where a write fails in
 * the middle, the file is cut back to what was whole before. One appender at a time for a file.
 */
export class Appender implements AsyncDisposable {
  /** The file. */
  readonly path: string;
  readonly #scope: ScopeNode;
  readonly #handle: FileHandle;
  readonly #isDurable: boolean;
  readonly #line = new LinkedList<AppendWaiter>();
  /** How long the file is. */
  #bytes: number;
  #isWriting = false;
  #idle = Promise.withResolvers<void>();
  #isClosed = false;
  readonly #kept: Kept;
  /** Why nothing more can be written: the file could not be cut back. */
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(scope: ScopeNode, path: string, handle: FileHandle, bytes: number, isDurable: boolean) {
    this.#kept = new Kept(scope, `appender of ${path}`, () => this.#close());
    this.path = path;
    this.#scope = scope;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#isDurable = isDurable;
  }

  /** How long the file is, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends text in UTF-8, or bytes, all in one piece. Returns when they are in the file, in the order of the calls.
   *
   * Cancel: takes them back if they have not begun to be written. Otherwise waits until they are.
   *
   * @throws {Error} of the system, with a code: `ENOSPC` ...; nothing of it is in the file
   */
  async append(content: string | Uint8Array): Promise<void> {
    const bytes = bytesOf(content);
    const scope = arrive();
    if (scope.stop !== undefined) return await refuse(scope);
    if (this.#isClosed) throw new TypeError(`The appender of \`${this.path}\` is closed`);
    const waiter = new AppendWaiter(scope, this.path, bytes);
    this.#line.push(waiter);
    if (!this.#isWriting) {
      this.#isWriting = true;
      // For many, so not in the scope of the first: that may be cancelled, or end.
      const name = `write to ${this.path}`;
      spawn(this.#scope, () => shield(() => this.#writeAll()), { name, daemon: true });
    }
    const batch = await waiter.promise;
    await toItsEnd(`append to ${this.path}`, () => batch.written.promise);
  }

  /**
   * Writes what has been handed over, and closes the file.
   *
   * Cancel: does so all the same.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isWriting) await this.#idle.promise;
    await this.#handle.close();
  }

  /** Batch after batch, until nobody waits. */
  async #writeAll(): Promise<void> {
    // What is called until it is its turn goes together.
    while (this.#line.head !== null) await onDisk(`write to ${this.path}`, () => this.#writeBatch());
    this.#isWriting = false;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  async #writeBatch(): Promise<void> {
    const batch = new Batch();
    const pieces: Uint8Array[] = [];
    for (let bytes = 0; bytes < batchBytes;) {
      const next = takeFirst(this.#line);
      if (next === undefined) break;
      pieces.push(next.bytes);
      bytes += next.bytes.length;
      next.resolve(batch);
    }
    if (pieces.length === 0) return;
    // Whoever was cancelled meanwhile does not hear of it.
    batch.written.promise.catch(() => {});
    await this.#write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).then(
      batch.written.resolve,
      batch.written.reject,
    );
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    let written = 0;
    try {
      await writeAll(this.#handle.fd, bytes, (count) => (written += count));
      if (this.#isDurable) await this.#handle.datasync();
    } catch (error) {
      await this.#cutBack(written, error);
      throw error;
    }
    this.#bytes += bytes.length;
  }

  async #cutBack(written: number, error: unknown): Promise<void> {
    try {
      // By what was added, not to where it began: others may have emptied the file since, as those who rotate logs do.
      const { size } = await this.#handle.stat();
      await this.#handle.truncate(Math.max(0, size - written));
    } catch {
      this.#failure = { error };
    }
  }
}

class AppendWaiter extends QueuedWaiter<Batch> {
  readonly #path: string;
  readonly bytes: Uint8Array;

  constructor(scope: ScopeNode, path: string, bytes: Uint8Array) {
    super(scope);
    this.#path = path;
    this.bytes = bytes;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `append to ${this.#path}`;
  }
}

/**
 * Opens a file to be appended to, and makes it if it is not there.
 *
 * Cancel: the file is closed, if it was opened.
 *
 * @throws {Error} of the system, with a code
 *
 * @example
 * ```ts
 * import { openAppender, openTempFolder, readText } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await using log = await openAppender(folder.at("log"), { durable: true });
 * await Promise.all(["one\n", "two\n"].map((line) => log.append(line)));
 * console.log((await readText(folder.at("log"))).length); // => 8
 * ```
 */
export async function openAppender(path: string, options: AppenderOptions = {}): Promise<Appender> {
  const { durable = false, mode } = options;
  const scope = checkedScope();
  // For reading as well: without, some systems do not let it be cut back.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;
  return await onDisk(`open ${path}`, async () => {
    const handle = await open(path, flags, mode);
    try {
      const stats = await handle.stat();
      if (durable && stats.isFile()) await syncFolderOf(path);
      return new Appender(scope, path, handle, stats.size, durable);
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** A new file is safe when its name is, too. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(await realpath(path)), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
