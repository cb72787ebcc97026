import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kept, checkedScope } from "../core/index.ts";
import { onDisk } from "./internal/disk.ts";

/** Settings of {@link openTempFolder}. */
export interface TempFolderOptions {
  /** How its name begins. @default "taskwright-" */
  readonly prefix?: string;
  /** The folder that it is made in. @default that of the system: `$TMPDIR`, or `/tmp` */
  readonly in?: string;
}

/** A folder that is deleted with all that is in it. Made by {@link openTempFolder}. */
export class TempFolder implements AsyncDisposable {
  /** Where it is. */
  readonly path: string;
  readonly #kept: Kept;

  /** @internal */
  constructor(path: string, kept: Kept) {
    this.path = path;
    this.#kept = kept;
  }

  /** The path of something in it. */
  at(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /**
   * Deletes it.
   *
   * Cancel: deletes it all the same.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.close();
  }
}

/**
 * Makes an empty folder for what is not kept. It is deleted when it is disposed of, at the latest when the scope ends in
 * which it was made.
 *
 * Cancel: no folder is left behind.
 *
 * @throws {Error} of the system, with a code
 *
 * @example
 * ```ts
 * import { openTempFolder, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("draft.txt"), "not for long");
 * ```
 */
export async function openTempFolder(options: TempFolderOptions = {}): Promise<TempFolder> {
  const { prefix = "taskwright-", in: parent = tmpdir() } = options;
  const scope = checkedScope();
  const path = await onDisk(`make a folder in ${parent}`, () => mkdtemp(join(parent, prefix)));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
  try {
    return new TempFolder(path, new Kept(scope, `temporary folder ${path}`, remove));
  } catch (error) {
    // The scope ended meanwhile.
    await remove();
    throw error;
  }
}
