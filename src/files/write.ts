import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomBytes } from "node:crypto";
import { toItsEnd } from "../core/index.ts";
import { type Compression, compressionOf, packed } from "./internal/compression.ts";
import { type Content, bytesOf, isWhole, piecesOf } from "./internal/content.ts";
import { onDisk } from "./internal/disk.ts";
import { writeWhole } from "./internal/whole.ts";
import { writeAll } from "./internal/write-all.ts";

/** Settings of {@link write} and {@link writeAtomic}. */
export interface WriteOptions {
  /** How the file is packed; `"auto"` packs what is called `.gz` or `.zst`. @default "auto" */
  readonly compression?: Compression | "auto" | "none";
  /** Who may do what with a new file, as of `chmod`. @default 0o666, less what the umask of the process takes away */
  readonly mode?: number;
}

/**
 * Writes a file, in place of what it held.
 *
 * Others may see it before it is whole, and if writing fails or the process ends, part of it stays: where that matters,
 * `writeAtomic` is for you. Content may be an iterable, also an async one: it is asked for more as the disk takes it.
 *
 * Cancel: text and bytes that have begun to be written are written to their end. An iterable stops after the piece that is
 * being written; part of the file stays.
 *
 * @param content - text, which is written in UTF-8, bytes, or an iterable of both
 * @throws {Error} of the system, with a code: `EACCES`, `ENOSPC` ...
 */
export async function write(path: string, content: Content, options: WriteOptions = {}): Promise<void> {
  if (isWhole(content) && compressionOf(path, options.compression) === undefined) {
    return await onDisk(`write ${path}`, () => writeWhole(path, bytesOf(content), options.mode));
  }
  const pieces = storedAs(path, content, options);
  const handle = await onDisk(`open ${path}`, () => open(path, "w", options.mode));
  try {
    await writePieces(path, handle, pieces);
  } finally {
    await toItsEnd(`close ${path}`, () => handle.close());
  }
}

/**
 * Writes a file so that others see what it held before, or all of the new content, and never anything between: also
 * after a crash or a loss of power, from when the promise is resolved on.
 *
 * The content goes into a file beside it, is brought to the disk, and takes the place of the other by one step of the
 * file system. If `path` is a link, the file that it leads to is replaced. Its mode stays.
 *
 * Cancel: what was written so far is deleted, and the file is as it was.
 *
 * @param content - as of {@link write}
 * @throws {Error} of the system, with a code; the file is as it was then
 *
 * @example
 * ```ts
 * import { openTempFolder, readJson, writeAtomic } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await writeAtomic(folder.at("state.json"), JSON.stringify({ page: 7 }));
 * console.log(await readJson(folder.at("state.json"))); // => { page: 7 }
 * ```
 */
export async function writeAtomic(path: string, content: Content, options: WriteOptions = {}): Promise<void> {
  const pieces = storedAs(path, content, options);
  const { target, mode } = await onDisk(`look at ${path}`, () => lookAt(path));
  const partial = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.part`);
  const handle = await onDisk(`open ${partial}`, () => open(partial, "wx", mode ?? options.mode));
  try {
    try {
      // What the umask took away is given back: the file had it before.
      if (mode !== undefined) await onDisk(`open ${partial}`, () => handle.chmod(mode));
      await writePieces(path, handle, pieces);
      await onDisk(`sync ${partial}`, () => handle.sync());
    } finally {
      await toItsEnd(`close ${partial}`, () => handle.close());
    }
    await onDisk(`replace ${path}`, () => replace(partial, target));
  } catch (error) {
    await toItsEnd(`delete ${partial}`, () => rm(partial, { force: true }));
    throw error;
  }
}

function storedAs(path: string, content: Content, options: WriteOptions): AsyncIterable<Uint8Array> {
  const pieces = piecesOf(content);
  const compression = compressionOf(path, options.compression);
  return compression === undefined ? pieces : packed(pieces, compression);
}

async function writePieces(path: string, handle: FileHandle, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) await onDisk(`write ${path}`, () => writeAll(handle.fd, piece));
}

/** Where a path leads, and what may be done with what is there. */
async function lookAt(path: string): Promise<{ readonly target: string; readonly mode: number | undefined }> {
  try {
    const target = await realpath(path);
    const { mode } = await stat(target);
    return { target, mode: mode & 0o7777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { target: path, mode: undefined };
  }
}

/** The new name is safe when its folder is on the disk. */
async function replace(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
