import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, run, taskGroup } from "../../core/index.ts";
import {
  CorruptFileError,
  type TempFolder,
  openTempFolder,
  readBytes,
  readChunks,
  readLines,
  readText,
  write,
} from "../index.ts";

const pack = { gz: gzipSync, zst: zstdCompressSync };
const kinds = ["gz", "zst"] as const;
type Kind = (typeof kinds)[number];

/** A frame of zstd that tools put their own things into, and readers pass over. */
function skippable(content: Uint8Array): Buffer {
  const header = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

async function unpack(folder: TempFolder, kind: Kind, packed: Uint8Array, chunkBytes?: number): Promise<string> {
  const path = folder.at(`file.${kind}`);
  writeFileSync(path, packed);
  const chunks = await Array.fromAsync(readChunks(path, chunkBytes === undefined ? {} : { chunkBytes }));
  return Buffer.concat(chunks).toString();
}

describe.each(kinds)("a file of several parts, .%s", (kind) => {
  const parts = ["first\n", "", "second ".repeat(30), "third\n"];
  const packed = Buffer.concat(parts.map((part) => pack[kind](part)));

  test("is read to its end, wherever the chunks are cut", () =>
    run(async () => {
      await using folder = await openTempFolder();
      for (let chunkBytes = 1; chunkBytes <= packed.length; chunkBytes++) {
        expect(await unpack(folder, kind, packed, chunkBytes)).toBe(parts.join(""));
      }
    }));

  test("may have long ones and short ones", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const long = "x".repeat(1_000_000);
      const text = await unpack(folder, kind, Buffer.concat(["ab\n", long, "cd\n"].map((part) => pack[kind](part))));
      expect(text.length).toBe(1_000_006);
      expect(text.endsWith("xcd\n")).toBe(true);
    }));

  test("whatever they hold, and however it is read", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 12 }),
          fc.integer({ min: 1, max: 300 }),
          async (texts, chunkBytes) => {
            const all = Buffer.concat(texts.map((text) => pack[kind](text)));
            expect(await unpack(folder, kind, all, chunkBytes)).toBe(texts.join(""));
          },
        ),
        { numRuns: 60 },
      );
    }));

  test("is an error if the last is cut off, after what was whole", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at(`file.${kind}`);
      const whole = packed.length - pack[kind]("third\n").length;
      // Of less than four bytes Node 26 does not say that they are the beginning of a frame.
      for (let bytes = whole + 4; bytes < packed.length; bytes++) {
        writeFileSync(path, packed.subarray(0, bytes));
        for (const chunkBytes of [1, whole, bytes]) {
          await expect(Array.fromAsync(readChunks(path, { chunkBytes }))).rejects.toThrow(CorruptFileError);
        }
      }
      writeFileSync(path, packed.subarray(0, -2));
      const read: string[] = [];
      const readAll = async (): Promise<void> => {
        for await (const line of readLines(path, { chunkBytes: 1 })) read.push(line);
      };
      await expect(readAll()).rejects.toMatchObject({ code: "FILE_CORRUPT", path });
      expect(read[0]).toBe("first");
    }));

  test("is an error if something else follows, wherever the chunks are cut", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at(`file.${kind}`);
      for (const rest of ["something else", "x", "\u0000\u0000x"]) {
        writeFileSync(path, Buffer.concat([packed, Buffer.from(rest)]));
        for (const chunkBytes of [1, packed.length, packed.length + 1, 1_000]) {
          await expect(Array.fromAsync(readChunks(path, { chunkBytes }))).rejects.toThrow(CorruptFileError);
        }
      }
    }));

  test("is read no further once that is cancelled", () =>
    run(async () => {
      await using folder = await openTempFolder();
      writeFileSync(folder.at(`file.${kind}`), packed);
      let chunks = 0;
      await cancelScope(async (scope) => {
        for await (const _ of readChunks(folder.at(`file.${kind}`), { chunkBytes: 8 })) {
          chunks++;
          scope.cancel();
        }
      });
      expect(chunks).toBe(1);
    }));

  test("leaves nothing behind where it is cancelled, read or written", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => {
      if (warning.name === "TaskwrightWarning") warnings.push(warning);
    };
    process.on("warning", note);
    for (let turns = 0; turns < 25; turns++) {
      for (const bytes of [1_000, 1_000_000]) {
        await run(async () => {
          await using folder = await openTempFolder();
          writeFileSync(folder.at(`in.${kind}`), pack[kind](randomBytes(bytes)));
          await cancelScope(async (scope) => {
            await taskGroup((group) => {
              group.spawn(() => readBytes(folder.at(`in.${kind}`)));
              group.spawn(() => write(folder.at(`out.${kind}`), randomBytes(bytes)));
              group.spawn(async () => {
                for (let turn = 0; turn < turns; turn++) await checkpoint();
                scope.cancel();
              });
            });
          });
        });
      }
    }
    await setImmediate();
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("packed files", () => {
  test("of zstd may have frames to be passed over, anywhere", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const frame = zstdCompressSync("text");
      const note = skippable(Buffer.from("a note"));
      const packed = Buffer.concat([note, note, frame, note, frame, skippable(Buffer.alloc(0))]);
      for (let chunkBytes = 1; chunkBytes <= packed.length; chunkBytes++) {
        expect(await unpack(folder, "zst", packed, chunkBytes)).toBe("texttext");
      }
      expect(await unpack(folder, "zst", note)).toBe("");
    }));

  test("of gzip may end with zeros, but nothing may come after those", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const member = gzipSync("text");
      const padded = Buffer.concat([member, member, Buffer.alloc(50)]);
      const more = Buffer.concat([padded, member]);
      for (let chunkBytes = 1; chunkBytes <= more.length; chunkBytes++) {
        expect(await unpack(folder, "gz", padded, chunkBytes)).toBe("texttext");
        await expect(unpack(folder, "gz", more, chunkBytes)).rejects.toThrow("more follows the end");
      }
    }));

  test("are errors if they are empty, or not packed at all", () =>
    run(async () => {
      await using folder = await openTempFolder();
      for (const kind of kinds) {
        await expect(unpack(folder, kind, Buffer.alloc(0))).rejects.toThrow(CorruptFileError);
        writeFileSync(folder.at(`plain.${kind}`), "plain text");
        const reading = readText(folder.at(`plain.${kind}`));
        await expect(reading).rejects.toThrow(`\`${folder.at(`plain.${kind}`)}\` cannot be unpacked: `);
      }
    }));
});
