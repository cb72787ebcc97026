import { type FileHandle, open } from "node:fs/promises";
import { expectInteger, toItsEnd } from "../core/index.ts";
import { type Compression, compressionOf, unpacked } from "./internal/compression.ts";
import { onDisk } from "./internal/disk.ts";

/** Settings of {@link readChunks}. */
export interface ReadOptions {
  /** How the file is packed; `"auto"` unpacks what is called `.gz` or `.zst`. @default "auto" */
  readonly compression?: Compression | "auto" | "none";
}

/** Settings of {@link readChunks}. */
export interface ReadChunksOptions extends ReadOptions {
  /** Read at once, in bytes, before it is unpacked. @default 262_144 */
  readonly chunkBytes?: number;
}

/**
 * The bytes of a file, piece by piece. The next is read when it is asked for, so the file may be of any length.
 *
 * Cancel: closes the file. Leaving the loop does so too.
 *
 * @throws {CorruptFileError} FILE_CORRUPT, it is packed, and damaged or cut off
 * @throws {Error} of the system, with a code: `ENOENT`, `EACCES` ...
 *
 * @example
 * ```ts
 * import { openTempFolder, readChunks, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("numbers.bin"), new Uint8Array(1_000));
 * let bytes = 0;
 * for await (const chunk of readChunks(folder.at("numbers.bin"))) bytes += chunk.length;
 * console.log(bytes); // => 1000
 * ```
 */
export async function* readChunks(path: string, options: ReadChunksOptions = {}): AsyncGenerator<Buffer, void, void> {
  const { chunkBytes = 256 * 1024 } = options;
  expectInteger("chunkBytes", chunkBytes, 1);
  const compression = compressionOf(path, options.compression);
  const handle = await onDisk(`open ${path}`, () => open(path));
  try {
    const chunks = chunksOf(path, handle, chunkBytes);
    yield* compression === undefined ? chunks : unpacked(path, chunks, compression);
  } finally {
    await toItsEnd(`close ${path}`, () => handle.close());
  }
}

async function* chunksOf(path: string, handle: FileHandle, chunkBytes: number): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await onDisk(`read ${path}`, () => handle.read(buffer, 0, chunkBytes));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
