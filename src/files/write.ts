import { type Stats, constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
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
 * file system. If `path` is a link, the file that it leads to is replaced. Its mode stays, and its owner and group as far
 * as the process may give files away. A process that is killed may leave the file beside: `.name.0123456789ab.part`.
 *
 * Cancel: what was written so far is deleted, and the file is as it was.
 *
 * @param content - as of {@link write}
 * @throws {TypeError} there is a pipe, a socket or a device, which no file may take the place of
 * @throws {Error} of the system, with a code; the file is as it was then, unless only its name could not be brought to
 * the disk
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
  const { target, before } = await onDisk(`look at ${path}`, () => lookAt(path));
  const partial = partialOf(target);
  const mode = before === undefined ? options.mode : before.mode & 0o777;
  const handle = await onDisk(`open ${partial}`, () => open(partial, "wx", mode));
  try {
    try {
      await writePieces(path, handle, pieces);
      // Only now: writing takes away the right to be run as its owner.
      if (before !== undefined) await onDisk(`set the mode of ${partial}`, () => makeAlike(handle, before));
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

/** A name beside that of `target`, which may be as long as names can be. */
function partialOf(target: string): string {
  return join(dirname(target), `.${basename(target).slice(0, 50)}.${randomBytes(6).toString("hex")}.part`);
}

/** Where a path leads, and what is there. */
async function lookAt(path: string): Promise<{ readonly target: string; readonly before: Stats | undefined }> {
  try {
    const target = await realpath(path);
    const before = await stat(target);
    if (before.isFile() || before.isDirectory()) return { target, before };
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return { target: await endOfLinks(path), before: undefined };
  }
  throw new TypeError(
    `Expected a file at \`${path}\`, or nothing, got a pipe, a socket or a device: \`write\` is for those`,
  );
}

/** Where links lead that lead to nothing. */
async function endOfLinks(path: string): Promise<string> {
  for (let at = path; ;) {
    const link = await readlink(at).catch(() => undefined);
    if (link === undefined) return at;
    at = resolve(await realpath(dirname(at)), link);
  }
}

/** Gives a new file what the old one had: its owner, and what the umask took away. */
async function makeAlike(handle: FileHandle, before: Stats): Promise<void> {
  const { uid, gid } = await handle.stat();
  const isAlike = (before.uid === uid && before.gid === gid) || (await isAllowed(handle.chown(before.uid, before.gid)));
  // Its group may be given it by whoever is in that.
  if (!isAlike) await isAllowed(handle.chown(uid, before.gid));
  // Who runs it must not become somebody else than before.
  await handle.chmod(before.mode & (isAlike ? 0o7777 : 0o777));
}

async function isAllowed(change: Promise<void>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    const code = codeOf(error);
    // The second: an owner that is none of this user namespace.
    if (code !== "EPERM" && code !== "EINVAL") throw error;
    return false;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** The new name is safe when its folder is on the disk. That is opened first: where it cannot be, nothing is replaced. */
async function replace(from: string, to: string): Promise<void> {
  const folder = await open(dirname(to), constants.O_RDONLY);
  try {
    await rename(from, to);
    await folder.sync();
  } finally {
    await folder.close();
  }
}
