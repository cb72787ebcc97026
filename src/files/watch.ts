import { statSync, watch as watchSystem } from "node:fs";
import { join } from "node:path";
import {
  Kept,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  checkedScope,
  refuse,
  takeFirst,
} from "../core/index.ts";
import { FolderWatch, type WatchEvents } from "./internal/folder-watch.ts";

/** Settings of {@link watch}. */
export interface WatchOptions {
  /** Whether folders below are watched too. @default true */
  readonly recursive?: boolean;
}

/** What {@link watch} gives. */
export interface FileChange {
  /** What has changed: begins with the path that is watched. */
  readonly path: string;
}

/** The changes of {@link watch}. */
export type FileChanges = AsyncIterableIterator<FileChange, undefined> & AsyncDisposable;

type Step = IteratorResult<FileChange, undefined>;

/**
 * What changes in a file or a folder, as the system tells, without an end: what was made, written to, renamed or deleted.
 * What a change was, `stat` tells: systems tell it in many ways.
 *
 * It watches from the call on, until it is disposed of, a loop over it is left, or the scope ends in which it was called.
 * Changes of one path that nobody has read yet are one, so a slow reader misses none and
 * has each path in memory once. A file is watched until another takes its place, as with `writeAtomic` and many editors:
 * where that may be, its folder is what to watch. Folders below that may not be read are not watched, nor are links gone into.
 *
 * Cancel: a reader that is cancelled stops waiting; watching goes on.
 *
 * @throws {Error} of the system, with a code: `ENOENT`; `ENOSPC`, too much is watched (`fs.inotify.max_user_watches`)
 *
 * @example
 * ```ts
 * import { openTempFolder, watch, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await using changes = watch(folder.path);
 * await write(folder.at("new.txt"), "text");
 * for await (const { path } of changes) {
 *   console.log(path === folder.at("new.txt")); // => true
 *   break;
 * }
 * ```
 */
export function watch(path: string, options: WatchOptions = {}): FileChanges {
  const { recursive = true } = options;
  return new Watch(checkedScope(), path, recursive);
}

class Watch implements AsyncIterableIterator<FileChange, undefined>, AsyncDisposable {
  readonly #path: string;
  readonly #watcher: { close(): void };
  readonly #kept: Kept;
  /** Paths that have changed, and nobody has heard of. */
  readonly #changed = new Set<string>();
  readonly #readers = new LinkedList<ChangeWaiter>();
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(scope: ScopeNode, path: string, recursive: boolean) {
    this.#path = path;
    this.#watcher = watchOver(path, recursive, {
      changed: (changed) => this.#took(changed),
      failed: (error) => this.#end({ error }),
    });
    this.#kept = new Kept(scope, `watch ${path}`, async () => this.#end(undefined));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    const [first] = this.#changed;
    if (first !== undefined) {
      this.#changed.delete(first);
      return Promise.resolve({ done: false, value: { path: first } });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isOver) return Promise.resolve(atEnd);
    const reader = new ChangeWaiter(scope, this.#path);
    this.#readers.push(reader);
    return reader.promise;
  }

  async return(): Promise<Step> {
    await this.#kept.close();
    return atEnd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept.close();
  }

  #took(path: string): void {
    const reader = takeFirst(this.#readers);
    if (reader === undefined) this.#changed.add(path);
    else reader.resolve({ done: false, value: { path } });
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#watcher.close();
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers)) {
      if (failure === undefined) reader.resolve(atEnd);
      else reader.reject(failure.error);
    }
  }
}

function watchOver(path: string, recursive: boolean, events: WatchEvents): { close(): void } {
  // Node would say nothing of a path that is not there.
  const isFolder = statSync(path).isDirectory();
  const isDeep = recursive && isFolder;
  if (isFolder && !(isDeep && deepSystems.has(process.platform))) return new FolderWatch(path, isDeep, events);
  const watcher = watchSystem(path, { recursive: isDeep });
  // Of a file, its own name is told.
  watcher.on("change", (_kind, name) => events.changed(isFolder && name !== null ? join(path, String(name)) : path));
  watcher.on("error", (error) => events.failed(error));
  return watcher;
}

/** They watch all below a folder themselves. */
const deepSystems: ReadonlySet<string> = new Set(["darwin", "win32"]);

const atEnd: Step = { done: true, value: undefined };

class ChangeWaiter extends QueuedWaiter<Step> {
  readonly #path: string;

  constructor(scope: ScopeNode, path: string) {
    super(scope);
    this.#path = path;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `a change of ${this.#path}`;
  }
}
