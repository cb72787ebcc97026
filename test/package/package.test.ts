/** The package as its users get it: packed, installed into an empty folder, imported and type-checked there. */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asWritten, bundledByEsbuild, bundledByVite, compiled, printed } from "./bundled.ts";
import { type Program, compile, compilers, importing, strict, write } from "./compiler.ts";
import { type NodeVersion, nodeOf, oldNode } from "./nodes.ts";
import { doors, install, manifest, mustRun, pack, root, run, unpack } from "./tarball.ts";

const nodes: NodeVersion[] = [await nodeOf("node24"), await nodeOf("node26")];
const tooOld = await oldNode();

let folder: string;
let consumer: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwright-package-"));
  const tarball = await pack(folder);
  consumer = join(folder, "consumer");
  await install(tarball, consumer);
  installed = join(consumer, "node_modules", manifest.name);
  await mkdir(join(folder, "alone"));
  await unpack(tarball, join(folder, "alone"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that prints which names each of these doors gives. */
function printNames(of: readonly string[]): string {
  const imports = of.map((door) => `[${JSON.stringify(door)}, Object.keys(await import(${JSON.stringify(door)}))]`);
  return `console.log(JSON.stringify([${imports.join(", ")}]));`;
}

async function namesIn(node: NodeVersion, cwd: string, of: readonly string[]): Promise<Map<string, string[]>> {
  const output = await mustRun(node.path, ["--input-type=module", "--eval", printNames(of)], cwd);
  return new Map(JSON.parse(output) as [string, string[]][]);
}

describe("the files", () => {
  test("hold every file that exports and bin promise", async () => {
    const files = await readdir(installed, { recursive: true });
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );

    expect(files).toEqual(expect.arrayContaining(targets.map((target) => target.slice("./".length))));
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "bin/taskwright.js", "man/taskwright-fetch.1"]),
    );
  });

  test("hold no tests, no build info and no settings of the repository", async () => {
    const files = await readdir(installed, { recursive: true });

    expect(
      files.filter((file) => /\.test\.|tsbuildinfo|tsconfig|^(test|tools|scripts|bench)(\/|$)/.test(file)),
    ).toEqual([]);
  });
});

describe.for(nodes)("on Node $version", (node) => {
  test("every door opens", async () => {
    const names = await namesIn(node, consumer, doors);

    expect([...names.keys()]).toEqual(doors);
    for (const [door, found] of names) expect(found, door).not.toEqual([]);
  });

  test("the root and its testing tools need nothing but Node", async () => {
    const names = await namesIn(node, join(folder, "alone"), ["taskwright", "taskwright/testing"]);

    for (const [door, found] of names) expect(found, door).not.toEqual([]);
  });

  test("threads and processes find functions in a program of TypeScript", async () => {
    expect(await mustRun(node.path, [await asWritten(consumer)], consumer)).toBe(printed);
  });

  test.for(compilers)("and in what $name makes of it", async (compiler) => {
    expect(await mustRun(node.path, [await compiled(compiler, consumer)], consumer)).toBe(printed);
  });

  test("the command says its version", async () => {
    const ran = await run(node.path, [join(consumer, "node_modules/.bin/taskwright"), "--version"], consumer);

    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toContain(manifest.version);
  });
});

describe("a program that is bundled", () => {
  const external = ["taskwright"];

  test.for([
    ["into one file for each entry", { external }],
    ["with chunks for what entries share", { external, splitting: true }],
    ["and made smaller, with names kept", { external, minify: true, keepNames: true }],
  ] as const)("by esbuild %s finds its functions in threads and processes", async ([, options]) => {
    const program = await bundledByEsbuild(consumer, { ...options, external: [...options.external] });

    expect(await mustRun(process.execPath, [program], consumer)).toBe(printed);
  });

  test("by Vite finds its functions in threads and processes", async () => {
    expect(await mustRun(process.execPath, [await bundledByVite(consumer)], consumer)).toBe(printed);
  });

  test("without the names of its functions says how to keep them", async () => {
    const program = await bundledByEsbuild(consumer, { external, minify: true });
    const ran = await run(process.execPath, [program], consumer);

    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain("TypeError: Expected `fn` to have a name");
    expect(ran.stderr).toContain("(`keepNames`)");
  });

  test("together with this package says that it must not be", async () => {
    const program = await bundledByEsbuild(consumer, {});
    const ran = await run(process.execPath, [program], consumer);

    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain("TypeError: Expected taskwright not to be in a bundle");
    expect(ran.stderr).toContain('`external: ["taskwright"]`');
  });
});

