import {
  type ZstdCompress,
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { CorruptFileError } from "../errors.ts";
import { Stage } from "./stage.ts";

/** How the bytes of a file are packed. */
export type Compression = "gzip" | "zstd";

const codecs = {
  gzip: { pack: createGzip, unpack: createGunzip },
  zstd: { pack: packZstd, unpack: createZstdDecompress },
} as const;

/** With a sum over what was packed, as gzip always has: without it most damage would be read as if it were right. */
function packZstd(): ZstdCompress {
  return createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** What to make of the option: `"auto"` goes by the end of the name. */
export function compressionOf(path: string, option: Compression | "auto" | "none" = "auto"): Compression | undefined {
  switch (option) {
    case "none":
      return undefined;
    case "auto":
      if (path.endsWith(".gz")) return "gzip";
      return path.endsWith(".zst") ? "zstd" : undefined;
    default:
      if (Object.hasOwn(codecs, option)) return option;
      throw new TypeError(`Expected \`compression\` to be "auto", "gzip", "zstd" or "none", got \`${option}\``);
  }
}

/** Packs what a file is to hold. */
export async function* packed(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Buffer, void, void> {
  const stage = new Stage(codecs[compression].pack(), (error) => error);
  try {
    for await (const chunk of chunks) yield* stage.write(chunk);
    yield* stage.end();
  } finally {
    stage.destroy();
  }
}

/**
 * Unpacks what a file holds: all frames of zstd and all members of gzip, as `cat` and tools that append put them
 * together.
 *
 * Node 24 ends a stream of zstd with the first frame, and drops what follows in the same chunk. Node 26 goes on, but
 * takes up to three bytes after the last frame for nothing if a frame could begin so.
 *
 * @throws {CorruptFileError} FILE_CORRUPT
 */
export async function* unpacked(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Buffer, void, void> {
  const open = (): Stage =>
    new Stage(codecs[compression].unpack(), (error) => new CorruptFileError(path, error.message, error));
  let stage = open();
  let isPadding = false;
  try {
    for await (const chunk of chunks) {
      for (let rest = chunk; rest.length > 0;) {
        if (isPadding) {
          expectZeros(path, rest);
          break;
        }
        yield* stage.write(rest);
        rest = rest.subarray(rest.length - stage.unusedBytes);
        if (rest.length === 0) break;
        if (compression === "gzip") isPadding = true;
        else {
          stage.destroy();
          stage = open();
        }
      }
    }
    yield* stage.end();
  } finally {
    stage.destroy();
  }
}

/** Zeros may follow gzip, which was made for tapes. Node reads no more after them, so anything else would be lost. */
function expectZeros(path: string, rest: Uint8Array): void {
  if (rest.some((byte) => byte !== 0)) throw new CorruptFileError(path, "more follows the end of what was packed");
}
