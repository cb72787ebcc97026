import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cancelScope, isCancelled, run, taskGroup } from "../core/index.ts";
import {
  FileLineTooLongError,
  JsonFileError,
  type ReadLinesOptions,
  type TempFolder,
  openTempFolder,
  readBytes,
  readChunks,
  readJson,
  readJsonLines,
  readLines,
  readText,
  write,
} from "./index.ts";

async function linesOf(path: string, options?: ReadLinesOptions): Promise<string[]> {
  return await Array.fromAsync(readLines(path, options));
}

async function readConfiguration(): Promise<unknown> {
  return await readJson("/no/such/file");
}

/** The files of this process that are open in a folder, or the folder itself. */
function openIn(folder: TempFolder): string[] {
  const links = execFileSync("ls", ["-l", `/proc/${process.pid}/fd`], { encoding: "utf8" }).split("\n");
  return links.filter((link) => link.includes(folder.path));
}

describe("reading", () => {
  test("gives a file as bytes, text or JSON", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("a.json"), '\ufeff{"é": [1]}');
      expect((await readBytes(folder.at("a.json"))).length).toBe(14);
      expect(await readText(folder.at("a.json"))).toBe('{"é": [1]}');
      expect(await readJson(folder.at("a.json"))).toEqual({ é: [1] });
    }));

  test.each(["gz", "zst"] as const)("unpacks what is called .%s, and takes it as it is if told so", (end) =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at(`text.${end}`);
      const packed = (end === "gz" ? gzipSync : zstdCompressSync)("x".repeat(3_000_000));
      writeFileSync(path, packed);
      expect((await readText(path)).length).toBe(3_000_000);
      expect((await readBytes(path, { compression: "none" })).equals(packed)).toBe(true);
      let most = 0;
      for await (const chunk of readChunks(path)) most = Math.max(most, chunk.length);
      expect(most).toBeLessThanOrEqual(256 * 1024);
    }),
  );

  test("says which packed file is broken, or cut off", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("broken.gz"), "no gzip");
      writeFileSync(folder.at("cut.gz"), gzipSync("text".repeat(1_000)).subarray(0, -10));
      await expect(readText(folder.at("broken.gz"))).rejects.toThrow("incorrect header check");
      await expect(readText(folder.at("cut.gz"))).rejects.toThrow("unexpected end of file");
    }));

  test("fails as the system does, with its code", () =>
    run(async () => {
      await expect(readText("/no/such/file")).rejects.toMatchObject({ code: "ENOENT", path: "/no/such/file" });
      await expect(linesOf("/no/such/file")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(readBytes("/")).rejects.toMatchObject({ code: "EISDIR" });
    }));

  test("says in its errors who has called", () =>
    run(async () => {
      const error: unknown = await readConfiguration().catch((thrown: unknown) => thrown);
      expect((error as Error).stack).toContain("readConfiguration");
    }));

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 500_000])("gives all of %d bytes, to keep", (size) =>
    run(async () => {
      await using folder = await openTempFolder();
      const [ones, twos] = [Buffer.alloc(size, "1"), Buffer.alloc(size, "2")];
      writeFileSync(folder.at("ones"), ones);
      writeFileSync(folder.at("twos"), twos);
      const first = await readBytes(folder.at("ones"));
      const second = await readBytes(folder.at("twos"));
      expect([first.equals(ones), second.equals(twos)]).toEqual([true, true]);
      // Nothing of other files is behind them.
      expect(first.buffer.byteLength).toBe(size);
      expect(await readText(folder.at("ones"))).toBe(ones.toString());
    }),
  );

  test("leaves no file open, whether it fails or not", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("file"), "text");
      await Promise.all(Array.from({ length: 50 }, () => readText(folder.at("file"))));
      const failing = [readText(folder.path), write(folder.path, "text"), readJson(folder.at("file"))];
      for (const { status } of await Promise.allSettled(failing)) expect(status).toBe("rejected");
      await cancelScope(async (scope) => {
        const reads = Array.from({ length: 50 }, () => readText(folder.at("file")));
        scope.cancel();
        await Promise.allSettled(reads);
      });
      expect(openIn(folder)).toEqual([]);
    }));

  test("tells wrong options at once", () => {
    expect(() => readLines("x", { maxLineBytes: 0 })).toThrow(RangeError);
    expect(() => readJsonLines("x", { maxLineBytes: 1.5 })).toThrow(RangeError);
  });

  test("does nothing where it is cancelled before", () =>
    run(async () => {
      const reads: Promise<unknown>[] = [];
      await cancelScope(async (scope) => {
        scope.cancel();
        reads.push(readText("/no/such/file"), linesOf("/no/such/file"));
        await Promise.allSettled(reads);
      });
      for (const result of await Promise.allSettled(reads)) {
        expect(result.status === "rejected" && isCancelled(result.reason)).toBe(true);
      }
    }));
});

describe("lines", () => {
  test("come without their ends, whatever the chunks", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("lines");
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", "\r", " ") })),
          fc.constantFrom("\n", "\r\n"),
          fc.integer({ min: 1, max: 9 }),
          async (lines, end, chunkBytes) => {
            const plain = lines.map((line) => line.replaceAll("\r", "") + ".");
            writeFileSync(path, plain.map((line) => line + end).join(""));
            expect(await linesOf(path, { chunkBytes })).toEqual(plain);
          },
        ),
        { numRuns: 60 },
      );
    }));

  test("the last may lack its end, and one that is too long is an error", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("lines"), "short\nrather long");
      expect(await linesOf(folder.at("lines"))).toEqual(["short", "rather long"]);
      await expect(linesOf(folder.at("lines"), { maxLineBytes: 8, chunkBytes: 4 })).rejects.toThrow(
        FileLineTooLongError,
      );
    }));

  test("of JSON become values; the first that is none is an error after those before it", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at("rows"), '{"a":1}\n\n[2]\nnull\nnone\n5\n');
      const values: unknown[] = [];
      const read = async (): Promise<void> => {
        for await (const value of readJsonLines(folder.at("rows"))) values.push(value);
      };
      const error: unknown = await read().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(JsonFileError);
      expect((error as JsonFileError).line).toBe(5);
      expect((error as Error).message).toContain("rows, line 5` is not JSON");
      expect(values).toEqual([{ a: 1 }, [2], null]);
    }));

  test("leaving the loop and cancelling close the file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("lines");
      writeFileSync(path, "line\n".repeat(100_000));
      const isOpen = (): boolean => openIn(folder).length > 0;
      let whileReading = false;
      for await (const line of readLines(path)) {
        whileReading = isOpen();
        expect(line).toBe("line");
        break;
      }
      expect([whileReading, isOpen()]).toEqual([true, false]);
      let count = 0;
      await cancelScope(async (scope) => {
        for await (const line of readLines(path)) {
          if (++count === 5) scope.cancel();
          expect(line).toBe("line");
        }
      });
      expect([count, isOpen()]).toEqual([5, false]);
    }));

  test("many files at once are read as the threads allow, all of them", () =>
    run(async () => {
      await using folder = await openTempFolder();
      for (let index = 0; index < 300; index++) writeFileSync(folder.at(`${index}`), `${index}`);
      const texts: string[] = [];
      await taskGroup((group) => {
        for (let index = 0; index < 300; index++) {
          group.spawn(async () => void texts.push(await readText(folder.at(`${index}`))));
        }
      });
      expect(texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(
        Array.from({ length: 300 }, (_, index) => `${index}`),
      );
    }));
});
