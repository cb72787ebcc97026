import { write } from "node:fs";
import { promisify } from "node:util";

const writeSome = promisify(write);

/** More is not handed over at once: Node takes less than 2 GiB. */
const mostBytes = 1024 * 1024 * 1024;

/** Writes all of `bytes` where the file stands: the system may take less at a time. */
export async function writeAll(file: number, bytes: Uint8Array, onWritten?: (count: number) => void): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await writeSome(file, bytes, at, Math.min(bytes.length - at, mostBytes));
    at += bytesWritten;
    onWritten?.(bytesWritten);
  }
}
