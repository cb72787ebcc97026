import type { Socket } from "node:net";

/** Statuses from 100 to 199, in whichever version. */
const beginning: Buffer = Buffer.from("HTTP/1.1 1");
const versionAt = 7;
/** Not announced but meant: the connection goes on with another protocol. */
const upgrade: Buffer = Buffer.from("01");
const endOfHead = "\r\n\r\n";
/** As much as undici takes of other heads. */
const mostBytes = 16 * 1024;

/**
 * Skips the heads that may come before that of a response, such as 103 Early Hints and `100 Continue`. Nobody here waits
 * for any, but servers may send them all the same (RFC 9110, 15.2), and undici gives up the connection after a 100.
 */
export class InterimHeads {
  readonly #read: (size?: number) => Buffer | null;
  /** Whether a response is to begin. */
  #isDue = true;
  /** What has come of a head that may be one. */
  #begun: Buffer | undefined = undefined;

  /** @param socket - new, and going to be read with `read()` alone while `expect` is called */
  constructor(socket: Socket) {
    this.#read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    socket.read = (size) => (this.#isDue ? this.#readOn(size) : this.#read(size));
  }

  /** A request goes out. */
  expect(): void {
    this.#isDue = true;
  }

  #readOn(size: number | undefined): Buffer | null {
    for (let came = this.#read(size); came !== null; came = this.#read()) {
      const rest = this.#skip(came);
      if (rest !== undefined) return rest;
    }
    return null;
  }

  /** What follows in `came`; undefined if that is nothing, or cannot be told yet. */
  #skip(came: Buffer): Buffer | undefined {
    let bytes = this.#begun === undefined ? came : Buffer.concat([this.#begun, came]);
    this.#begun = undefined;
    while (bytes.length > 0) {
      if (!mayBeInterim(bytes)) return this.#passOn(bytes);
      const end = bytes.indexOf(endOfHead);
      if (end === -1) {
        // Of one without an end undici is to say that it is too long.
        if (bytes.length > mostBytes) return this.#passOn(bytes);
        this.#begun = bytes;
        return undefined;
      }
      bytes = bytes.subarray(end + endOfHead.length);
    }
    return undefined;
  }

  #passOn(bytes: Buffer): Buffer {
    this.#isDue = false;
    return bytes;
  }
}

function mayBeInterim(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== beginning[at] && at !== versionAt) return false;
  return !bytes.subarray(length, length + upgrade.length).equals(upgrade);
}
