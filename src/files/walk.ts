import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expectInteger } from "../core/index.ts";
import { BlockItems, mapStream } from "../flow/index.ts";
import { onDisk } from "./internal/disk.ts";
import type { FileItems } from "./lines.ts";

/** Something in a folder. */
export interface FolderEntry {
  /** Begins with the folder that was asked for. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** `other` is a pipe, a socket or a device. */
  readonly kind: "file" | "folder" | "link" | "other";
}

/** Settings of {@link walk}. */
export interface WalkOptions {
  /** Folders that are read at once, 1 or more. @default 8 */
  readonly concurrency?: number;
  /** Whether a folder is gone into; it is yielded all the same. @default all are */
  readonly enters?: (folder: FolderEntry) => boolean;
}

/**
 * All that is in a folder and the folders below it, without the folder itself. Links are yielded and not followed.
 *
 * Level by level, the entries of a folder together and sorted by name. Folders that are deleted meanwhile are passed
 * over. In memory are the entries of the folders being read, and the paths of the folders of the next level. What is no
 * UTF-8 in a name becomes U+FFFD, and the path leads nowhere then: such a folder is yielded, and passed over.
 *
 * Cancel: stops reading. Leaving the loop does so too.
 *
 * @throws {Error} of the system, with a code: `ENOENT`, `EACCES` ...
 *
 * @example
 * ```ts
 * import { openTempFolder, walk, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("a.txt"), "");
 * await write(folder.at("b.txt"), "");
 * const names: string[] = [];
 * for await (const { name } of walk(folder.path)) names.push(name);
 * console.log(names.join()); // => a.txt,b.txt
 * ```
 */
export function walk(folder: string, options: WalkOptions = {}): FileItems<FolderEntry> {
  const { concurrency = 8, enters = () => true } = options;
  expectInteger("concurrency", concurrency, 1);
  return new BlockItems(foldersBelow(folder, concurrency, enters));
}

/** The entries of each folder. */
async function* foldersBelow(
  top: string,
  concurrency: number,
  enters: (folder: FolderEntry) => boolean,
): AsyncGenerator<readonly FolderEntry[], void, void> {
  const toEnter = (entries: readonly FolderEntry[]): FolderEntry[] =>
    entries.filter((entry) => entry.kind === "folder" && enters(entry));
  const entries = await entriesOf(top, false);
  yield entries;
  for (let level = toEnter(entries); level.length > 0;) {
    const next: FolderEntry[] = [];
    for await (const below of mapStream(level, ({ path }) => entriesOf(path, true), { concurrency })) {
      yield below;
      // One by one: there may be more of them than a call takes arguments.
      for (const folder of toEnter(below)) next.push(folder);
    }
    level = next;
  }
}

/** What is in a folder. */
export async function entriesOf(folder: string, mayBeGone: boolean): Promise<FolderEntry[]> {
  try {
    const entries = await onDisk(`read ${folder}`, () => readdir(folder, { withFileTypes: true }));
    // What `join` would put before each name, once for all.
    const prefix = join(folder, "-").slice(0, -1);
    return entries
      .map((entry) => ({ path: prefix + entry.name, name: entry.name, kind: kindOf(entry) }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The second: a file is in its place.
    if (mayBeGone && (code === "ENOENT" || code === "ENOTDIR")) return [];
    throw error;
  }
}

function kindOf(entry: Dirent): FolderEntry["kind"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? "link" : "other";
}