describe("on a Node that is too old", () => {
  /** A real one where the machine has it; otherwise this one, which says it is older than it is. */
  const pretend = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';
  const node = tooOld ?? { path: process.execPath, version: "20.1.0" };
  const options = tooOld === undefined ? ["--import", `data:text/javascript,${pretend}`] : [];

  test(`the command says which version it needs and exits 2 (Node ${node.version})`, async () => {
    const ran = await run(
      node.path,
      [...options, join(consumer, "node_modules/.bin/taskwright"), "--version"],
      consumer,
    );

    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain(`taskwright needs Node 24 or later; this is Node ${node.version}`);
    expect(ran.stderr).toContain("https://nodejs.org/en/download");
  });
});

describe.for(compilers)("the types, in $name,", (compiler) => {
  const allIsWell = { exitCode: 0, stdout: "", stderr: "" };

  test.for([
    ["nodenext", strict],
    ["bundler", { ...strict, module: "esnext", moduleResolution: "bundler" }],
  ] as const)("check in a strict consumer that resolves as %s does", async ([, settings]) => {
    const files = { "every-door.ts": importing(doors) };
    const ran = await compile(compiler, consumer, { settings, files, packages: ["@types/node"] });

    expect(ran).toEqual(allIsWell);
  });

  test("of the root and the testing tools check without those of Node", async () => {
    // An AbortSignal any platform has.
    const settings = { ...strict, lib: [...strict.lib, "dom"], types: [] };
    const files = { "two-doors.ts": importing(["taskwright", "taskwright/testing"]) };

    expect(await compile(compiler, consumer, { settings, files, packages: [] })).toEqual(allIsWell);
  });

  test("are what the tests of types say, and refuse what those want to see refused", async () => {
    expect(await compile(compiler, consumer, await testsOfTypes())).toEqual(allIsWell);
  });

  test("refuse it for what it does, not for a name that does not exist", async () => {
    const { stdout } = await compile(compiler, consumer, await testsOfTypes({ isRefusalExpected: false }));
    const errors = stdout.match(/error TS\d+: .*/g) ?? [];

    expect(errors.length).toBeGreaterThan(100);
    expect(errors.filter((error) => /TS(1361|2304|2305|2307|2552|2724):/.test(error))).toEqual([]);
  });
});

async function testsOfTypes({ isRefusalExpected = true } = {}): Promise<Program> {
  const folderOfTests = join(root, "test/types");
  const files: Record<string, string> = {};
  for (const name of (await readdir(folderOfTests)).filter((file) => file.endsWith(".ts"))) {
    const text = await readFile(join(folderOfTests, name), "utf8");
    files[name] = isRefusalExpected ? text : text.replaceAll("@ts-expect-error", "");
  }
  const settings = { ...strict, skipLibCheck: true, allowImportingTsExtensions: true };
  return { settings, files, packages: ["@types/node", "vitest", "zod", "valibot", "arktype"] };
}

test("a linter finds who awaits a task, which compilers let pass", async () => {
  const text = `import { taskGroup } from "taskwright";
    await taskGroup(async (group) => {
      const task = group.spawn(() => 1);
      await task;
      await Promise.all([task]);
      await task.join();
    });`;
  const program = { settings: strict, files: { "main.ts": text }, packages: ["@types/node", ".bin/tsgolint"] };
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const rules = ["--allow", "all", "--deny", "typescript/await-thenable", "--type-aware", "--format", "unix"];
  const { stdout } = await run(process.execPath, [oxlint, ...rules], await write(consumer, program));

  expect(stdout.match(/^main\.ts:\d+/gm)).toEqual(["main.ts:4", "main.ts:5"]);
});

test("the bytes of the published code carry no path of the machine that packed it", async () => {
  const files = (await readdir(installed, { recursive: true })).filter((file) => /\.(js|ts|map)$/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(installed, file), "utf8")));

  expect(files.filter((_, i) => texts[i]?.includes(folder) || texts[i]?.includes(root))).toEqual([]);
});
