import { type ReadOptions, readChunks } from "./chunks.ts";
import { JsonFileError } from "./errors.ts";
import { compressionOf } from "./internal/compression.ts";
import { onDisk } from "./internal/disk.ts";
import { readWhole } from "./internal/whole.ts";

/**
 * All bytes of a file.
 *
 * Cancel: of a packed file reading stops, other files are read to their end first.
 *
 * @throws {Error} as {@link readChunks}
 */
export async function readBytes(path: string, options: ReadOptions = {}): Promise<Buffer> {
  if (compressionOf(path, options.compression) === undefined) {
    return await onDisk(`read ${path}`, () => readWhole(path));
  }
  const chunks: Buffer[] = [];
  for await (const chunk of readChunks(path, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * A file as text in UTF-8. A byte order mark at its beginning is left out; bytes that are no UTF-8 become U+FFFD.
 *
 * Cancel: as {@link readBytes}.
 *
 * @throws {Error} as {@link readChunks}
 *
 * @example
 * ```ts
 * import { openTempFolder, readText, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("note.txt.gz"), "packed and unpacked");
 * console.log(await readText(folder.at("note.txt.gz"))); // => packed and unpacked
 * ```
 */
export async function readText(path: string, options: ReadOptions = {}): Promise<string> {
  const text = (await readBytes(path, options)).toString("utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/**
 * The value in a file of JSON.
 *
 * Cancel: as {@link readBytes}.
 *
 * @throws {JsonFileError} FILE_JSON, it is not JSON
 * @throws {Error} as {@link readChunks}
 */
export async function readJson(path: string, options: ReadOptions = {}): Promise<unknown> {
  const text = await readText(path, options);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new JsonFileError(path, undefined, error);
  }
}
