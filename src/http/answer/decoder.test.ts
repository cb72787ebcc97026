import { createCipheriv } from "node:crypto";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Coding } from "./content-codings.ts";
import { Decoder, type DecoderOwner } from "./decoder.ts";

const forms = ["gzip", "deflate", "raw deflate", "br", "zstd"] as const;
type Form = (typeof forms)[number];

const compress: Record<Form, (bytes: Uint8Array) => Buffer> = {
  gzip: gzipSync,
  deflate: deflateSync,
  "raw deflate": deflateRawSync,
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync,
};

const codingOf = (form: Form): Coding => (form === "raw deflate" ? "deflate" : form);

/** Takes all there is, as fast as it comes. */
class Sink implements DecoderOwner {
  readonly method = "GET";
  readonly url = "http://example.test/";
  readonly chunks: Buffer[] = [];
  /** The wire is made to wait. */
  isFull = false;
  readonly #outcome = Promise.withResolvers<Buffer>();
  readonly outcome = this.#outcome.promise;

  constructor() {
    this.outcome.catch(() => {});
  }

  decoded(chunk: Buffer): void {
    this.chunks.push(chunk);
  }
  decodedAll(): void {
    this.#outcome.resolve(Buffer.concat(this.chunks));
  }
  decodingFailed(error: Error): void {
    this.#outcome.reject(error);
  }
  pauseWire(): void {
    this.isFull = true;
  }
  resumeWire(): void {
    this.isFull = false;
  }
}

interface Arrival {
  /** Lengths of the pieces; what is left comes in one. */
  readonly cuts: readonly number[];
  /** Whether time passes between them. */
  readonly isSlow: boolean;
  readonly isAtOnce: boolean;
}

async function decode(codings: readonly Coding[], bytes: Buffer, how: Arrival, maxBytes = Infinity): Promise<Buffer> {
  const sink = new Sink();
  const decoder = new Decoder(codings, sink, { maxBytes, isAtOnce: how.isAtOnce });
  let at = 0;
  for (const cut of [...how.cuts, Infinity]) {
    if (at < bytes.length) decoder.push(bytes.subarray(at, Math.min(bytes.length, at + cut)));
    at += cut;
    if (how.isSlow) await turn();
  }
  decoder.end();
  return await sink.outcome;
}

