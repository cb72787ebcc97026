/**
 * Puts the command into a few files, in place of the hundreds that the compiler made of it: a start takes half the time
 * (0.10 instead of 0.21 seconds of CPU, 2 cores, Node 24). Packages of the registry stay where they are.
 *
 * The threads it starts are entries of their own, and stand beside it: they are found by their names.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = join(root, "dist/cli");
const threads = ["src/fetch/output/body-writer.ts", "src/fetch/output/row-writer.ts"];

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: ["src/cli/main.ts", "src/cli/demo/server.ts", ...threads].map((path) => join(root, path)),
  entryNames: "[name]",
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  packages: "external",
  sourcemap: true,
});
