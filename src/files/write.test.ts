import { execFileSync, spawn as spawnProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, run, taskGroup } from "../core/index.ts";
import { type Content, jsonLines, openTempFolder, readText, write, writeAtomic } from "./index.ts";

async function* slowly(...pieces: string[]): AsyncGenerator<string, void, void> {
  for (const piece of pieces) {
    await checkpoint();
    yield piece;
  }
}

async function* failing(): AsyncGenerator<string, void, void> {
  yield "begun";
  await checkpoint();
  throw new Error("the source failed");
}

const writers = [
  ["write", write],
  ["writeAtomic", writeAtomic],
] as const;

describe.each(writers)("%s", (_name, put) => {
  test("takes text, bytes and iterables of both", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("file");
      const contents: [Content, string][] = [
        ["é", "é"],
        ["", ""],
        [new Uint8Array([65, 66]), "AB"],
        [["a", new Uint8Array([66])], "aB"],
        [slowly("one ", "two"), "one two"],
        [jsonLines([{ a: 1 }, [2]]), '{"a":1}\n[2]\n'],
      ];
      for (const [content, text] of contents) {
        await put(path, content);
        expect(readFileSync(path, "utf8")).toBe(text);
      }
      const large = "0123456789".repeat(100_000);
      await put(path, [large, large]);
      expect(readFileSync(path, "utf8")).toBe(large + large);
    }));

  test("replaces all of what was longer, and gives a new file the mode asked for", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("file"), "something longer");
      await put(folder.at("file"), "short");
      await put(folder.at("new"), "secret", { mode: 0o600 });
      expect(readFileSync(folder.at("file"), "utf8")).toBe("short");
      expect((statSync(folder.at("new")).mode & 0o777).toString(8)).toBe("600");
    }));

  test("packs what is called .gz or .zst", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await put(folder.at("a.gz"), slowly("some ", "text"));
      await put(folder.at("a.zst"), "some text");
      await put(folder.at("b.gz"), "some text", { compression: "none" });
      expect(gunzipSync(readFileSync(folder.at("a.gz"))).toString()).toBe("some text");
      expect(zstdDecompressSync(readFileSync(folder.at("a.zst"))).toString()).toBe("some text");
      expect(readFileSync(folder.at("b.gz"), "utf8")).toBe("some text");
    }));

  test.each([".gz", ".zst"])("packs so that any damage is found when it is read: %s", (ending) =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at(`file${ending}`);
      const text = Array.from({ length: 300 }, (_, index) => `line ${(index * 7_919) % 1_000}\n`).join("");
      await put(path, text);
      const packed = readFileSync(path);
      for (let at = 0; at < packed.length; at++) {
        const damaged = Buffer.from(packed);
        damaged[at]! ^= 0x55;
        writeFileSync(path, damaged);
        // Some bytes tell nothing of the content: when it was packed, and on what.
        const read = await readText(path).catch((error: unknown) => (error as { code: string }).code);
        expect(["FILE_CORRUPT", text]).toContain(read);
      }
    }),
  );

  test("lets others run, also where the content never waits and takes long to make", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await taskGroup(async (group) => {
        let hasRun = false;
        function* pieces(): Generator<string, void, void> {
          group.spawn(async () => {
            await checkpoint();
            hasRun = true;
          });
          for (let n = 0; n < 1_000 && !hasRun; n++) {
            const startedMs = performance.now();
            while (performance.now() - startedMs < 2);
            yield "x";
          }
        }
        await put(folder.at("file"), pieces());
      });
      expect(readFileSync(folder.at("file"), "utf8").length).toBeLessThan(1_000);
    }));

  test("refuses what is no content before it touches the file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("file"), "before");
      await expect(put(folder.at("file"), 7 as never)).rejects.toThrow("Expected `content` to be text, bytes");
      await expect(put(folder.at("file"), "x", { compression: "br" as never })).rejects.toThrow(TypeError);
      expect(readFileSync(folder.at("file"), "utf8")).toBe("before");
      await expect(put(folder.at("none/file"), "x")).rejects.toMatchObject({ code: "ENOENT" });
    }));
});

