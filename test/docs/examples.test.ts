/** What the documentation shows is true: every example type-checks, and prints what it says behind `// =>`. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findSnippets, root, type Snippet } from "./snippets.ts";

const snippets = await findSnippets();
/** A program that hangs is ended before its test is. */
const patienceMs = 250_000;

let folder: string;
let complaints: string[];

const fileOf = ({ place }: Snippet): string => `${place.replaceAll(/[/:]/g, "-")}.ts`;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "taskwright-examples-")));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/taskwright"));
  // What some examples use besides: servers and schemas, and their types.
  for (const name of ["ws", "zod", "@types"])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  const settings = { isolatedDeclarations: false, declaration: false, typeRoots: [join(root, "node_modules/@types")] };
  const tsconfig = { extends: join(root, "tsconfig.json"), compilerOptions: settings, include: ["*.ts"], exclude: [] };
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  for (const snippet of snippets) await writeFile(join(folder, fileOf(snippet)), snippet.code);
  await writeFile(join(folder, "wrong.ts"), 'import { sleep } from "taskwright";\nvoid sleep("long");\n');
  const { output } = await run(join(root, "node_modules/.bin/tsc"), ["-p", "."]);
  complaints = output.split("\n");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function run(program: string, args: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: folder, timeout: patienceMs }, (_, stdout, stderr) => {
      resolve({ exitCode: child.exitCode, output: stdout + stderr });
    });
  });
}

test("the README has examples, and a wrong one would be found", () => {
  expect(snippets.filter(({ place }) => place.startsWith("README.md"))).not.toEqual([]);
  expect(complaints).toContainEqual(expect.stringMatching(/^wrong\.ts\(2,12\): error TS2345/));
});

test.for(snippets)("$place type-checks", (snippet) => {
  expect(complaints.filter((line) => line.startsWith(fileOf(snippet)))).toEqual([]);
});

test.concurrent.for(snippets.filter(({ expected }) => expected.length > 0))(
  "$place prints what it says",
  async (snippet) => {
    const ran = await run(process.execPath, ["--conditions=taskwright-source", fileOf(snippet)]);

    expect(ran.output.trimEnd().split("\n")).toEqual(snippet.expected);
    expect(ran.exitCode).toBe(snippet.exitCode);
  },
);
