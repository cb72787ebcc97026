import { write } from "node:fs";
import { promisify } from "node:util";

const writeSome = promisify(write);

/** Writes all of `bytes` where the file stands: the system may take less at a time. */
export async function writeAll(file: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await writeSome(file, bytes, at);
    at += bytesWritten;
  }
}
