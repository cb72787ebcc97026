import { close, fstatSync, ftruncate, open } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { WriteStream, isatty } from "node:tty";
import { promisify } from "node:util";
import type { Destination } from "./line-output.ts";
import { writeSome } from "./write-some.ts";

const closeFile = promisify(close);
const truncateFile = promisify(ftruncate);
const openFile = promisify(open);
const newline = 0x0a;

/** Opens `path` for results, in place of what it held. */
export async function openDestination(path: string): Promise<Destination> {
  return destinationOf(await openFile(path, "w"), true);
}

/** Standard output, whatever it is connected to. */
export function standardOutput(): Destination {
  return destinationOf(process.stdout.fd, false);
}

function destinationOf(fd: number, isOurs: boolean): Destination {
  const stats = fstatSync(fd);
  if (stats.isFile()) return new FileDestination(fd, isOurs, true);
  if (isatty(fd)) return new StreamDestination(isOurs ? new WriteStream(fd) : process.stdout);
  if (stats.isCharacterDevice()) return new FileDestination(fd, isOurs, false);
  // Not process.stdout: that cannot be destroyed, so a reader that hangs would hold up the end of the process.
  return new StreamDestination(new Socket({ fd, readable: false, writable: true }));
}

/** A file or a device. Where a write fails in the middle, the file is cut back to the end of its last whole line. */
class FileDestination implements Destination {
  readonly #fd: number;
  readonly #isOurs: boolean;
  readonly #isFile: boolean;

  constructor(fd: number, isOurs: boolean, isFile: boolean) {
    this.#fd = fd;
    this.#isOurs = isOurs;
    this.#isFile = isFile;
  }

  async write(bytes: Buffer): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) written += await writeSome(this.#fd, bytes, written, null);
    } catch (error) {
      if (this.#isFile) await this.#cutPartOfLine(bytes.subarray(0, written));
      throw error;
    }
  }

  async #cutPartOfLine(written: Buffer): Promise<void> {
    const partial = written.length - (written.lastIndexOf(newline) + 1);
    // The end of the file, not a count of our own: standard output may have begun anywhere, or be appended to.
    if (partial > 0) await truncateFile(this.#fd, fstatSync(this.#fd).size - partial);
  }

  /** A write to a file ends by itself. */
  abandon(): void {}

  async close(): Promise<void> {
    if (this.#isOurs) await closeFile(this.#fd);
  }
}

/** A pipe, a socket or a terminal. Its reader may go away, which is an EPIPE, and may be slow, which holds up nothing. */
class StreamDestination implements Destination {
  readonly #stream: Writable;
  #failure: Error | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", (error) => (this.#failure ??= error));
  }

  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else {
        this.#stream.write(bytes, (error) => {
          if (error) reject(this.#failure ?? error);
          else resolve();
        });
      }
    });
  }

  abandon(): void {
    this.#failure ??= new Error("they were not taken");
    this.#stream.destroy();
  }

  close(): Promise<void> {
    if (this.#stream === process.stdout || this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}
