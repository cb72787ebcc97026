/** Makes the package as npm would publish it, away from the checkout, and installs it into an empty folder. */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

export const root: string = join(import.meta.dirname, "../..");

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

export const manifest: Manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;

/** What a user imports: `taskwright`, `taskwright/http` and so on. */
export const doors: readonly string[] = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === "object")
  .map(([subpath]) => manifest.name + subpath.slice(1));

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. An exit code other than 0 is an answer, not an error. */
export function run(program: string, args: readonly string[], cwd: string): Promise<Ran> {
  // What npm told the script that runs the tests must not reach an npm that works elsewhere, and nothing of what runs
  // there counts as covered.
  const ours = /^(npm_|NODE_OPTIONS$|NODE_V8_COVERAGE$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, env, maxBuffer: 2 ** 26 }, (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode, stdout, stderr });
    });
    child.on("error", reject);
  });
}

/** As `run`, for a program that must end well. Returns what it wrote. */
export async function mustRun(program: string, args: readonly string[], cwd: string): Promise<string> {
  const ran = await run(program, args, cwd);
  if (ran.exitCode !== 0)
    throw new Error(`${program} ${args.join(" ")}: exit ${ran.exitCode}\n${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** Copies the checkout, without what is installed or built, to `folder` and packs it there. Returns the tarball. */
export async function pack(folder: string): Promise<string> {
  const stage = join(folder, "stage");
  const left = new Set(["node_modules", "dist", "coverage", ".git"]);
  await cp(root, stage, { recursive: true, filter: (path) => !left.has(basename(path)) });
  await symlink(join(root, "node_modules"), join(stage, "node_modules"));
  await mustRun("npm", ["pack", "--pack-destination", folder], stage);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack left no tarball");
  return join(folder, tarball);
}

/** Installs the tarball, and what it depends on, into an empty project in `folder`. */
export async function install(tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  await mustRun("npm", ["install", tarball, "--prefer-offline", "--no-audit", "--no-fund"], folder);
}

/** Unpacks the tarball into `folder` as npm would, but nothing of what it depends on. */
export async function unpack(tarball: string, folder: string): Promise<void> {
  const target = join(folder, "node_modules", manifest.name);
  await mkdir(target, { recursive: true });
  await mustRun("tar", ["-xzf", tarball, "--strip-components=1", "-C", target], folder);
}
