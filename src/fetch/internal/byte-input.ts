import { type FileHandle, open } from "node:fs/promises";

/** Bytes that are read on demand. */
export interface ByteInput {
  /** Bytes in all, where that is known beforehand. */
  readonly size: number | undefined;
  /** The next bytes, or undefined at the end. What it gave before may be overwritten. */
  read(): Promise<Buffer | undefined>;
  /** Reads no more. Does not wait for a read that is under way. */
  close(): Promise<void>;
}

const chunkBytes = 256 * 1024;

/** Opens the file at `path`: a regular file, or a pipe such as `/dev/fd/63`. */
export async function openInput(path: string): Promise<ByteInput> {
  const file = await open(path, "r");
  const stats = await file.stat();
  if (stats.isFile()) return new FileInput(file, stats.size);
  if (stats.isDirectory()) {
    await file.close();
    throw Object.assign(new Error(`EISDIR: \`${path}\` is a directory`), { code: "EISDIR" });
  }
  return new StreamInput(file.createReadStream());
}

/** What comes in on standard input. */
export function standardInput(): ByteInput {
  return new StreamInput(process.stdin);
}

/** One buffer serves all reads: the reader is done with one chunk before it asks for the next. */
class FileInput implements ByteInput {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(chunkBytes);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  async read(): Promise<Buffer | undefined> {
    const { bytesRead } = await this.#file.read(this.#buffer, 0, chunkBytes, null);
    return bytesRead === 0 ? undefined : this.#buffer.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

class StreamInput implements ByteInput {
  readonly size: undefined = undefined;
  readonly #stream: NodeJS.ReadableStream & { destroy?(): void };
  readonly #chunks: AsyncIterator<string | Buffer>;

  constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(): Promise<Buffer | undefined> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return undefined;
    return typeof value === "string" ? Buffer.from(value) : value;
  }

  close(): Promise<void> {
    this.#stream.destroy?.();
    return Promise.resolve();
  }
}

/** Bytes that are there already. */
export function bytesInput(bytes: Buffer): ByteInput {
  let rest: Buffer | undefined = bytes;
  return {
    size: bytes.length,
    read() {
      const all = rest;
      rest = undefined;
      return Promise.resolve(all);
    },
    close: () => Promise.resolve(),
  };
}
