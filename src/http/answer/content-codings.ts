/** The codings of Content-Encoding that can be undone. */
import type { BrotliOptions, ZlibOptions, ZstdOptions } from "node:zlib";
import type * as Zlib from "node:zlib";
import type { WireHeaders } from "../undici.ts";

/** What a body may be compressed as. */
export type Coding = "gzip" | "deflate" | "br" | "zstd";

/** What is asked for where answers are decompressed. */
export const acceptEncoding = "gzip, deflate, br, zstd";

/** More than anybody has a use for: each takes memory, and multiplies what a few bytes can become. */
export const mostCodings = 5;

const codings: Readonly<Record<string, Coding>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "br",
  zstd: "zstd",
};

/**
 * How a body is compressed, in the order in which that is undone. Empty if it is not, or not only by codings that are
 * known: then it is left as it is, as the Fetch Standard says.
 */
export function codingsOf(headers: WireHeaders): readonly Coding[] {
  const found: Coding[] = [];
  for (const text of String(headers["content-encoding"] ?? "").split(",")) {
    const name = text.trim().toLowerCase();
    if (name === "" || name === "identity") continue;
    const coding = codings[name];
    if (coding === undefined) return [];
    found.unshift(coding);
  }
  return found;
}

/** A stream of zlib that undoes one coding. */
export type Decompressor = Zlib.Gunzip | Zlib.Inflate | Zlib.InflateRaw | Zlib.BrotliDecompress | Zlib.ZstdDecompress;

/** Loaded when the first compressed body comes. */
let zlib: typeof Zlib | undefined;

function load(): typeof Zlib {
  return (zlib ??= process.getBuiltinModule("node:zlib"));
}

/** What RFC 9659 allows, as a power of two: 8 MB. Otherwise a few bytes could make zstd take 128 MB. */
const zstdWindow = 23;

function zstdOptions({ constants }: typeof Zlib): ZstdOptions {
  return { params: { [constants.ZSTD_d_windowLogMax]: zstdWindow } };
}

/** What comes out of zlib at once. Of its default, a quarter of this, each MB takes a quarter more time. */
const chunkSize = 64 * 1024;

/** @param first - the first bytes of the body, one at least */
export function openDecompressor(coding: Coding, first: Uint8Array): Decompressor {
  const { createGunzip, createInflate, createInflateRaw, createBrotliDecompress, createZstdDecompress } = load();
  switch (coding) {
    case "gzip":
      return createGunzip({ chunkSize });
    case "deflate":
      return hasZlibHeader(first) ? createInflate({ chunkSize }) : createInflateRaw({ chunkSize });
    case "br":
      return createBrotliDecompress({ chunkSize });
    case "zstd":
      return createZstdDecompress({ ...zstdOptions(load()), chunkSize });
    default:
      return coding satisfies never;
  }
}

/** What was decompressed at once, and how many bytes that took. */
export interface Decompressed {
  readonly bytes: Buffer;
  readonly usedBytes: number;
}

/**
 * Decompresses a whole body without leaving the thread.
 *
 * @returns undefined if it becomes more than `maxBytes`
 * @throws an error of zlib: it is broken
 */
export function decompress(coding: Coding, bytes: Uint8Array, maxBytes: number): Decompressed | undefined {
  try {
    const options = { chunkSize: likelyBytes(bytes), maxOutputLength: maxBytes, info: true };
    return withInfo(decompressSync(coding, bytes, options));
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}

/** What a short body mostly fits in: to allocate much more than that takes as long as to decompress it. */
function likelyBytes(bytes: Uint8Array): number {
  return Math.min(Math.max(8 * bytes.length, 1_024), chunkSize);
}

function decompressSync(
  coding: Coding,
  bytes: Uint8Array,
  options: ZlibOptions & BrotliOptions & ZstdOptions,
): unknown {
  const { gunzipSync, inflateSync, inflateRawSync, brotliDecompressSync, zstdDecompressSync } = load();
  switch (coding) {
    case "gzip":
      return gunzipSync(bytes, options);
    case "deflate":
      return hasZlibHeader(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options);
    case "br":
      return brotliDecompressSync(bytes, options);
    case "zstd":
      return zstdDecompressSync(bytes, { ...options, ...zstdOptions(load()) });
    default:
      return coding satisfies never;
  }
}

/** The types of Node do not know the option `info`. */
function withInfo(result: unknown): Decompressed {
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } };
  return { bytes: buffer, usedBytes: engine.bytesWritten };
}

/** What was meant by `deflate` was zlib, and what many servers sent was deflate as such. A method of 8 tells. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  return (bytes[0]! & 0x0f) === 8;
}