/** A turn of the loop, in which work of other threads may come back. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Bytes that cannot be compressed. */
function noise(length: number): Buffer {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

const anyArrival = fc.record({
  cuts: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
  isSlow: fc.boolean(),
  isAtOnce: fc.boolean(),
});

/** Some that can be compressed, some that cannot, some that are long. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.nat(20_000)).map(([text, n]) => Buffer.from(text.repeat(n))),
);

test("whatever was compressed comes out again, in how many codings and pieces ever it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBytes,
      fc.array(fc.constantFrom(...forms), { minLength: 1, maxLength: 4 }),
      anyArrival,
      async (bytes, used, how) => {
        const packed = used.reduce<Uint8Array>((inner, form) => compress[form](inner), bytes);
        const decoded = await decode(used.toReversed().map(codingOf), Buffer.from(packed), how);
        expect(decoded.equals(bytes)).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
});

test("a body that was cut off anywhere is an error", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBytes,
      fc.constantFrom(...forms),
      fc.double({ min: 0, max: 1, noNaN: true }),
      anyArrival,
      async (bytes, form, where, how) => {
        // One byte is all there is of nothing.
        fc.pre(bytes.length > 0);
        const packed = compress[form](bytes);
        const kept = packed.subarray(0, Math.max(1, Math.floor((packed.length - 1) * where)));
        await expect(decode([codingOf(form)], kept, how)).rejects.toMatchObject({
          code: "HTTP_CONTENT_ENCODING",
          cause: { code: "Z_BUF_ERROR" },
        });
      },
    ),
    { numRuns: 150 },
  );
});

test("whatever comes instead ends, with bytes or with an error that says what it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.array(fc.constantFrom<Coding>("gzip", "deflate", "br", "zstd"), { minLength: 1, maxLength: 3 }),
      anyArrival,
      async (bytes, codings, how) => {
        const outcome = await decode(codings, Buffer.from(bytes), how).catch((error: unknown) => error);
        expect(outcome instanceof Buffer || (outcome as { code?: string }).code === "HTTP_CONTENT_ENCODING").toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test("members of gzip and frames of zstd are read one after the other, wherever they meet", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyBytes, { minLength: 2, maxLength: 5 }),
      fc.constantFrom<"gzip" | "zstd">("gzip", "zstd"),
      anyArrival,
      async (parts, form, how) => {
        const packed = Buffer.concat(parts.map((part) => compress[form](part)));
        expect((await decode([form], packed, how)).equals(Buffer.concat(parts))).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

const arrivals: readonly Arrival[] = [
  { cuts: [], isSlow: false, isAtOnce: true },
  { cuts: [], isSlow: true, isAtOnce: false },
  { cuts: [1, 1, 1, 1], isSlow: true, isAtOnce: false },
];

test.each(forms)("what follows the end of %s is an error, however it comes", async (form) => {
  const packed = compress[form](Buffer.from("hello ".repeat(100)));
  const apart = { cuts: [packed.length, 3], isSlow: true, isAtOnce: false };
  for (const how of [...arrivals, apart]) {
    for (const more of ["\n", "garbage that is longer"]) {
      const whole = Buffer.concat([packed, Buffer.from(more)]);
      await expect(decode([codingOf(form)], whole, how)).rejects.toMatchObject({ code: "HTTP_CONTENT_ENCODING" });
    }
  }
});

test("zeros may follow gzip", async () => {
  const packed = gzipSync("hello");
  const whole = Buffer.concat([packed, Buffer.alloc(40_000)]);
  for (const how of [...arrivals, { cuts: [packed.length, 7], isSlow: true, isAtOnce: false }]) {
    expect((await decode(["gzip"], whole, how)).toString()).toBe("hello");
  }
});

test("zstd that asks for more memory than the standard allows is refused", async () => {
  const params = { [constants.ZSTD_c_windowLog]: 25 };
  const packed = zstdCompressSync(Buffer.alloc(40_000_000, "abc"), { params });
  for (const how of arrivals) {
    await expect(decode(["zstd"], packed, how)).rejects.toMatchObject({
      code: "HTTP_CONTENT_ENCODING",
      cause: { code: "ZSTD_error_frameParameter_windowTooLarge" },
    });
  }
});

test("a body may be exactly as long as allowed, and no longer", async () => {
  const packed = gzipSync(Buffer.alloc(300_000));
  for (const how of arrivals) {
    expect((await decode(["gzip"], packed, how, 300_000)).length).toBe(300_000);
    const tooLong = decode(["gzip"], packed, how, 299_999);
    await expect(tooLong).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE", maxBytes: 299_999 });
    await expect(decode(["gzip"], packed, how, 0)).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
  }
});

test("while nobody takes what comes out, no more is wanted, and later all of it comes", async () => {
  const bytes = noise(1_000_000);
  const packed = compress.gzip(compress.zstd(bytes));
  const sink = new Sink();
  const decoder = new Decoder(["gzip", "zstd"], sink, { maxBytes: Infinity, isAtOnce: false });
  let at = 0;
  const pushOn = (): void => {
    for (; at < packed.length && !sink.isFull; at += 10_000) decoder.push(packed.subarray(at, at + 10_000));
  };
  decoder.push(packed.subarray(0, (at = 40_000)));
  decoder.pause();
  pushOn();
  for (let i = 0; i < 50; i++) await turn();
  const pushedWhilePaused = at;
  expect(pushedWhilePaused).toBeLessThan(packed.length - 100_000);
  decoder.resume();
  for (; at < packed.length; await turn()) pushOn();
  decoder.end();
  expect((await sink.outcome).equals(bytes)).toBe(true);
});

test("however its reader stops and goes on, all of a long body comes, and the wire is never left waiting", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(300_000),
      fc.array(fc.constantFrom(...forms), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1_000, max: 70_000 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (length, used, step, stops, isPadded) => {
        const bytes = noise(length);
        let packed = used.reduce<Uint8Array>((inner, form) => compress[form](inner), bytes);
        if (isPadded && used.at(-1) === "gzip") packed = Buffer.concat([packed, Buffer.alloc(300_000)]);
        const sink = new Sink();
        const decoder = new Decoder(used.toReversed().map(codingOf), sink, { maxBytes: Infinity, isAtOnce: false });
        for (let at = 0, turns = 0; at < packed.length; turns++) {
          for (; at < packed.length && !sink.isFull; at += step)
            decoder.push(Buffer.from(packed).subarray(at, at + step));
          decoder.pause();
          for (let i = 0; i < stops[turns % stops.length]!; i++) await turn();
          decoder.resume();
          await turn();
        }
        decoder.end();
        expect((await sink.outcome).equals(bytes)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test("a decoder that is given up tells nothing more", async () => {
  const packed = gzipSync(Buffer.alloc(10_000_000));
  for (const pushed of [packed, packed.subarray(0, 100)]) {
    const sink = new Sink();
    const decoder = new Decoder(["gzip"], sink, { maxBytes: Infinity, isAtOnce: false });
    decoder.push(pushed);
    await Promise.resolve();
    decoder.destroy();
    decoder.push(packed);
    decoder.end();
    for (let i = 0; i < 20; i++) await turn();
    expect(sink.chunks).toEqual([]);
  }
});
