/** A program that runs functions in threads and processes, and what tools make of it before it runs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { type Compiler, strict, write } from "./compiler.ts";
import { mustRun, root } from "./tarball.ts";

/** What the program prints. */
export const printed: string = [
  "84 is 2 x 2 x 3 x 7",
  "TimeoutError",
  "42 in a thread",
  "42 in a process",
  "30 is 2 x 3 x 5",
  "",
].join("\n");

const main = `
  import { timeout } from "taskwright";
  import { type ModuleTask, cpu, defineTask, openProcessPool, openThreadPool, throwIfCancelled } from "taskwright/workers";
  import { factorsOf } from "./numbers.ts";

  interface Found {
    readonly n: number;
    readonly factors: readonly number[];
  }

  const find = cpu(function find(n: number): Found {
    return { n, factors: factorsOf(n) };
  });
  const spin = cpu(function spin(): never {
    for (;;) throwIfCancelled();
  });
  const twice = defineTask(function twice(n: number) {
    return n * 2;
  });
  const factors: ModuleTask<[number], number[]> = { module: new URL("./tasks.js", import.meta.url), name: "factors" };

  if (import.meta.main) {
    const { n, factors: found } = await find(84);
    console.log(n + " is " + found.join(" x "));
    await timeout(100, () => spin()).catch((error: Error) => console.log(error.name));
    await using threads = openThreadPool({ size: 1 });
    console.log(await threads.run(twice, 21), "in a thread");
    await using processes = openProcessPool({ size: 1 });
    console.log(await processes.run(twice, 21), "in a process");
    console.log("30 is " + (await threads.run(factors, 30)).join(" x "));
  }`;

/** Texts by the names of their files. */
const files: Readonly<Record<string, string>> = {
  "main.ts": main,
  "numbers.ts": `
    export function factorsOf(n: number): number[] {
      const factors: number[] = [];
      let rest = n;
      for (let d = 2; rest > 1; d++) for (; rest % d === 0; rest /= d) factors.push(d);
      return factors;
    }`,
  "tasks.ts": `
    import { factorsOf } from "./numbers.ts";
    export function factors(n: number): number[] {
      return factorsOf(n);
    }`,
};

/** Writes the program into a folder of its own inside that of a user. Returns the file to run. */
export async function asWritten(user: string): Promise<string> {
  const source = { ...files, "main.ts": main.replace("./tasks.js", "./tasks.ts") };
  return join(await write(user, { settings: strict, files: source, packages: [] }), "main.ts");
}

/** The same, compiled to JavaScript. */
export async function compiled(compiler: Compiler, user: string): Promise<string> {
  const settings = { ...strict, noEmit: false, outDir: "out", rewriteRelativeImportExtensions: true };
  const project = await write(user, { settings, files, packages: ["@types/node"] });
  await mustRun(process.execPath, [compiler.path, "--project", project], project);
  return join(project, "out/main.js");
}

/** The same, bundled by esbuild: the module of a task is an entry, too. */
export async function bundledByEsbuild(user: string, options: BuildOptions): Promise<string> {
  const project = await write(user, { settings: strict, files, packages: [] });
  await build({
    absWorkingDir: project,
    entryPoints: ["main.ts", "tasks.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    outdir: "out",
    logLevel: "silent",
    ...options,
  });
  return join(project, "out/main.js");
}

/** The same, bundled by Vite, which puts what both entries use into a chunk of its own. */
export async function bundledByVite(user: string): Promise<string> {
  const project = await write(user, { settings: strict, files, packages: [] });
  const output = { entryFileNames: "[name].js" };
  const config = { build: { ssr: true, outDir: "out", rollupOptions: { input: ["main.ts", "tasks.ts"], output } } };
  await writeFile(join(project, "vite.config.mjs"), `export default ${JSON.stringify(config)};`);
  await mustRun(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build"], project);
  return join(project, "out/main.js");
}
