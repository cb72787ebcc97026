/** The doors of the package, read from `exports` of package.json: what users can import from. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The folder of the package. */
export const root: string = join(import.meta.dirname, "../..");

export interface Door {
  /** As it is imported: `taskwright/http`. */
  readonly specifier: string;
  /** Its source, as an absolute path. */
  readonly source: string;
  /** The name of its page, without the ending. */
  readonly page: string;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

export async function readDoors(folder: string = root): Promise<Door[]> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    const source = typeof target === "string" ? undefined : target["taskwright-source"];
    if (source === undefined) return [];
    const specifier = join(manifest.name, path);
    return [{ specifier, source: join(folder, source), page: specifier.replace(`${manifest.name}/`, "") }];
  });
}
