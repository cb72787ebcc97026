import { type FSWatcher, type Stats, type WatchEventType, existsSync, lstatSync, readdirSync, watch } from "node:fs";
import { basename, join } from "node:path";

/** Who is told. */
export interface WatchEvents {
  changed(path: string): void;
  failed(error: unknown): void;
}

/**
 * Watches what is in a folder, and in those below, each of which has a watcher of its own.
 *
 * Where the system has no such thing, Node watches each file by itself, and says nothing more of one that another has
 * taken the place of.
 */
export class FolderWatch {
  readonly #path: string;
  readonly #isDeep: boolean;
  readonly #events: WatchEvents;
  readonly #watcher: FSWatcher;
  readonly #below = new Map<string, FolderWatch>();

  /** @param isNew - what is in it may have come before it was watched, and is told of */
  constructor(path: string, isDeep: boolean, events: WatchEvents, isNew = false) {
    this.#path = path;
    this.#isDeep = isDeep;
    this.#events = events;
    this.#watcher = watch(path);
    this.#watcher.on("change", (kind, name) => this.#heard(kind as WatchEventType, String(name)));
    this.#watcher.on("error", (error) => events.failed(error));
    try {
      if (isDeep) this.#watchAll(isNew);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#watcher.close();
    for (const below of this.#below.values()) below.close();
  }

  #watchAll(isNew: boolean): void {
    for (const entry of readdirSync(this.#path, { withFileTypes: true })) {
      if (isNew) this.#events.changed(join(this.#path, entry.name));
      if (entry.isDirectory()) this.#watchBelow(entry.name, isNew);
    }
  }

  #watchBelow(name: string, isNew: boolean): void {
    try {
      this.#below.set(name, new FolderWatch(join(this.#path, name), true, this.#events, isNew));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !passedOver.has(code)) throw error;
    }
  }

  #heard(kind: WatchEventType, name: string): void {
    const path = join(this.#path, name);
    const entry = lookAt(path);
    const isThere = entry !== undefined;
    // What befalls the folder itself comes with its own name.
    const isOwn = !isThere && name === basename(this.#path) && (kind === "change" || !existsSync(this.#path));
    this.#events.changed(isOwn ? this.#path : path);
    if (!this.#isDeep || isOwn || kind === "change") return;
    // What came under this name, or went, or both: it is watched anew.
    this.#below.get(name)?.close();
    this.#below.delete(name);
    try {
      if (entry?.isDirectory() === true) this.#watchBelow(name, true);
    } catch (error) {
      this.#events.failed(error);
    }
  }
}

/** It is gone again, something else by now, of which is told, too, or may not be read. */
const passedOver: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM"]);

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
