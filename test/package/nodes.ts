/** The versions of Node that the published package is tried on. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { mustRun, root } from "./tarball.ts";

export interface NodeVersion {
  readonly path: string;
  readonly version: string;
}

async function nodeAt(path: string): Promise<NodeVersion> {
  return { path, version: (await mustRun(path, ["-p", "process.versions.node"], root)).trim() };
}

/** The Node that a folder in tools brought along: one of its optional dependencies is installed, the others do not fit. */
export async function nodeOf(tool: "node24" | "node26"): Promise<NodeVersion> {
  const manifest = join(root, "tools", tool, "package.json");
  const { optionalDependencies } = JSON.parse(await readFile(manifest, "utf8")) as { optionalDependencies: object };
  const require = createRequire(manifest);
  for (const name of Object.keys(optionalDependencies)) {
    const folder = require.resolve.paths(name)?.find((path) => existsSync(join(path, name)));
    if (folder === undefined) continue;
    const { bin } = JSON.parse(await readFile(join(folder, name, "package.json"), "utf8")) as { bin: { node: string } };
    return nodeAt(join(folder, name, bin.node));
  }
  throw new Error(`${tool} has no package for ${process.platform} ${process.arch}: see tools/${tool}/package.json`);
}

/** A Node of this machine, outside the checkout, that is too old for the package. */
export async function oldNode(): Promise<NodeVersion | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.startsWith(root));
  const paths = folders.map((folder) => join(folder, "node")).filter((path) => existsSync(path));
  const nodes = await Promise.all(paths.map(nodeAt));
  return nodes.find(({ version }) => Number.parseInt(version, 10) < 24);
}