describe("writeAtomic", () => {
  test("leaves the file as it was, and nothing beside it, if the content fails or is cancelled", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("file");
      writeFileSync(path, "before");
      await expect(writeAtomic(path, failing())).rejects.toThrow("the source failed");
      await cancelScope(async (scope) => {
        await writeAtomic(
          path,
          (async function* () {
            yield "x".repeat(300_000);
            scope.cancel();
            yield "more";
          })(),
        );
      });
      expect(readFileSync(path, "utf8")).toBe("before");
      expect(readdirSync(folder.path)).toEqual(["file"]);
    }));

  test("keeps the mode of the file, and takes one for a new file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("old"), "");
      chmodSync(folder.at("old"), 0o622);
      await writeAtomic(folder.at("old"), "new", { mode: 0o600 });
      await writeAtomic(folder.at("new"), "new", { mode: 0o600 });
      expect((statSync(folder.at("old")).mode & 0o777).toString(8)).toBe("622");
      expect((statSync(folder.at("new")).mode & 0o777).toString(8)).toBe("600");
    }));

  test("replaces what a link leads to, and leaves the link", () =>
    run(async () => {
      await using folder = await openTempFolder();
      mkdirSync(folder.at("elsewhere"));
      writeFileSync(folder.at("elsewhere", "file"), "before");
      symlinkSync("elsewhere/file", folder.at("link"));
      await writeAtomic(folder.at("link"), "after");
      expect(readlinkSync(folder.at("link"))).toBe("elsewhere/file");
      expect(readFileSync(folder.at("elsewhere", "file"), "utf8")).toBe("after");
    }));

  test("replaces what is not there yet at the end of links, and leaves the links", () =>
    run(async () => {
      await using folder = await openTempFolder();
      mkdirSync(folder.at("elsewhere"));
      symlinkSync("elsewhere", folder.at("folder"));
      symlinkSync("folder/second", folder.at("first"));
      symlinkSync("../elsewhere/file", folder.at("elsewhere", "second"));
      await writeAtomic(folder.at("first"), "new");
      expect(readlinkSync(folder.at("first"))).toBe("folder/second");
      expect(readlinkSync(folder.at("elsewhere", "second"))).toBe("../elsewhere/file");
      expect(readFileSync(folder.at("elsewhere", "file"), "utf8")).toBe("new");
    }));

  test("keeps who owns the file, and whether it is run as its owner", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("file");
      writeFileSync(path, "before");
      // Only root may give files away.
      if (process.getuid!() === 0) chownSync(path, 1_234, 1_235);
      chmodSync(path, 0o4751);
      const before = statSync(path);
      await writeAtomic(path, "after");
      const after = statSync(path);
      expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);
      expect(after.ino).not.toBe(before.ino);
    }));

  test("does not take the place of what is no file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      execFileSync("mkfifo", [folder.at("pipe")]);
      mkdirSync(folder.at("folder"));
      await expect(writeAtomic(folder.at("pipe"), "x")).rejects.toThrow(/Expected a file at .*pipe`/);
      await expect(writeAtomic(folder.at("folder"), "x")).rejects.toMatchObject({ code: "EISDIR" });
      expect(statSync(folder.at("pipe")).isFIFO()).toBe(true);
      expect(readdirSync(folder.path)).toEqual(["folder", "pipe"]);
    }));

  test("takes names as long as the system does", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const name = "é".repeat(127);
      await writeAtomic(folder.at(name), "x");
      expect(readdirSync(folder.path)).toEqual([name]);
    }));

  test("takes more at once than the system does", () =>
    run(async () => {
      const bytes = new Uint8Array(2 ** 31 + 1);
      await write("/dev/null", bytes);
      await expect(write("/dev/null", [bytes])).resolves.toBeUndefined();
    }));

  test("a process that is killed while it writes leaves one whole content or the other", async () => {
    await run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("file");
      writeFileSync(path, "0".repeat(500_000));
      const program = `
        import { writeAtomic } from "taskwright/files";
        for (let n = 1; ; n++) {
          await writeAtomic(${JSON.stringify(path)}, String(n % 10).repeat(500_000));
          if (n === 1) process.stdout.write("begun");
        }`;
      for (let round = 0; round < 8; round++) {
        const flags = ["--conditions=taskwright-source", "--input-type=module", "-e", program];
        const child = spawnProcess(process.execPath, flags, {
          cwd: process.cwd(),
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(child.stdout, "data");
        for (let turn = 0; turn < round * 20; turn++) await checkpoint();
        child.kill("SIGKILL");
        await once(child, "exit");
        const text = readFileSync(path, "utf8");
        expect(text).toBe(text[0]!.repeat(500_000));
      }
    });
  });

  test("fails with the code of the system where the disk is full, and leaves the file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await expect(write("/dev/full", "x")).rejects.toMatchObject({ code: "ENOSPC" });
      expect(existsSync(folder.at("none"))).toBe(false);
    }));
});
