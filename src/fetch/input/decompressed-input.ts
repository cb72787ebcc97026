import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteInput, Compression } from "./byte-input.ts";

/** What files that are compressed begin with. No list of requests begins so. */
const magic: Readonly<Record<Compression, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};

type Decompressor = Transform & { readonly bytesWritten: number };

/** `input`, decompressed if its first bytes say that it is compressed, whatever its name. */
export function decompressed(input: ByteInput): ByteInput {
  return new AnyInput(input);
}

/** Is looked at with the first read: until then there may be nothing to look at. */
class AnyInput implements ByteInput {
  #input: ByteInput;
  #isKnown = false;

  constructor(input: ByteInput) {
    this.#input = input;
  }

  get size(): number | undefined {
    return this.#input.size;
  }

  get storedBytes(): number {
    return this.#input.storedBytes;
  }

  get compression(): Compression | undefined {
    return this.#input.compression;
  }

  async read(): Promise<Buffer | undefined> {
    if (!this.#isKnown) {
      const { first, compression } = await look(this.#input);
      const whole = new BegunInput(this.#input, first);
      this.#input = compression === undefined ? whole : new DecompressedInput(whole, compression);
      this.#isKnown = true;
    }
    return this.#input.read();
  }

  close(): Promise<void> {
    return this.#input.close();
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
  #stream!: Decompressor;
  #chunks!: AsyncIterator<Buffer>;
  /** Bytes handed to the stream, and the last of them. */
  #givenBytes = 0;
  #given: Buffer = Buffer.alloc(0);
  #isClosed = false;

  constructor(input: ByteInput, compression: Compression) {
    this.#input = input;
    this.size = input.size;
    this.compression = compression;
    this.#begin(undefined);
  }

  get storedBytes(): number {
    return this.#input.storedBytes;
  }

  async read(): Promise<Buffer | undefined> {
    while (!this.#isClosed) {
      const { done, value } = await this.#chunks.next();
      if (done !== true) return value;
      const rest = this.#left();
      if (rest === undefined) return undefined;
      if (this.compression === "gzip") return await this.#readPadding(rest);
      this.#begin(rest);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stream.destroy();
    await this.#input.close();
  }

  #begin(rest: Buffer | undefined): void {
    const stream = this.compression === "gzip" ? createGunzip() : createZstdDecompress();
    // Whoever reads meets the error, and nobody else has to.
    stream.on("error", () => {});
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#givenBytes = 0;
    this.#feed(stream, rest).catch((error: unknown) => stream.destroy(error as Error));
  }

  async #feed(stream: Decompressor, rest: Buffer | undefined): Promise<void> {
    for (let chunk = rest ?? (await this.#input.read()); chunk !== undefined; chunk = await this.#input.read()) {
      this.#given = chunk;
      this.#givenBytes += chunk.length;
      await write(stream, chunk);
      if (this.#left() !== undefined) return;
    }
    stream.end();
  }

  /**
   * What is left of a chunk in which a frame ended. A file of zstd may be put together of several, but Node's stream
   * is at its end then, and says nothing of the rest. With gzip it goes on, but for zeros.
   */
  #left(): Buffer | undefined {
    const bytes = this.#givenBytes - this.#stream.bytesWritten;
    return bytes > 0 ? this.#given.subarray(-bytes) : undefined;
  }

  /** Zeros may follow gzip, which was made for tapes. What came after them would be lost without a word. */
  async #readPadding(first: Buffer): Promise<undefined> {
    for (let chunk: Buffer | undefined = first; chunk !== undefined; chunk = await this.#input.read()) {
      if (chunk.some((byte) => byte !== 0)) throw new Error("more follows the zeros at the end of the gzip data");
    }
  }
}

function write(stream: Decompressor, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error == null ? resolve() : reject(error)));
  });
}
