/** Type-checks programs of a user of the package, with the versions of TypeScript that it is tried in. */
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Ran, root, run } from "./tarball.ts";

export interface Compiler {
  readonly name: string;
  readonly path: string;
}

export const compilers: readonly Compiler[] = [
  { name: "TypeScript 7", path: join(root, "node_modules/typescript/bin/tsc") },
  { name: "TypeScript 5.9", path: join(root, "tools/typescript59/node_modules/typescript/bin/tsc") },
];

/** What stands in a tsconfig.json. */
interface Settings {
  readonly lib: readonly string[];
  readonly [name: string]: unknown;
}

/** Settings of somebody who wants to know. */
export const strict: Settings = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  types: ["node"],
};

export interface Program {
  readonly settings: Settings;
  /** Texts by the names of their files. */
  readonly files: Readonly<Record<string, string>>;
  /** Names of packages that are installed in this repository, and there as well. */
  readonly packages: readonly string[];
}

/** Writes a program into a folder of its own inside that of a user, and returns where. */
export async function write(user: string, program: Program): Promise<string> {
  const project = await mkdtemp(join(user, "program-"));
  for (const name of program.packages) {
    const place = join(project, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(root, "node_modules", name), place);
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: program.settings }));
  for (const [name, text] of Object.entries(program.files)) await writeFile(join(project, name), text);
  return project;
}

export async function compile(compiler: Compiler, user: string, program: Program): Promise<Ran> {
  const project = await write(user, program);
  return run(process.execPath, [compiler.path, "--project", project], project);
}

/** A program that imports all that these doors give. */
export function importing(doors: readonly string[]): string {
  const uses = doors.map((door, i) => [
    `import * as door${i} from ${JSON.stringify(door)};`,
    `export const names${i}: readonly string[] = Object.keys(door${i});`,
  ]);
  return uses.flat().join("\n");
}
