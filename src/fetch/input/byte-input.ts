import { close, fstat, open, read } from "node:fs";
import { Socket } from "node:net";
import { ReadStream, isatty } from "node:tty";
import { promisify } from "node:util";

const closeFile = promisify(close);
const openFile = promisify(open);
const readFile = promisify(read);
const statFile = promisify(fstat);

/** How an input may be compressed. */
export type Compression = "gzip" | "zstd";

/** Bytes that are read on demand. */
export interface ByteInput {
  /** Bytes in all, as they are stored, where that is known beforehand. */
  readonly size: number | undefined;
  /** How many of those were read so far. */
  readonly storedBytes: number;
  /** How it was compressed; what it gives no longer is. */
  readonly compression: Compression | undefined;
  /** The next bytes, or undefined at the end. What it gave before may be overwritten. */
  read(): Promise<Buffer | undefined>;
  /** Reads no more. Does not wait for a read that is under way. */
  close(): Promise<void>;
}

const chunkBytes = 256 * 1024;

/** Opens the file at `path`: a regular file, or a pipe such as `/dev/fd/63`. */
export async function openInput(path: string): Promise<ByteInput> {
  const fd = await openFile(path, "r");
  const stats = await statFile(fd);
  if (stats.isDirectory()) {
    await closeFile(fd);
    throw directoryError(path);
  }
  // A read of a pipe or a terminal that nobody writes to would hold a thread of the pool, and with it the end of the process.
  if (stats.isFIFO()) return new StreamInput(new Socket({ fd, readable: true, writable: false }));
  if (isatty(fd)) return new StreamInput(new ReadStream(fd));
  return new FileInput(fd, stats.isFile() ? stats.size : undefined, true);
}

export function directoryError(name: string): Error {
  return Object.assign(new Error(`EISDIR: \`${name}\` is a directory`), { code: "EISDIR" });
}

/** What comes in on standard input. */
export async function standardInput(): Promise<ByteInput> {
  const stats = await statFile(0);
  // Which Node takes for an empty one.
  if (stats.isDirectory()) throw directoryError("standard input");
  return stats.isFile() ? new FileInput(0, stats.size, false) : new StreamInput(process.stdin);
}

/** One buffer serves all reads: the reader is done with one chunk before it asks for the next. */
class FileInput implements ByteInput {
  readonly size: number | undefined;
  readonly compression: undefined = undefined;
  storedBytes = 0;
  readonly #fd: number;
  readonly #isOurs: boolean;
  readonly #buffer = Buffer.allocUnsafe(chunkBytes);

  constructor(fd: number, size: number | undefined, isOurs: boolean) {
    this.#fd = fd;
    this.size = size;
    this.#isOurs = isOurs;
  }

  async read(): Promise<Buffer | undefined> {
    const { bytesRead } = await readFile(this.#fd, this.#buffer, 0, chunkBytes, null);
    this.storedBytes += bytesRead;
    return bytesRead === 0 ? undefined : this.#buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    if (this.#isOurs) await closeFile(this.#fd);
  }
}

class StreamInput implements ByteInput {
  readonly size: undefined = undefined;
  readonly compression: undefined = undefined;
  storedBytes = 0;
  readonly #stream: NodeJS.ReadableStream & { destroy?(): void };
  readonly #chunks: AsyncIterator<string | Buffer>;
  #isClosed = false;

  constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done === true) return undefined;
      const chunk = typeof value === "string" ? Buffer.from(value) : value;
      this.storedBytes += chunk.length;
      return chunk;
    } catch (error) {
      // A read that was under way when the stream was closed fails, as it should.
      if (this.#isClosed) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#stream.destroy?.();
    return Promise.resolve();
  }
}

/** Bytes that are there already. */
export function bytesInput(bytes: Buffer): ByteInput {
  let rest: Buffer | undefined = bytes;
  return {
    size: bytes.length,
    compression: undefined,
    get storedBytes() {
      return rest === undefined ? bytes.length : 0;
    },
    read() {
      const all = rest;
      rest = undefined;
      return Promise.resolve(all);
    },
    close: () => Promise.resolve(),
  };
}
