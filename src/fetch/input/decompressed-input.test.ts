import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ByteInput } from "./byte-input.ts";
import { decompressed } from "./decompressed-input.ts";

/** An input that gives `chunks`, each in a buffer that the next one overwrites, as files do. */
class Chunks implements ByteInput {
  readonly size = undefined;
  readonly compression = undefined;
  storedBytes = 0;
  isClosed = false;
  readonly #chunks: Buffer[];
  readonly #shared: Buffer;

  constructor(chunks: readonly Buffer[]) {
    this.#chunks = chunks.filter((chunk) => chunk.length > 0);
    this.#shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  }

  async read(): Promise<Buffer | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.storedBytes += chunk.length;
    this.#shared.fill(0xff);
    chunk.copy(this.#shared);
    return this.#shared.subarray(0, chunk.length);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

async function readAll(input: ByteInput): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

function pieces(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

const lines = Buffer.from("https://example.com/item\n".repeat(20_000));
const compress = { gzip: gzipSync, zstd: zstdCompressSync };
const kinds = ["gzip", "zstd"] as const;

describe("an input that may be compressed", () => {
  test("is given as it is if it is not, whatever it begins with and however it comes", async () => {
    const starts = fc.constantFrom("", "\u001f", "\u001fx", "(", "(\u00b5", "(x", "http://a/");
    await fc.assert(
      fc.asyncProperty(starts, fc.uint8Array(), fc.integer({ min: 1, max: 9 }), async (start, rest, length) => {
        const bytes = Buffer.concat([Buffer.from(start, "latin1"), rest]);
        fc.pre(!kinds.some((kind) => bytes.subarray(0, 2).equals(compress[kind]("").subarray(0, 2))));
        const input = decompressed(new Chunks(pieces(bytes, length)));
        expect(await readAll(input)).toEqual(bytes);
        expect(input.compression).toBeUndefined();
        expect(input.storedBytes).toBe(bytes.length);
      }),
    );
  });

  test.each(kinds)("is decompressed if it is %s, by its first bytes, however they come", async (kind) => {
    const bytes = compress[kind](lines);
    for (const length of [1, 2, 3, 1_000, bytes.length]) {
      const input = decompressed(new Chunks(pieces(bytes, length)));
      expect((await readAll(input)).equals(lines)).toBe(true);
      expect(input.compression).toBe(kind);
      expect(input.storedBytes).toBe(bytes.length);
    }
  });

  test.each(kinds)("is read to its end if it was put together of several files: %s", async (kind) => {
    const bytes = Buffer.concat([compress[kind]("a\n"), compress[kind](lines), compress[kind]("b\n")]);
    const expected = Buffer.concat([Buffer.from("a\n"), lines, Buffer.from("b\n")]);
    for (const length of [1, 7, bytes.length]) {
      expect((await readAll(decompressed(new Chunks(pieces(bytes, length))))).equals(expected)).toBe(true);
    }
  });

  test("may have zeros after its end if it is gzip, but nothing after those", async () => {
    const padded = Buffer.concat([gzipSync(lines), Buffer.alloc(40)]);
    const more = Buffer.concat([padded, gzipSync("lost")]);
    for (const length of [1, 7, 40, padded.length - 40, padded.length, more.length]) {
      expect((await readAll(decompressed(new Chunks(pieces(padded, length))))).equals(lines)).toBe(true);
      await expect(readAll(decompressed(new Chunks(pieces(more, length))))).rejects.toThrow("more follows");
    }
  });

  test.each(kinds)("fails if it was cut off, or is damaged: %s", async (kind) => {
    const bytes = compress[kind](lines);
    await expect(readAll(decompressed(new Chunks([bytes.subarray(0, -3)])))).rejects.toThrow(/./);
    const damaged = Buffer.from(bytes);
    damaged.fill(0x55, 12, 40);
    await expect(readAll(decompressed(new Chunks([damaged])))).rejects.toThrow(/./);
  });

  test("reads ahead no more than the buffers of a stream, and is closed with what it reads", async () => {
    const bytes = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 1 });
    const source = new Chunks(pieces(bytes, 1_024));
    const input = decompressed(source);
    await input.read();
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
    expect(source.storedBytes).toBeLessThan(bytes.length / 2);
    await input.close();
    expect(source.isClosed).toBe(true);
    expect(await input.read()).toBeUndefined();
  });
});
