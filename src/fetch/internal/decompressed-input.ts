import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteInput, Compression } from "./byte-input.ts";

/** What files that are compressed begin with. No list of requests begins so. */
const magic: Readonly<Record<Compression, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};

/** `input`, decompressed if its first bytes say that it is compressed, whatever its name. */
export async function decompressed(input: ByteInput): Promise<ByteInput> {
  try {
    const { first, compression } = await look(input);
    const whole = new BegunInput(input, first);
    return compression === undefined ? whole : new DecompressedInput(whole, compression);
  } catch (error) {
    await input.close();
    throw error;
  }
}

/** Reads until it is clear what the input begins with. A pipe may give one byte at a time. */
async function look(input: ByteInput): Promise<{ first: Buffer; compression: Compression | undefined }> {
  let first: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await input.read();
    if (chunk === undefined) return { first, compression: undefined };
    // A copy: the next read may overwrite the chunk.
    first = Buffer.concat([first, chunk]);
    const compression = (Object.keys(magic) as Compression[]).find((one) => beginsWith(first, magic[one]));
    if (compression !== undefined) return { first, compression };
    if (!Object.values(magic).some((one) => beginsWith(one, first))) return { first, compression: undefined };
  }
}

function beginsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}

/** An input whose beginning was read already. */
class BegunInput implements ByteInput {
  readonly size: number | undefined;
  readonly compression: undefined = undefined;
  readonly #input: ByteInput;
  #first: Buffer | undefined;

  constructor(input: ByteInput, first: Buffer) {
    this.#input = input;
    this.size = input.size;
    this.#first = first.length === 0 ? undefined : first;
  }

  get storedBytes(): number {
    return this.#first === undefined ? this.#input.storedBytes : 0;
  }

  read(): Promise<Buffer | undefined> {
    if (this.#first === undefined) return this.#input.read();
    const first = this.#first;
    this.#first = undefined;
    return Promise.resolve(first);
  }

  close(): Promise<void> {
    return this.#input.close();
  }
}

/** Reads on while what it gave is being read: never more than the buffers of one stream. */
class DecompressedInput implements ByteInput {
  readonly size: number | undefined;
  readonly compression: Compression;
  readonly #input: ByteInput;
  readonly #stream: Transform & { readonly bytesWritten: number };
  readonly #chunks: AsyncIterator<Buffer>;
  #isClosed = false;

  constructor(input: ByteInput, compression: Compression) {
    this.#input = input;
    this.size = input.size;
    this.compression = compression;
    this.#stream = compression === "gzip" ? createGunzip() : createZstdDecompress();
    this.#chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#feed().catch((error: unknown) => this.#stream.destroy(error as Error));
  }

  get storedBytes(): number {
    return this.#input.storedBytes;
  }

  async read(): Promise<Buffer | undefined> {
    if (this.#isClosed) return undefined;
    const { done, value } = await this.#chunks.next();
    return done === true ? undefined : value;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stream.destroy();
    await this.#input.close();
  }

  async #feed(): Promise<void> {
    for (;;) {
      const chunk = await this.#input.read();
      if (chunk === undefined) break;
      await this.#write(chunk);
    }
    this.#stream.end();
  }

  /** Node leaves out what follows in a chunk in which a frame of zstd ends: files that were put together lose lines. */
  async #write(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const before = this.#stream.bytesWritten;
      await this.#writeOnce(rest);
      const taken = this.#stream.bytesWritten - before;
      if (this.compression !== "zstd" || taken === 0) return;
      rest = rest.subarray(taken);
    }
  }

  #writeOnce(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(chunk, (error) => (error == null ? resolve() : reject(error)));
    });
  }
}
