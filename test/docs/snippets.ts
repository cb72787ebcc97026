/** The TypeScript fences of the pages and of the doc comments, each as a program that can be checked and run. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";

export const root: string = join(import.meta.dirname, "../..");

export interface Snippet {
  /** `README.md:12`: the page, and the line of the fence. */
  readonly place: string;
  readonly code: string;
  /** The lines it must print, one for each `// =>`. */
  readonly expected: readonly string[];
  /** How it ends: 0, or as it says with `// exits with 143`. */
  readonly exitCode: number;
}

const pages = ["*.md", "docs/**/*.md", "src/**/*.ts"];

/** The reference repeats the doc comments, and its signatures are no programs. */
const excluded = ["**/*.test.ts", "docs/reference/**"];

/** All fences that start with exactly ```` ```ts ````. Another word after it (`ts fragment`) leaves a fence alone. */
export async function findSnippets(): Promise<Snippet[]> {
  const files = await Array.fromAsync(glob(pages, { cwd: root, exclude: excluded }));
  const found = await Promise.all(files.toSorted().map(snippetsOf));
  return found.flat();
}

async function snippetsOf(file: string): Promise<Snippet[]> {
  const text = await readFile(join(root, file), "utf8");
  const prefix = file.endsWith(".ts") ? String.raw`\s*\*` : "";
  const fence = new RegExp(String.raw`^(${prefix}[ ]*)${"```"}ts\n([^]*?)^\1${"```"}$`, "gm");
  return [...text.matchAll(fence)].map((match) => {
    const indent = match[1] ?? "";
    const lines = (match[2] ?? "")
      .split("\n")
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : ""));
    const line = text.slice(0, match.index).split("\n").length;
    const expected = lines.flatMap((each) => /\/\/ => (.*)$/.exec(each)?.[1] ?? []);
    const exitCode = Number(/\/\/ exits with (\d+)$/m.exec(match[2] ?? "")?.[1] ?? 0);
    return { place: `${file}:${line}`, code: lines.join("\n"), expected, exitCode };
  });
}
