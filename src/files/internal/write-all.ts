import type { FileHandle } from "node:fs/promises";

/** Writes all of `bytes` where the file stands: the system may take less at a time. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at);
    at += bytesWritten;
  }
}
