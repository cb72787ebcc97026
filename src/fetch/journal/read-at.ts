import { readSync } from "node:fs";

/** Reads a part of a file; less of it where the file ends. */
export function readAt(fd: number, from: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let at = 0;
  while (at < bytes) {
    const count = readSync(fd, buffer, at, bytes - at, from + at);
    if (count === 0) break;
    at += count;
  }
  return buffer.subarray(0, at);
}
