import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { matchesGlob } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, isCancelled, run } from "../core/index.ts";
import { type GlobOptions, type TempFolder, glob, openTempFolder } from "./index.ts";

function make(folder: TempFolder, ...files: string[]): void {
  for (const file of files) {
    mkdirSync(folder.at(file, ".."), { recursive: true });
    writeFileSync(folder.at(file), "");
  }
}

async function find(pattern: string | readonly string[], options: GlobOptions): Promise<string> {
  return (await Array.fromAsync(glob(pattern, options))).toSorted().join(" ");
}

describe("a pattern", () => {
  test.each([
    ["*.ts", "a.ts"],
    ["**/*.ts", "a.ts src/b.ts src/deep/c.ts"],
    ["src/**/*.{ts,js}", "src/b.ts src/d.js src/deep/c.ts"],
    ["{src/deep,lib}/*.?s", "lib/e.js src/deep/c.ts"],
    ["{src/{deep/c,b},a}.ts", "a.ts src/b.ts src/deep/c.ts"],
    ["src", "src"],
    ["src/", "src"],
    ["a.ts/", ""],
    ["*/", "lib src"],
    ["./lib/../lib/./e.js", "lib/e.js"],
    ["**", ". a.ts lib lib/e.js lib/link src src/b.ts src/d.js src/deep src/deep/c.ts"],
    ["lib/**", "lib lib/e.js lib/link"],
    ["*/link", "lib/link"],
    ["*/*/deep/*", ""],
    ["*/link/deep/*", "lib/link/deep/c.ts"],
    [".*", ".dot .hidden"],
    ["**/.hidden/*", ".hidden/f.ts"],
    ["src/[!b].*", "src/d.js"],
    ["!(src|lib)", "a.ts"],
    ["none/**", ""],
    ["none", ""],
    ["a.ts/*", ""],
    ["{src", ""],
  ])("%s", (pattern, found) =>
    run(async () => {
      await using folder = await openTempFolder();
      make(folder, "a.ts", "src/b.ts", "src/d.js", "src/deep/c.ts", "lib/e.js", ".hidden/f.ts", ".dot");
      symlinkSync("../src", folder.at("lib/link"));
      expect(await find(pattern, { cwd: folder.path })).toBe(found);
      const absolute = found.split(" ").map((path) => (path === "" ? "" : folder.at(path)));
      expect(await find(`${folder.path}/${pattern}`, {})).toBe(absolute.toSorted().join(" "));
    }),
  );

  test("may be one of several, whose paths come once", () =>
    run(async () => {
      await using folder = await openTempFolder();
      make(folder, "a/x.ts", "a/y.js", "a/b/z.ts", "w.ts");
      const cwd = folder.path;
      expect(await find(["*.ts", "a/*", "a/x.ts", "**/x.*", "./w.ts"], { cwd })).toBe("a/b a/x.ts a/y.js w.ts");
      expect(await find(["**", "**/*", "a/**"], { cwd })).toBe(". a a/b a/b/z.ts a/x.ts a/y.js w.ts");
      expect(await find([], { cwd })).toBe("");
    }));

  test("of what is left out keeps out all below, too", () =>
    run(async () => {
      await using folder = await openTempFolder();
      make(folder, "a/x.ts", "a/b/z.ts", "node_modules/c.ts", "d/node_modules/c.ts", "w.ts");
      const cwd = folder.path;
      expect(await find("**/*.ts", { cwd, exclude: ["**/node_modules"] })).toBe("a/b/z.ts a/x.ts w.ts");
      expect(await find(["*/*", "a/b/z.ts"], { cwd, exclude: ["a", "d/*"] })).toBe("node_modules/c.ts");
    }));

  test("matches what `matchesGlob` says, in any folders", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const names = fc.constantFrom("a", "b", "ab", "c.ts", ".h", "new\nline");
      const paths = fc.array(fc.array(names, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
      const parts = fc.constantFrom("*", "**", "a", "?", "[ab]", "{a,b}", "{a,b/c.ts}", "+(a|b)", ".*", "*.ts", "a*");
      const last = fc.constantFrom("*", "?", "{a,c}*", "*.ts", "*b", ".*");
      let tree = 0;
      await fc.assert(
        fc.asyncProperty(paths, fc.array(parts, { maxLength: 3 }), last, async (files, before, end) => {
          const cwd = folder.at(`${++tree}`);
          mkdirSync(cwd);
          for (const file of files) mkdirSync([cwd, ...file].join("/"), { recursive: true });
          const pattern = [...before, end].join("/");
          const all = (readdirSync(cwd, { recursive: true }) as string[]).filter((path) => matchesGlob(path, pattern));
          expect(await find(pattern, { cwd })).toBe(all.toSorted().join(" "));
        }),
        { numRuns: 300 },
      );
    }));

  test("that is no text is refused", () =>
    run(async () => {
      await expect(find(3 as unknown as string, {})).rejects.toThrow("Expected `pattern` to be text");
      await expect(find([3] as unknown as string[], {})).rejects.toThrow("Expected `pattern` to be text");
    }));
});

describe("looking for what is not there", () => {
  test("stops when it is cancelled", () =>
    run(async () => {
      await using folder = await openTempFolder();
      make(folder, `${"deep/".repeat(300)}file`);
      for (const options of [{}, { exclude: ["x"] }]) {
        let error: unknown;
        await cancelScope(async (scope) => {
          const next = glob("**/none", { cwd: folder.path, ...options }).next();
          await checkpoint();
          scope.cancel();
          error = await next.catch((thrown: unknown) => thrown);
        });
        expect(isCancelled(error)).toBe(true);
      }
    }));
});
