import type { Transform } from "node:stream";
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";

/** How the bytes of a file are packed. */
export type Compression = "gzip" | "zstd";

const codecs = {
  gzip: { pack: createGzip, unpack: createGunzip },
  zstd: { pack: createZstdCompress, unpack: createZstdDecompress },
} as const;

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

export function packer(compression: Compression): Transform {
  return codecs[compression].pack();
}

export function unpacker(compression: Compression): Transform {
  return codecs[compression].unpack();
}
