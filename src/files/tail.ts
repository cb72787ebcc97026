import type { Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { expectInteger, expectMs, sleep, toItsEnd } from "../core/index.ts";
import { BlockItems, LineSplitter } from "../flow/index.ts";
import { FileLineTooLongError } from "./errors.ts";
import { onDisk } from "./internal/disk.ts";
import type { FileItems } from "./lines.ts";

/** Settings of {@link tail}. */
export interface TailOptions {
  /** Whether to begin with what the file has already, or with what comes. @default "end" */
  readonly from?: "start" | "end";
  /** How often the file is looked at, in milliseconds. @default 250 */
  readonly everyMs?: number;
  /** A longer line is an error. @default 16_777_216, 16 MiB */
  readonly maxLineBytes?: number;
}

/**
 * The lines of a file as they are written, as `tail -F` does: without an end. A line comes when it is complete.
 *
 * When another file takes the place of the one being read, as with logs that are rotated, the rest of the first comes,
 * and then the second from its start; when the file is cut back, it is read from its start again. As long as there is no
 * file, one is waited for. A file that is replaced before anybody has looked at it is missed.
 *
 * It looks again and again, and is not told by the system: that works on all file systems, those of networks too.
 *
 * Cancel: closes the file. Leaving the loop does so too.
 *
 * @throws {FileLineTooLongError} FILE_LINE_TOO_LONG
 * @throws {Error} of the system, with a code: `EACCES` ...
 */
export function tail(path: string, options: TailOptions = {}): FileItems<string> {
  const { from = "end", everyMs = 250, maxLineBytes = 16 * 1024 * 1024 } = options;
  expectMs("everyMs", everyMs);
  expectInteger("maxLineBytes", maxLineBytes, 1);
  return new BlockItems(follow(path, { from, everyMs, maxLineBytes }));
}

async function* follow(path: string, options: Required<TailOptions>): AsyncGenerator<string[], void, void> {
  let isFirst = true;
  for (;;) {
    const handle = await openIfThere(path);
    // A file that comes into being is new from its first byte on.
    if (handle !== undefined) yield* read(path, handle, options, isFirst && options.from === "end");
    isFirst = false;
    if (handle === undefined) await sleep(options.everyMs);
  }
}

/** One file, until another is in its place. */
async function* read(
  path: string,
  handle: FileHandle,
  { everyMs, maxLineBytes }: Required<TailOptions>,
  fromEnd: boolean,
): AsyncGenerator<string[], void, void> {
  const newSplitter = (): LineSplitter =>
    new LineSplitter(maxLineBytes, () => new FileLineTooLongError(path, maxLineBytes));
  let splitter = newSplitter();
  try {
    const own = await onDisk(`look at ${path}`, () => handle.stat());
    let at = fromEnd ? own.size : 0;
    let isLast = false;
    for (;;) {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const position = at;
      const { bytesRead } = await onDisk(`read ${path}`, () => handle.read(buffer, 0, chunkBytes, position));
      at += bytesRead;
      if (bytesRead > 0) {
        yield splitter.push(buffer.subarray(0, bytesRead));
        splitter.check();
        continue;
      }
      if (isLast) {
        yield splitter.finish();
        return;
      }
      const { size } = await onDisk(`look at ${path}`, () => handle.stat());
      if (size < at) {
        at = 0;
        splitter = newSplitter();
      } else if (size === at) {
        // It may have been written to since it was looked at, and then replaced: what came until then is read first.
        isLast = await isReplaced(path, own);
        if (!isLast) await sleep(everyMs);
      }
    }
  } finally {
    await toItsEnd(`close ${path}`, () => handle.close());
  }
}

const chunkBytes = 64 * 1024;

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return await onDisk(`open ${path}`, () => open(path).catch(unlessMissing));
}

async function isReplaced(path: string, own: Stats): Promise<boolean> {
  const now = await onDisk(`look at ${path}`, () => stat(path).catch(unlessMissing));
  return now?.ino !== own.ino || now.dev !== own.dev;
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
