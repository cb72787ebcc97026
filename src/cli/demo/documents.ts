import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A real document that the demo serves. */
export interface Document {
  /** Where it lies below the folder that is served, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
}

/** What there is fewer of comes first. */
const kinds = [/\.(?:md|json)$/, /\.d\.[cm]?ts$/] as const;
const minBytes = 100;
const maxBytes = 200_000;

/** The nearest `node_modules` of the working directory, or else the one that this package lies in. */
export function findNodeModules(): string | undefined {
  return above(process.cwd()) ?? above(dirname(fileURLToPath(import.meta.url)));
}

function above(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules"))) return join(folder, "node_modules");
    if (folder === dirname(folder)) return undefined;
  }
}

/** Up to `limit` files below `root`, Markdown and JSON first, then type declarations; the same ones each time. */
export function findDocuments(root: string, limit: number): Document[] {
  const found = kinds.map((): Document[] => []);
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith(".")) walk(path);
      else if (entry.isFile()) {
        const kind = kinds.findIndex((pattern) => pattern.test(entry.name));
        if (kind === -1) continue;
        const bytes = statSync(join(root, path)).size;
        if (bytes >= minBytes && bytes <= maxBytes) found[kind]!.push({ path, bytes });
      }
    }
  };
  walk("");
  return found.flatMap((documents) => documents.toSorted((a, b) => (a.path < b.path ? -1 : 1))).slice(0, limit);
}

/** How long the demo's server takes for `path`: 20 to 80 ms, always the same. */
export function latencyMs(path: string): number {
  let hash = 2_166_136_261;
  for (const character of path) hash = Math.imul(hash ^ character.codePointAt(0)!, 16_777_619);
  return 20 + ((hash >>> 0) % 61);
}
