import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { FileChangedError, type RequestName } from "../errors.ts";
import { UploadFailure } from "../wire/failure.ts";
import { MeasuredSource, type UnmeasuredSource, pieceBytes } from "./byte-source.ts";

/** The file is no longer what was announced. */
class FileChanged extends UploadFailure {
  readonly #path: string;

  constructor(path: string) {
    super(`${path} has changed`);
    this.#path = path;
  }

  errorFor(request: RequestName): FileChangedError {
    return new FileChangedError(request, this.#path);
  }
}

/** A file to be sent, looked at anew for each attempt. */
export class FileSource implements UnmeasuredSource {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws an error of Node if there is no such file; {TypeError} it is something else than a file */
  async measure(): Promise<MeasuredSource> {
    const { path } = this;
    const stats = await stat(path);
    if (!stats.isFile()) throw new TypeError(`Expected a file to send, but ${path} is something else`);
    return new MeasuredSource(stats.size, () => piecesOf(path, stats));
  }
}

/**
 * The file, which is open only while it is read. The last piece is held back until it is known that all of them are of
 * one and the same file: without it, the server knows that the body is not complete.
 */
async function* piecesOf(path: string, expected: Stats): AsyncGenerator<Uint8Array> {
  await using handle = await open(path, "r");
  expectSame(path, expected, await handle.stat());
  for (let at = 0; at < expected.size;) {
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, expected.size - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw new FileChanged(path);
    at += bytesRead;
    if (at === expected.size) expectSame(path, expected, await handle.stat());
    yield piece.subarray(0, bytesRead);
  }
}

function expectSame(path: string, expected: Stats, found: Stats): void {
  if (found.size !== expected.size || found.mtimeMs !== expected.mtimeMs) throw new FileChanged(path);
}
