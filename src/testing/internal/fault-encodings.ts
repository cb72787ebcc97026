/** Compressed bodies: good ones, broken ones, and some that are far larger than they look. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { expectInteger } from "../../core/index.ts";
import { answer, makeFault } from "./fault-answers.ts";
import type { Fault } from "./fault-script.ts";

/** What a Content-Encoding may say. */
export type FaultEncoding = "gzip" | "deflate" | "br" | "zstd";

/** Faults of bodies that are compressed. */
export interface EncodingFaults {
  /** Answers with a compressed body, asked for or not. */
  encoded(encoding: FaultEncoding, body: string | Uint8Array): Fault;
  /** Says that the body is compressed. It is not. */
  badEncoding(encoding: FaultEncoding, body?: string | Uint8Array): Fault;
  /** Sends the first half of a compressed body, whole as far as HTTP can tell. */
  truncatedEncoding(encoding: FaultEncoding, body: string | Uint8Array): Fault;
  /** Sends a small body of zeros that become `bytes` when they are unpacked. */
  bomb(encoding: FaultEncoding, bytes: number): Fault;
}

export const encodingFaults: EncodingFaults = {
  encoded: (encoding, body) => encodedAs(`encoded ${encoding}`, encoding, compressors[encoding].compress(body)),
  badEncoding: (encoding, body = "this was never compressed") => encodedAs(`bad ${encoding}`, encoding, body),
  truncatedEncoding: (encoding, body) => {
    const whole = compressors[encoding].compress(body);
    return encodedAs(`truncated ${encoding}`, encoding, whole.subarray(0, whole.length >> 1));
  },
  bomb: (encoding, bytes) => {
    expectInteger("bytes", bytes, 0);
    return makeFault(`${encoding} bomb`, async (wire) => {
      await wire.head({
        headers: { "content-encoding": encoding, "transfer-encoding": "chunked" },
        framing: "chunked",
      });
      await pipeline(Readable.from(zeros(bytes)), compressors[encoding].open(), async (packed) => {
        for await (const piece of packed) await wire.body(piece as Uint8Array);
      });
      await wire.finish();
    });
  },
};

const compressors = {
  gzip: { compress: gzipSync, open: createGzip },
  deflate: { compress: deflateSync, open: createDeflate },
  br: { compress: brotliCompressSync, open: createBrotliCompress },
  zstd: { compress: zstdCompressSync, open: createZstdCompress },
};

function encodedAs(name: string, encoding: FaultEncoding, body: string | Uint8Array): Fault {
  return makeFault(name, (wire) => answer(wire, { headers: { "content-encoding": encoding }, body }));
}

const blockBytes = 2 ** 16;

export function* zeros(bytes: number): Generator<Uint8Array> {
  const block = new Uint8Array(blockBytes);
  for (let left = bytes; left > 0; left -= blockBytes) yield block.subarray(0, Math.min(left, blockBytes));
}
