import { lstat, stat } from "node:fs/promises";
import { join, matchesGlob, resolve } from "node:path";
import { mapStream } from "../flow/index.ts";
import { onDisk } from "./internal/disk.ts";
import { type Part, type Parts, below, cut, isName, orNoFolders } from "./internal/glob-pattern.ts";
import { type FolderEntry, entriesOf } from "./walk.ts";

/** Settings of {@link glob}. */
export interface GlobOptions {
  /** What patterns are relative to. @default the working directory */
  readonly cwd?: string;
  /** Patterns of what is left out, and not gone into. */
  readonly exclude?: readonly string[];
}

/** Folders that are read at once. */
const concurrency = 8;

/**
 * The paths that match a pattern such as `src/**\/*.ts`, by the rules of Node's `path.matchesGlob`.
 *
 * Names that begin with a dot match where the pattern has that dot. Links are gone into where a part of the pattern is
 * their name, and never by `**` or `*`. Folders that are not there or cannot be read are passed over. Level by level.
 *
 * Cancel: stops looking. Leaving the loop does so too.
 *
 * @param pattern - one, or several: paths that match any of them
 * @throws {TypeError} a pattern is no text
 */
export async function* glob(
  pattern: string | readonly string[],
  options: GlobOptions = {},
): AsyncGenerator<string, void, void> {
  const search = new Search(options);
  let level = topsOf(Array.isArray(pattern) ? pattern : [pattern]);
  while (level.length > 0) {
    const next: Place[] = [];
    for await (const { paths, places } of mapStream(level, (place) => search.look(place), { concurrency })) {
      yield* paths;
      for (const place of places) next.push(place);
    }
    level = next;
  }
}

/** What matches, and where to go on. */
interface Found {
  readonly paths: string[];
  readonly places: Place[];
}

/** Where to look, and for what. */
interface Place {
  readonly path: string;
  readonly parts: Parts;
  /** Whether it is known to be one: it may be a link, or not be there at all. */
  readonly isFolder: boolean;
}

/** What is only named in a pattern. */
function placeOf(path: string, parts: Iterable<Part | undefined>): Place {
  return { path, parts: new Set(parts), isFolder: false };
}

function topsOf(patterns: readonly string[]): Place[] {
  for (const pattern of patterns) {
    if (typeof pattern === "string") continue;
    throw new TypeError(
      `Expected \`pattern\` to be text, or an array of it, got \`${String(pattern)}\` (${typeof pattern})`,
    );
  }
  const all = patterns.flatMap((pattern) => cut(pattern));
  const from = (path: string): Place => {
    const some = all.filter(({ isAbsolute }) => isAbsolute === (path === "/"));
    return placeOf(
      path,
      some.map(({ first }) => first),
    );
  };
  return [from(""), from("/")].filter(({ parts }) => parts.size > 0);
}

/** Node has a glob of its own, which cannot be stopped before it has found the next path, and holds the loop meanwhile. */
class Search {
  readonly #root: string;
  readonly #exclude: readonly string[];

  constructor({ cwd = ".", exclude = [] }: GlobOptions) {
    this.#root = resolve(cwd);
    this.#exclude = exclude.map((pattern) => resolve(this.#root, pattern));
  }

  /** What matches at a place and in it, and where to go on. */
  async look(place: Place): Promise<Found> {
    const found: Found = { paths: [], places: [] };
    if (this.#isExcluded(place.path)) return found;
    const parts = orNoFolders(place.parts);
    if (await this.#isMatch(place, parts)) found.paths.push(place.path === "" ? "." : place.path);
    const inside: Part[] = [];
    for (const part of parts) {
      if (part === undefined || part.name === "") continue;
      if (part.name === "..") found.places.push(placeOf(join(place.path, ".."), [part.next]));
      else inside.push(part);
    }
    // Names are looked for by themselves: their folder may hold thousands of others.
    if (inside.every((part) => isName(part))) {
      for (const name of new Set(inside.map((part) => part.name))) {
        found.places.push(placeOf(join(place.path, name), below(inside, name, "link")));
      }
    } else await this.#lookInto(place.path, inside, found);
    return found;
  }

  async #lookInto(folder: string, inside: readonly Part[], { paths, places }: Found): Promise<void> {
    const entries = await entriesOf(resolve(this.#root, folder), true).catch(noneIfUnreadable);
    for (const { name, kind } of entries) {
      const parts = below(inside, name, kind);
      if (parts.size === 0) continue;
      const path = join(folder, name);
      const isAll = parts.size === 1 && parts.has(undefined);
      if (!isAll) places.push({ path, parts, isFolder: kind === "folder" });
      else if (!this.#isExcluded(path)) paths.push(path);
    }
  }

  async #isMatch({ path, isFolder }: Place, parts: Parts): Promise<boolean> {
    const isAnything = parts.has(undefined);
    if (!isAnything && ![...parts].some((part) => part?.name === "")) return false;
    if (isFolder) return true;
    const full = resolve(this.#root, path);
    const stats = await onDisk(`look at ${path}`, () => (isAnything ? lstat(full) : stat(full)).catch(() => undefined));
    return stats !== undefined && (isAnything || stats.isDirectory());
  }

  #isExcluded(path: string): boolean {
    if (this.#exclude.length === 0) return false;
    const full = resolve(this.#root, path);
    return this.#exclude.some((pattern) => matchesGlob(full, pattern));
  }
}

function noneIfUnreadable(error: unknown): FolderEntry[] {
  if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  return [];
}
